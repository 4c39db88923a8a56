"""weft forget: take URLs, hosts or files out of an output folder for good, and say what was done."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from jobs.arguments import local
from jobs.open_run import open_run
from pipeline.locks import Locks
from pipeline.report import report
from pipeline.run import Run
from pipeline.run_file import holds_run
from pipeline.shards.forget import current_of, forget

_MORE = """
One entry a line; lines that begin with # are passed over. A URL stands for itself with http and https, a host for
itself and every host below it, a hash (SHA-256, hex) for a file as fetched or as it stands in a shard. Hashes of them
are kept in DIR/tombstones: no rerun, retry or later crawl into DIR brings them back. No step may be in the making.
`weft verify DIR --forgotten DIR/tombstones` proves that nothing is left.
"""
_REACH = """not reached: archives given as --in, copies and exports outside of this folder, models trained on the
shards, backups and snapshots; disks that write elsewhere (SSDs, copy-on-write) may keep overwritten ranges a while"""


def main(argv: Sequence[str] | None = None) -> int:
    """Forget, then write the report anew."""
    options = argparse.ArgumentParser(
        prog="weft forget", description=__doc__, epilog=_MORE, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument(
        "folder", type=local("DIR"), metavar="DIR", help="output folder of weft run, or a folder of shards"
    )
    for name, what in (("urls", "of pages and images"), ("hosts", "of pages and images"), ("hashes", "of images")):
        options.add_argument(
            f"--{name}",
            type=local(f"--{name}"),
            action="append",
            default=[],
            metavar="F",
            help=f"list of {name} {what}",
        )
    options.add_argument("--no-report", action="store_true", help="do not write the report anew (that needs Spark)")
    arguments = options.parse_args(argv)
    kinds = (("url", arguments.urls), ("host", arguments.hosts), ("hash", arguments.hashes))
    lists = [(path, kind) for kind, paths in kinds for path in paths]
    if not lists:
        options.error("give at least one list: --urls, --hosts or --hashes")
    root = arguments.folder.resolve()
    run = open_run(root, print) if holds_run(root) else None
    with Locks(root, print) as locks:
        locks.take(step.name for step in (run.steps if run else ()))
        take(root, lists, run, with_report=not arguments.no_report)
    print(_REACH)
    return 0


def take(root: Path, lists: list[tuple[Path, str]], run: Run | None, *, with_report: bool) -> None:
    """Forget what is on the lists, and say what was done."""
    taken = forget(
        root,
        lists,
        current=current_of(run) if run else {},
        min_images=run.recipe.assemble.min_images if run else 1,
        say=print,
    )
    print(
        f"shards: {taken.shards.shards:,} written anew, {taken.shards.documents:,} documents and "
        f"{taken.shards.images:,} images gone; the other shards are as they were"
    )
    print(f"image store: {taken.erased:,} files overwritten")
    for table, rows in sorted(taken.rows.items()):
        print(f"  {table}: {rows:,} rows")
    for name in taken.deleted:
        print(f"  deleted: {name}")
    if run and with_report and all(run.is_done(step.name) for step in run.steps):
        report(run)
        print("the report is written anew")
