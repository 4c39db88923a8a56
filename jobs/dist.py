"""Pack the project's code for Spark's executors: `python -m jobs.dist dist/weft-code.tar.gz`.

The archive holds the import packages and the recipes, some hundred kilobytes, and nothing that they depend on:
for clusters whose machines have those packages already.

    spark-submit --archives dist/weft-code.tar.gz#weft --conf spark.executorEnv.PYTHONPATH=weft jobs/run.py

The same files give the same bytes, whenever and by whomever they are packed. `make dist-env` packs everything
that the code depends on too (docs/cluster.md).
"""

from __future__ import annotations

import argparse
import gzip
import io
import tarfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from schemas.errors import ConfigError

PACKAGES = ("schemas", "filters", "pipeline", "jobs", "vlm", "demo", "recipes")
_LEFT_OUT = frozenset({"__pycache__"})


def code_files(root: Path) -> Iterator[Path]:
    """Yield the files of the packages under `root`, sorted by name; no caches, no hidden files.

    Raises ConfigError where a package is missing: an archive without it would fail on the executors only.
    """
    for package in sorted(PACKAGES):
        if not (root / package).is_dir():
            raise ConfigError(f"no folder {package}/ in {root}: run this in the folder of the project")
        for path in sorted((root / package).rglob("*"), key=lambda p: p.relative_to(root).as_posix()):
            parts = path.relative_to(root).parts
            if path.is_file() and not any(part in _LEFT_OUT or part.startswith(".") for part in parts):
                yield path


def pack(root: Path, archive: Path) -> int:
    """Write the code under `root` as a .tar.gz and return how many files it holds.

    Times, owners and modes are fixed, so that equal code gives an equal archive.
    """
    archive.parent.mkdir(parents=True, exist_ok=True)
    num_files = 0
    # The name and the time that gzip would write into its header are left empty.
    with (
        archive.open("wb") as raw,
        gzip.GzipFile("", "wb", fileobj=raw, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as tar,
    ):
        for path in code_files(root):
            data = path.read_bytes()
            member = tarfile.TarInfo(path.relative_to(root).as_posix())
            member.size, member.mode = len(data), 0o644
            tar.addfile(member, io.BytesIO(data))
            num_files += 1
    return num_files


def main(argv: Sequence[str] | None = None) -> None:
    """Pack the project in the current folder and say what was written."""
    parser = argparse.ArgumentParser(prog="python -m jobs.dist", description="Pack the code for executors.")
    parser.add_argument("archive", nargs="?", type=Path, default=Path("dist/weft-code.tar.gz"))
    archive: Path = parser.parse_args(argv).archive
    num_files = pack(Path.cwd(), archive)
    print(f"wrote {archive}: {num_files} files, {archive.stat().st_size} bytes")


if __name__ == "__main__":
    main()
