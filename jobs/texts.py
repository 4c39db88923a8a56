"""weft texts: documents without their images, as shards of their own."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from jobs.arguments import location
from jobs.recut import add_output, said
from pipeline.shards.place import shards_place
from pipeline.shards.recut import Source, recut
from pipeline.shards.views import texts_only


def main(argv: Sequence[str] | None = None) -> int:
    """Write the shards."""
    options = argparse.ArgumentParser(prog="weft texts", description=__doc__)
    options.add_argument(
        "folder", type=location("DIR"), metavar="DIR", help="output folder of weft run, or shards, or a URL of one"
    )
    add_output(options)
    arguments = options.parse_args(argv)
    source = Source(shards_place(arguments.folder).root)
    manifest = recut(
        arguments.out, source.locations(), [source], target_bytes=arguments.target_bytes, change=texts_only
    )
    print(said(manifest, arguments.out))
    return 0
