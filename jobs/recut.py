"""What the commands that cut shards anew say at their end."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def said(manifest: dict[str, Any], out: Path) -> str:
    """A line on what was written."""
    totals = manifest["totals"]
    return (
        f"{manifest['num_shards']:,} shards, {totals['documents']:,} documents, {totals['images']:,} images, "
        f"{totals['words']:,} words: {out}"
    )
