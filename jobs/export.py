"""weft export: shards as Parquet files with OBELICS's schema, for everything that reads OBELICS."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from jobs.arguments import local, location
from pipeline.shards.export_obelics import export
from pipeline.shards.place import shards_place


def main(argv: Sequence[str] | None = None) -> int:
    """Write the files."""
    options = argparse.ArgumentParser(prog="weft export", description=__doc__)
    options.add_argument(
        "folder", type=location("DIR"), metavar="DIR", help="output folder of weft run, or shards, or a URL of one"
    )
    options.add_argument(
        "--out",
        required=True,
        type=local("--out"),
        metavar="OUT",
        help="a folder that is empty or not there; under DIR/exports, `weft forget DIR` reaches it",
    )
    arguments = options.parse_args(argv)
    files, documents, images = export(shards_place(arguments.folder), arguments.out)
    print(f"{files:,} files, {documents:,} documents, {images:,} images: {arguments.out}")
    return 0
