"""weft report: count the books of a finished run again and write report/index.html and report/report.json."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from jobs.arguments import local
from jobs.open_run import open_run
from pipeline.locks import Locks
from pipeline.report import compare, report
from schemas.errors import InputError


def main(argv: Sequence[str] | None = None) -> int:
    """Write the report."""
    options = argparse.ArgumentParser(prog="weft report", description=__doc__)
    options.add_argument("folder", type=local("DIR"), metavar="DIR", help="output folder of weft run")
    options.add_argument("--master", help="Spark master (default: local[*])")
    options.add_argument(
        "--against", type=local("--against"), metavar="DIR", help="another run, or the same by another recipe"
    )
    arguments = options.parse_args(argv)
    other = compare.read(arguments.against) if arguments.against else None
    run = open_run(arguments.folder, print, arguments.master)
    if missing := [step.name for step in run.steps if not run.is_done(step.name)]:
        raise InputError(f"{arguments.folder}: the run is not finished, {missing[0]} is next; run weft run again first")
    with Locks(run.folder, print) as locks:
        locks.take(["shards"])
        report(run, other)
    print(run.folder / "report" / "index.html")
    return 0
