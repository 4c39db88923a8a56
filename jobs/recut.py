"""What the commands that cut shards anew share: where to, and what they say at their end."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from jobs.arguments import local, whole


def add_output(options: argparse.ArgumentParser) -> None:
    """The options `--out` and `--target-bytes`."""
    options.add_argument(
        "--out", required=True, type=local("--out"), metavar="OUT", help="a folder that is empty or not there"
    )
    options.add_argument(
        "--target-bytes",
        type=whole("--target-bytes"),
        default=512 << 20,
        help="size that the number of shards is chosen for (512 MiB)",
    )


def said(manifest: dict[str, Any], out: Path) -> str:
    """A line on what was written."""
    totals = manifest["totals"]
    return (
        f"{manifest['num_shards']:,} shards, {totals['documents']:,} documents, {totals['images']:,} images, "
        f"{totals['words']:,} words: {out}"
    )
