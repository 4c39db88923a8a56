"""weft copy: shards to another place, local or s3://; checked on the way, and resumed by the same command."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from jobs.arguments import location
from pipeline.shards.place import Place, shards_place
from pipeline.shards.publish import publish


def main(argv: Sequence[str] | None = None) -> int:
    """Copy."""
    options = argparse.ArgumentParser(prog="weft copy", description=__doc__)
    options.add_argument(
        "source",
        type=location("DIR"),
        metavar="DIR",
        help="output folder of weft run, or a folder of shards; or a URL of one",
    )
    options.add_argument("target", type=location("TO"), metavar="TO", help="folder or URL that is to hold them")
    arguments = options.parse_args(argv)

    def say(line: str) -> None:
        if sys.stderr.isatty():
            print(f"\r{line}", end="", file=sys.stderr, flush=True)

    source = shards_place(arguments.source)
    sent = publish(source, Place(arguments.target), say=say)
    print(f"{sent:,} files sent to {arguments.target}" if sent else f"{arguments.target} holds the same shards already")
    return 0
