"""Small pictures for the page: read from the image store, checked, drawn anew as JPEG, within a budget of bytes.

What a page gets is our own encoding of the pixels, never bytes from the web; SVG and the like are no pictures here.
"""

from __future__ import annotations

import base64
import io
from pathlib import Path
from typing import Any

from filters.images.decode import decode
from pipeline.store import Address, read_ranges
from schemas.errors import StepFailed
from schemas.reasons import FileReason

SIDE = 160
"""Longest side of a picture, px."""
QUALITY = 60
BUDGET = 5_000_000
"""Characters of all pictures of one page."""


class Thumbnails:
    """Draws pictures until the budget is spent; the same file is drawn once a side."""

    def __init__(self, store: Path, budget: int = BUDGET) -> None:
        self._store = store
        self._left = budget
        self._drawn: dict[tuple[str, int], str | None] = {}

    def draw(self, image: dict[str, Any], side: int = SIDE) -> str | None:
        """A `data:image/jpeg` address, or None: no bytes, bytes that are gone, no picture, or no budget left.

        Args:
            image: sha256, store_file, store_offset, store_length.
            side: longest side, px.
        """
        sha256, file = image.get("sha256"), image.get("store_file")
        if not sha256 or not file:
            return None
        if (sha256, side) not in self._drawn:
            address = Address(file, image["store_offset"], image["store_length"])
            self._drawn[sha256, side] = self._read(address, sha256, side)
        return self._drawn[sha256, side]

    def _read(self, address: Address, sha256: str, side: int) -> str | None:
        if self._left <= 0:
            return None
        try:
            data = next(iter(read_ranges(self._store, [address], digests={address: sha256})))[1]
        except StepFailed:  # erased, or taken down since
            return None
        uri = thumbnail(data, side)
        self._left -= len(uri or "")
        return uri


def thumbnail(data: bytes, side: int = SIDE) -> str | None:
    """The picture as a `data:image/jpeg` address, its longest side at most `side` px; None where there is none."""
    decoded = decode(data, draft_side=side)
    if isinstance(decoded, FileReason):
        return None
    picture = decoded.image
    picture.thumbnail((side, side))
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=QUALITY, optimize=True)
    return "data:image/jpeg;base64," + base64.b64encode(out.getvalue()).decode("ascii")
