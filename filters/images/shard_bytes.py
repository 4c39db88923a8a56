"""The bytes of an image as a shard stores them: a JPEG that a hardware decoder takes, without metadata.

DESIGN section 4: a baseline, 8-bit, grey or YCbCr JPEG that needs no turning and no colour conversion passes
through, its entropy-coded data bit for bit; every other image is decoded and written once as a baseline
JPEG. The same bytes in give the same bytes out.
"""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

from filters.images import jpeg
from filters.images.colour import is_srgb
from filters.images.decode import MAX_PIXELS, decode
from filters.images.exif import orientation
from schemas.reasons import FileReason

if TYPE_CHECKING:
    from PIL import Image

QUALITY = 90
"""Default JPEG quality of transcoded images: above the 85 where differences begin to be seen, below the 95
where files double."""
MAX_SIDE = 2048
"""Default longest side of a transcoded image, px."""
_MAX_JPEG_SIDE = 65_500  # libjpeg's limit


@dataclass(frozen=True, slots=True, kw_only=True)
class ShardImage:
    """A member of a shard and what its JSON says of it."""

    data: bytes
    format: str
    """Of the member: jpeg."""
    width: int
    """Of the member, px."""
    height: int
    original_width: int
    """Of the fetched image before turning, px."""
    original_height: int
    original_format: str
    transcoded: bool
    """False where the picture data passed through."""
    sha256: str
    """Hex, of the member."""
    original_sha256: str
    """Hex, of the fetched bytes."""


def to_shard(
    data: bytes,
    *,
    max_side: int = MAX_SIDE,
    quality: int = QUALITY,
    text_rich: bool = False,
    max_pixels: int = MAX_PIXELS,
) -> ShardImage | FileReason:
    """What a shard stores for the fetched bytes `data`, or why it can store nothing.

    Args:
        data: the fetched file. A JPEG that passes through is not decoded here: `measures` has done that
            before.
        max_side: a transcoded image is reduced once to this longest side, px. What passes through keeps its
            size.
        quality: of transcoded images, 1 to 100.
        text_rich: keep full colour resolution (4:4:4) where letters are to stay readable.
        max_pixels: larger images are TOO_MANY_PIXELS.
    """
    parsed = jpeg.parse(data)
    if parsed is not None and passes_through(parsed):
        if parsed.width * parsed.height > max_pixels:
            return FileReason.TOO_MANY_PIXELS
        size = (parsed.width, parsed.height)
        return _member(data, jpeg.strip(data, parsed), size, size, "jpeg", transcoded=False)
    decoded = decode(data, max_pixels=max_pixels)
    if isinstance(decoded, FileReason):
        return decoded
    picture = reduce_to(decoded.image, max_side)
    encoded = encode(picture, quality=quality, text_rich=text_rich)
    original = (decoded.header.width, decoded.header.height)
    return _member(data, encoded, picture.size, original, decoded.header.format, transcoded=True)


def passes_through(parsed: jpeg.Jpeg) -> bool:
    """Whether the picture data of this JPEG goes into the shard as it is (see the module)."""
    if not parsed.is_baseline or orientation(parsed.exif) != 1:
        return False
    return not parsed.icc or is_srgb(parsed.icc, "L" if parsed.components == 1 else "RGB")


def reduce_to(image: Image.Image, max_side: int) -> Image.Image:
    """The image with its longer side at most `max_side` px, reduced in one step where it is over."""
    from PIL import Image

    longer = max(image.size)
    if longer <= max_side:
        return image
    width, height = (max(1, (side * max_side + longer // 2) // longer) for side in image.size)
    return image.resize((width, height), Image.Resampling.LANCZOS)


def encode(image: Image.Image, *, quality: int, text_rich: bool) -> bytes:
    """A baseline JPEG of an RGB or L image: 4:2:0, or 4:4:4 for text; own Huffman tables, no metadata."""
    out = io.BytesIO()
    image.save(
        out,
        format="JPEG",
        quality=quality,
        subsampling="4:4:4" if text_rich else "4:2:0",
        optimize=True,  # own Huffman tables: still baseline, about a tenth smaller
        progressive=False,
        exif=b"",
        icc_profile=None,
        comment=b"",
    )
    return out.getvalue()


def _member(
    original: bytes,
    data: bytes,
    size: tuple[int, int],
    original_size: tuple[int, int],
    original_format: str,
    *,
    transcoded: bool,
) -> ShardImage:
    return ShardImage(
        data=data,
        format="jpeg",
        width=size[0],
        height=size[1],
        original_width=original_size[0],
        original_height=original_size[1],
        original_format=original_format,
        transcoded=transcoded,
        sha256=hashlib.sha256(data).hexdigest(),
        original_sha256=hashlib.sha256(original).hexdigest(),
    )
