"""weft merge: several folders of shards as one, cut anew; a document that stands in several is taken from the first."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from jobs.arguments import local, location, whole
from jobs.recut import said
from pipeline.shards.place import shards_place
from pipeline.shards.recut import Source, merged, recut


def main(argv: Sequence[str] | None = None) -> int:
    """Write the shards."""
    options = argparse.ArgumentParser(prog="weft merge", description=__doc__)
    options.add_argument(
        "folders", nargs="+", type=location("DIR"), metavar="DIR", help="output folders of weft run, or shards, or URLs"
    )
    options.add_argument(
        "--out", required=True, type=local("--out"), metavar="OUT", help="a folder that is empty or not there"
    )
    options.add_argument(
        "--target-bytes",
        type=whole("--target-bytes"),
        default=512 << 20,
        help="size that the number of shards is chosen for (512 MiB)",
    )
    arguments = options.parse_args(argv)
    sources = [Source(shards_place(root).root, number) for number, root in enumerate(arguments.folders)]
    manifest = recut(arguments.out, merged(sources), sources, target_bytes=arguments.target_bytes)
    print(said(manifest, arguments.out))
    return 0
