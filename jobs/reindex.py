"""weft reindex: write the indexes and the manifest of a folder of shards anew, from the tars alone."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from jobs.arguments import location
from pipeline.shards.place import Place
from pipeline.shards.reindex import reindex


def main(argv: Sequence[str] | None = None) -> int:
    """Read every tar, then write."""
    options = argparse.ArgumentParser(prog="weft reindex", description=__doc__)
    options.add_argument(
        "folder",
        type=location("DIR"),
        metavar="DIR",
        help="the folder that holds the tars, or a URL of one with its manifest",
    )
    manifest = reindex(Place(options.parse_args(argv).folder))
    totals = manifest["totals"]
    print(f"{manifest['num_shards']:,} shards, {totals['documents']:,} documents, {totals['images']:,} images")
    return 0
