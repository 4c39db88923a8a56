"""Commands around the loader: each module has `main(argv) -> int`, which `weft loader NAME` calls."""
