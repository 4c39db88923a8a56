"""Pixels of an image as a reader of the page saw them, or the reason why there are none.

One way in for everything that looks at pixels (measures, scores, shards): first frame, turned as EXIF says,
in sRGB, transparent parts on white. Bounded before C code runs: format and pixel count come from
`header.probe`, and only the decoders of the seven formats are ever called.
"""

from __future__ import annotations

import io
import struct
import warnings
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from filters.images import exif
from filters.images.colour import on_white, to_8_bit, to_srgb
from filters.images.header import DECODABLE, Header, probe
from filters.images.jpeg import has_many_scans
from schemas.reasons import FileReason

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from PIL import Image

MAX_PIXELS = 89_478_485
"""Default limit of one image: a quarter of a GiB at 3 bytes a pixel, where Pillow too begins to warn."""

_TURNS = {
    2: "FLIP_LEFT_RIGHT",
    3: "ROTATE_180",
    4: "FLIP_TOP_BOTTOM",
    5: "TRANSPOSE",
    6: "ROTATE_270",
    7: "TRANSVERSE",
    8: "ROTATE_90",
}
"""How a picture is turned for each EXIF orientation (TIFF 6.0 tag 274), as members of Pillow's Transpose."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoded:
    """A decoded image."""

    header: Header
    image: Image.Image
    """Mode RGB or L, 8 bits a channel, sRGB, turned, without metadata."""
    mode: str
    """Pillow's mode of the stored pixels: 1, L, P, RGB, RGBA, CMYK, ..."""
    orientation: int
    """EXIF orientation that was undone."""
    reduced: bool
    """Decoded below full size (`draft_side`)."""

    @property
    def width(self) -> int:
        """Width in px of the full image after turning."""
        return self.header.height if self.orientation >= 5 else self.header.width

    @property
    def height(self) -> int:
        """Height in px of the full image after turning."""
        return self.header.width if self.orientation >= 5 else self.header.height

    @property
    def pixels(self) -> npt.NDArray[np.uint8]:
        """uint8 (height, width) or (height, width, 3) of `image`."""
        import numpy as np

        return np.asarray(self.image)


def decode(data: bytes, *, max_pixels: int = MAX_PIXELS, draft_side: int | None = None) -> Decoded | FileReason:
    """The picture in `data`, or why there is none; never raises for what the bytes hold.

    Args:
        data: the file.
        max_pixels: larger pictures are TOO_MANY_PIXELS, and not decoded.
        draft_side: the picture may come smaller by a whole factor, where its shorter side stays at least this
            many px. A JPEG is decoded so (libjpeg does 1/2, 1/4 and 1/8 in the inverse transform), other formats
            are averaged before their colours are converted: hashes and scores of large pictures get cheaper.

    Cost: memory of about 12 bytes a decoded pixel at the worst (palette or CMYK with a colour profile).
    """
    header = probe(data)
    if isinstance(header, FileReason):
        return header
    if header.pixels > max_pixels:
        return FileReason.TOO_MANY_PIXELS
    if not header.one_scan and has_many_scans(data):
        return FileReason.DECODE_ERROR
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow's remarks on odd files; what cannot be used raises
        try:
            return _decode(data, header, max_pixels, draft_side)
        except _decoder_errors():
            return FileReason.DECODE_ERROR


def open_first_frame(data: bytes, header: Header) -> Image.Image:
    """Pillow's lazy image over `data`; raises one of the decoder's errors. Use `decode` outside this
    package."""
    from PIL import Image

    allowed = header.format.upper()
    assert header.format in DECODABLE
    return Image.open(io.BytesIO(data), formats=[allowed])


def _decode(data: bytes, header: Header, max_pixels: int, draft_side: int | None) -> Decoded | FileReason:
    image = open_first_frame(data, header)
    if image.width * image.height > max_pixels:  # the decoder's own reading of the header decides
        return FileReason.TOO_MANY_PIXELS
    mode, full = image.mode, image.size
    if draft_side is not None and header.format == "jpeg" and image.mode in ("L", "RGB"):
        shrink = min(image.size) / draft_side
        if shrink >= 2:
            image.draft(None, (int(image.width / shrink), int(image.height / shrink)))
    orientation = _orientation(image, header)
    image.load()
    profile = image.info.get("icc_profile")
    pixels = to_8_bit(image)
    if not profile:
        pixels = on_white(pixels)  # cheaper than to average with alpha
    if draft_side is not None and (factor := min(pixels.size) // draft_side) >= 2:
        pixels = pixels.reduce(factor)
    reduced = pixels.size != full
    pixels = on_white(to_srgb(pixels, profile if isinstance(profile, bytes) else None))
    pixels.info = {}
    if orientation in _TURNS:
        from PIL import Image

        pixels = pixels.transpose(Image.Transpose[_TURNS[orientation]])
    return Decoded(header=header, image=pixels, mode=mode, orientation=orientation, reduced=reduced)


def _orientation(image: Image.Image, header: Header) -> int:
    """EXIF orientation that is still to be undone: Pillow turns TIFF itself, the other formats it leaves."""
    if header.format == "tiff":
        return 1
    if header.format == "jpeg":
        return header.orientation
    found = image.info.get("exif")
    return exif.orientation(found) if isinstance(found, bytes) else 1


def _decoder_errors() -> tuple[type[Exception], ...]:
    """What Pillow 11 to 13 raise for bytes that they cannot read (found by cutting and flipping bytes)."""
    from PIL import Image

    return (
        OSError,  # UnidentifiedImageError, truncated files, broken data streams
        SyntaxError,  # broken headers
        ValueError,
        TypeError,
        KeyError,
        IndexError,
        AttributeError,
        OverflowError,
        EOFError,
        MemoryError,
        RuntimeError,
        NotImplementedError,
        ZeroDivisionError,
        struct.error,
        zlib.error,
        Image.DecompressionBombError,
    )
