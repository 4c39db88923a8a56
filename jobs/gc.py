"""weft gc: delete files that no commit record names, and with --old the tables of other recipes and inputs."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import pyarrow.parquet as pq

from jobs.arguments import local
from jobs.open_run import open_run
from pipeline.commits import StepFolder
from pipeline.locks import Locks
from pipeline.run import Run
from schemas.image import DATA_IMAGES, LEDGER


def main(argv: Sequence[str] | None = None) -> int:
    """Sweep, and say how much."""
    options = argparse.ArgumentParser(prog="weft gc", description=__doc__)
    options.add_argument(
        "folder", type=local("DIR"), metavar="DIR", help="output folder of weft run, none of whose steps is being made"
    )
    options.add_argument(
        "--old",
        action="store_true",
        help="also delete tables of other recipes and inputs than the last run's",
    )
    options.add_argument("--dry-run", action="store_true", help="only say what would go")
    arguments = options.parse_args(argv)
    run = open_run(arguments.folder)
    with Locks(run.folder, print) as locks:
        if not arguments.dry_run:
            locks.take(step.name for step in run.steps)
        doomed = [*_doomed(run, old=arguments.old), *(run.folder / "shards").glob(".weft-*")]
        size = sum(path.stat().st_size for path in doomed)
        for path in () if arguments.dry_run else doomed:
            path.unlink()
    print(f"{'would delete' if arguments.dry_run else 'deleted'} {len(doomed):,} files, {size:,} bytes")
    return 0


def _doomed(run: Run, *, old: bool) -> list[Path]:
    """Files of step folders that may go; what rows of another folder point into stays, whatever is left of its own."""
    found: list[Path] = []
    staying: list[StepFolder] = []
    for step in run.steps:
        current = run.where(step.name).path
        for path in sorted(path for path in current.parent.glob("*") if path.is_dir() and len(path.name) == 16):
            if old and path != current and not step.accumulates:
                found += [file for file in path.rglob("*") if file.is_file()]
            else:
                staying.append(StepFolder(path))
                found += staying[-1].unnamed_files()
    if not any(path.suffix == ".tar" for path in found):
        return found
    kept = _pointed_into(run.folder, staying)
    return [path for path in found if path not in kept]


def _pointed_into(root: Path, folders: list[StepFolder]) -> set[Path]:
    """Tars that hold an answer of a ledger, or a data: image of a page.

    A ledger belongs to every recipe, and names tars that step 01 wrote under another one; pages that were judged again
    stand beside the tars of the first judgement.
    """
    tables = [file for folder in folders for table in (LEDGER, DATA_IMAGES) for file in folder.files(table.name)]
    found: set[Path] = set()
    for table in tables:
        with pq.ParquetFile(table) as parquet:
            for batch in parquet.iter_batches(columns=["store_file"]):
                found.update(root / name for name in batch.column(0).unique().to_pylist() if name)
    return found
