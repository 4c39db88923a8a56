"""weft gc: delete files that no commit record names, and with --old the tables of other recipes and inputs."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from jobs.open_run import open_run
from pipeline.commits import StepFolder


def main(argv: Sequence[str] | None = None) -> int:
    """Sweep, and say how much."""
    options = argparse.ArgumentParser(prog="weft gc", description=__doc__)
    options.add_argument(
        "folder", type=Path, metavar="DIR", help="output folder of weft run; no run may be writing to it"
    )
    options.add_argument(
        "--old",
        action="store_true",
        help="also delete tables of other recipes and inputs than the last run's",
    )
    options.add_argument("--dry-run", action="store_true", help="only say what would go")
    arguments = options.parse_args(argv)
    run = open_run(arguments.folder)
    files = size = 0
    for step in run.steps:
        current = run.where(step.name).path
        for folder in sorted(path for path in current.parent.glob("*") if path.is_dir() and len(path.name) == 16):
            is_old = arguments.old and folder != current and not step.accumulates
            # The ledger belongs to every recipe, and names tars of step 01 too: those of data: images.
            old = [path for path in folder.rglob("*") if path.is_file() and path.suffix != ".tar"]
            doomed = old if is_old else StepFolder(folder).unnamed_files()
            files += len(doomed)
            size += sum(path.stat().st_size for path in doomed)
            if arguments.dry_run:
                continue
            for path in doomed:
                path.unlink()
    for draft in (run.folder / "shards").glob(".weft-*"):
        files, size = files + 1, size + draft.stat().st_size
        if not arguments.dry_run:
            draft.unlink()
    print(f"{'would delete' if arguments.dry_run else 'deleted'} {files:,} files, {size:,} bytes")
    return 0
