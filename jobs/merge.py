"""weft merge: several folders of shards as one, cut anew; a document that stands in several is taken from the first."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from jobs.arguments import location
from jobs.recut import add_output, said
from pipeline.shards.place import shards_place
from pipeline.shards.recut import Source, merged, recut


def main(argv: Sequence[str] | None = None) -> int:
    """Write the shards."""
    options = argparse.ArgumentParser(prog="weft merge", description=__doc__)
    options.add_argument(
        "folders", nargs="+", type=location("DIR"), metavar="DIR", help="output folders of weft run, or shards, or URLs"
    )
    add_output(options)
    arguments = options.parse_args(argv)
    sources = [Source(shards_place(root).root, number) for number, root in enumerate(arguments.folders)]
    manifest = recut(arguments.out, merged(sources), sources, target_bytes=arguments.target_bytes)
    print(said(manifest, arguments.out))
    return 0
