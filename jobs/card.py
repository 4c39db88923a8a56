"""weft card: write the dataset card (README.md) beside the shards, from what they hold."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from jobs.arguments import location
from pipeline.run_file import holds_run, read_run
from pipeline.shards.card import card
from pipeline.shards.place import shards_place


def main(argv: Sequence[str] | None = None) -> int:
    """Write the card."""
    options = argparse.ArgumentParser(prog="weft card", description=__doc__)
    options.add_argument(
        "folder",
        type=location("DIR"),
        metavar="DIR",
        help="output folder of weft run, or a folder of shards; or a URL of one",
    )
    options.add_argument("--name", default="Interleaved image-text documents", help="of the data set, as its title")
    arguments = options.parse_args(argv)
    place = shards_place(arguments.folder)
    folder = Path(arguments.folder)
    recipe = read_run(folder)["recipe"] if holds_run(folder) else None
    place.put("README.md", card(place, arguments.name, recipe).encode())
    print(f"{place.root}/README.md")
    return 0
