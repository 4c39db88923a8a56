"""weft verify: check shards against manifest, indexes and format, and say what is wrong."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from jobs.arguments import local, location, whole
from pipeline.shards.check_document import Options
from pipeline.shards.place import shards_place
from pipeline.shards.prove_forgotten import remains
from pipeline.shards.verify import verify
from pipeline.tombstones import read_any
from schemas.shard_faults import ShardFault

_MORE = """
Exit code 0 when all is well, 1 when something is wrong. Every file is read whole: at about the speed of decoding its
images, or of the disk with --no-decode. Addresses of s3://, gs:// and https:// work like folders.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Check, list what is wrong, and count it."""
    options = argparse.ArgumentParser(prog="weft verify", description=__doc__, epilog=_MORE)
    options.add_argument(
        "folder",
        type=location("DIR"),
        metavar="DIR",
        help="output folder of weft run, or a folder of shards; or a URL of one",
    )
    options.add_argument("--no-decode", action="store_true", help="do not decode the images: much faster")
    options.add_argument(
        "--original", action="store_true", help="the recipe kept images as fetched: any format will do"
    )
    options.add_argument("--workers", type=whole("--workers"), help="shards to read at once (default: one a core)")
    options.add_argument(
        "--forgotten",
        type=local("--forgotten"),
        action="append",
        default=[],
        metavar="F",
        help="also prove that no address or byte of a takedown is left anywhere under DIR: a list of URLs, hosts or "
        "hashes (which, is told by its lines), or a folder of tombstones",
    )
    arguments = options.parse_args(argv)

    def say(line: str) -> None:
        if sys.stderr.isatty():
            print(f"\r{line}", end="", file=sys.stderr, flush=True)

    how = Options(original=arguments.original, decode=not arguments.no_decode)
    found = verify(shards_place(arguments.folder), how, workers=arguments.workers, say=say)
    if arguments.forgotten:
        for where, detail in remains(Path(arguments.folder), read_any(arguments.forgotten)):
            found.findings.add(where, ShardFault.FORGOTTEN, detail)
    for where, fault, detail in found.findings.shown:
        print(f"{where}: {fault}{f': {detail}' if detail else ''}")
    number = sum(found.findings.counts.values())
    print(
        f"{found.shards:,} shards, {found.totals['documents']:,} documents, {found.totals['images']:,} images: "
        + (f"{number:,} faults" if number else "sound")
    )
    for fault, count in found.findings.counts.most_common():
        print(f"  {count:,} {fault}")
    return 1 if number else 0
