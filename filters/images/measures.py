"""What is measured of an image, from one decode. Thresholds are `rules`.

Pictures are measured small: with a shorter side of 128 to 255 px, JPEGs decoded so, others averaged down. What is
measured is the picture as a whole, not its pixels, and it is the same for copies at other sizes. Measures are rounded
to 4 decimals, so that they are the same on every machine.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from filters.images.decode import MAX_PIXELS, Decoded, decode
from filters.images.pdq import pdq
from filters.images.phash import phash
from filters.images.text_share import text_share
from schemas.reasons import FileReason

if TYPE_CHECKING:
    from PIL import Image

DRAFT_SIDE = 128
"""Least side in px of a reduced decode: four times what the hash looks at."""
_SPREAD_SIDE = 32  # shorter side in px, at least, of the average on which single colour is measured


@dataclass(frozen=True, slots=True, kw_only=True)
class Measures:
    """Numbers about one file. Sizes are px of the full picture as a reader sees it (turned)."""

    sha256: str
    """Hex, of the file's bytes."""
    num_bytes: int
    format: str
    """jpeg, png, webp, gif, avif, bmp or tiff."""
    mode: str
    """Stored pixels in Pillow's words: 1, L, P, RGB, RGBA, CMYK, ..."""
    width: int
    height: int
    orientation: int
    """EXIF orientation of the file, 1 to 8."""
    animated: bool
    """More than one frame; everything here is about the first."""
    entropy: float
    """Of the grey histogram, bits, 0 (one grey) to 8."""
    colour_spread: int
    """Largest range (0 to 255) of a channel over an average of 32 to 63 px: 0 for a picture of a single colour."""
    sharpness: float
    """Variance of the 3 x 3 Laplacian of the grey picture at 64 to 127 px: low for a blurred one."""
    phash: str
    """64-bit DCT hash, 16 hex digits."""
    pdq: str
    """PDQ hash, 256 bits, 64 hex digits."""
    pdq_quality: int
    """Its quality, 0 (flat: the hash means nothing) to 100."""
    text_share: float
    """Share of tiles that look like letters, 0 to 1."""

    @property
    def aspect(self) -> float:
        """Longer side by shorter side, at least 1."""
        return max(self.width, self.height) / min(self.width, self.height)


def measure(data: bytes, *, max_pixels: int = MAX_PIXELS) -> Measures | FileReason:
    """The measures of a file, or why it has none (FORMAT, TOO_MANY_PIXELS, DECODE_ERROR)."""
    decoded = decode(data, max_pixels=max_pixels, draft_side=DRAFT_SIDE)
    if isinstance(decoded, FileReason):
        return decoded
    return measure_decoded(data, decoded)


def measure_decoded(data: bytes, decoded: Decoded) -> Measures:
    """The measures of a file that was decoded already, at full size or by `draft_side=DRAFT_SIDE`."""
    small = decoded.image
    if (shrink := min(small.size) // DRAFT_SIDE) >= 2:  # decoded for somebody who wants more
        small = small.reduce(shrink)
    grey = small if small.mode == "L" else small.convert("L")
    hashed = pdq(grey, decoded.width, decoded.height)
    return Measures(
        sha256=hashlib.sha256(data).hexdigest(),
        num_bytes=len(data),
        format=decoded.header.format,
        mode=decoded.mode,
        width=decoded.width,
        height=decoded.height,
        orientation=decoded.orientation,
        animated=decoded.header.animated,
        entropy=_entropy(grey),
        colour_spread=_colour_spread(small),
        sharpness=_sharpness(grey),
        phash=phash(grey),
        pdq=hashed.hash,
        pdq_quality=hashed.quality,
        text_share=text_share(np.asarray(grey)),
    )


def _entropy(grey: Image.Image) -> float:
    return round(grey.entropy(), 4) + 0.0


def _colour_spread(image: Image.Image) -> int:
    """Over an average of 32 px or more, so that the noise of JPEG and thin lines do not count."""
    shrink = min(image.size) // _SPREAD_SIDE
    small = image.reduce(shrink) if shrink >= 2 else image
    extremes: Any = [small.getextrema()] if small.mode == "L" else small.getextrema()
    return max(int(high) - int(low) for low, high in extremes)


def _sharpness(grey: Image.Image) -> float:
    if min(grey.size) >= DRAFT_SIDE:
        grey = grey.reduce(2)
    if min(grey.size) < 3:
        return 0.0
    p = np.asarray(grey).astype(np.int16)
    edges = p[:-2, 1:-1] + p[2:, 1:-1]
    edges += p[1:-1, :-2]
    edges += p[1:-1, 2:]
    edges -= 4 * p[1:-1, 1:-1]
    count, total, squares = edges.size, int(edges.sum(dtype=np.int64)), int(np.square(edges, dtype=np.int32).sum())
    return round((squares * count - total * total) / (count * count), 4)
