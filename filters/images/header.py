"""What image bytes are and how large, from their first bytes: nothing is decoded and nothing is allocated.

The guard in front of every decoder: a file of 200 bytes may claim 50,000 x 50,000 pixels, and some decoders
allocate the picture when they open it. Formats are found by their magic numbers; a server's Content-Type is
never believed.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from dataclasses import dataclass

from filters.images import jpeg as jpeg_markers
from filters.images.boxes import avif_header
from filters.images.exif import orientation as exif_orientation
from filters.images.exif import tiff_header
from schemas.reasons import FileReason

DECODABLE = ("jpeg", "png", "webp", "gif", "avif", "bmp", "tiff")
"""Formats that `decode` reads; the names are those of a shard's `original_format`."""

_SVG = re.compile(  # atomic groups: a comment is taken whole or not at all, so nothing is tried twice
    rb"\A(?:\xef\xbb\xbf)?(?>\s+|<\?xml[^>]*>|<!--.*?-->|<!doctype[^>]*>)*<svg[\s/>]", re.I | re.S
)
_SVG_WINDOW = 4096  # bytes in which the root element of an SVG is looked for


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What the first bytes say. `width` and `height` are px as stored, before turning."""

    format: str
    """One of DECODABLE."""
    width: int
    height: int
    mode: str
    """How pixels are stored, in Pillow's words: 1, L, LA, P, RGB, RGBA, CMYK, I;16."""
    animated: bool = False
    orientation: int = 1
    """EXIF orientation, 1 to 8; for GIF, PNG, WebP and AVIF it is read when the file is decoded."""
    one_scan: bool = True
    """A decoder goes through the pixels once; of a progressive JPEG as often as it has scans."""

    @property
    def pixels(self) -> int:
        """Pixels of one frame."""
        return self.width * self.height


def sniff(data: bytes) -> str:
    """The format by magic number: one of DECODABLE, or ico, svg, heic, jxl, jp2, psd, or "" for no image at
    all."""
    if data.startswith(b"\xff\xd8\xff"):
        return "jpeg"
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png"
    if data[:6] in (b"GIF87a", b"GIF89a"):
        return "gif"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "webp"
    if data[4:8] == b"ftyp":
        return _brand(data)
    if data[:2] == b"BM" and len(data) >= 26 and data[14:18] in _BMP_HEADER_SIZES:
        return "bmp"
    if data[:4] in (b"II*\0", b"MM\0*"):
        return "tiff"
    if data[:4] in (b"\0\0\1\0", b"\0\0\2\0"):
        return "ico"
    if data.startswith((b"\xff\x0a", b"\0\0\0\x0cJXL \r\n\x87\n")):
        return "jxl"
    if data.startswith((b"\0\0\0\x0cjP  \r\n\x87\n", b"\xff\x4f\xff\x51")):
        return "jp2"
    if data.startswith(b"8BPS"):
        return "psd"
    return "svg" if _SVG.match(data[:_SVG_WINDOW]) else ""


def probe(data: bytes) -> Header | FileReason:
    """The header of an image, or why it has none.

    FORMAT: an image, of a format that is not decoded (SVG, icon, HEIC, JPEG XL, ...). DECODE_ERROR: no
    image, or a header that makes no sense. Never raises; the cost is a few microseconds (a GIF is walked to
    its second frame).
    """
    kind = sniff(data)
    if kind not in DECODABLE:
        return FileReason.FORMAT if kind else FileReason.DECODE_ERROR
    try:
        header = _READERS[kind](data)
    except (struct.error, IndexError, ValueError):
        return FileReason.DECODE_ERROR
    if header is None or header.width < 1 or header.height < 1:
        return FileReason.DECODE_ERROR
    return header


def _brand(data: bytes) -> str:
    brands = {data[8:12]} | {data[i : i + 4] for i in range(16, min(len(data), 64, int.from_bytes(data[:4], "big")), 4)}
    if brands & {b"avif", b"avis"}:
        return "avif"
    return "heic" if brands & {b"heic", b"heix", b"hevc", b"mif1", b"msf1"} else ""


def _jpeg(data: bytes) -> Header | None:
    parsed = jpeg_markers.read_header(data)
    if parsed is None:
        return None
    return Header(
        format="jpeg",
        width=parsed.width,
        height=parsed.height,
        mode={1: "L", 3: "RGB", 4: "CMYK"}.get(parsed.components, ""),
        orientation=exif_orientation(parsed.exif),
        one_scan=parsed.one_scan,
    )


_PNG_MODES = {0: "L", 2: "RGB", 3: "P", 4: "LA", 6: "RGBA"}


def _png(data: bytes) -> Header | None:
    length, kind, width, height, bits, colour = struct.unpack(">I4sIIBB", data[8:26])
    if kind != b"IHDR" or length != 13 or colour not in _PNG_MODES:
        return None
    mode = _PNG_MODES[colour]
    if mode == "L" and bits in (1, 16):
        mode = "1" if bits == 1 else "I;16"
    return Header(format="png", width=width, height=height, mode=mode, animated=_png_is_animated(data))


def _png_is_animated(data: bytes) -> bool:
    """Whether an acTL chunk with more than one frame stands before the pixels."""
    at = 33
    for _ in range(200):  # more chunks than any file has before its pixels
        if at + 12 > len(data):
            return False
        length, kind = struct.unpack(">I4s", data[at : at + 8])
        if kind in (b"IDAT", b"IEND"):
            return False
        if kind == b"acTL":
            return int.from_bytes(data[at + 8 : at + 12], "big") > 1
        at += 12 + length
    return False


def _gif(data: bytes) -> Header | None:
    """GIF: the screen, grown to hold its first frame (as Pillow grows it), and whether there is a second
    one."""
    width, height, flags = struct.unpack("<HHB", data[6:11])
    at = 13 + (3 << (flags & 7) + 1 if flags & 0x80 else 0)
    frames = 0
    while at < len(data) and data[at] != 0x3B and frames < 2:
        if data[at] == 0x21:
            at = _gif_skip(data, at + 2)
        elif data[at] == 0x2C:
            left, top, w, h, local = struct.unpack("<HHHHB", data[at + 1 : at + 10])
            if frames == 0:
                width, height = max(width, left + w), max(height, top + h)
            frames += 1
            at = _gif_skip(data, at + 11 + (3 << (local & 7) + 1 if local & 0x80 else 0))
        else:
            break
    return Header(format="gif", width=width, height=height, mode="P", animated=frames > 1) if frames else None


def _gif_skip(data: bytes, at: int) -> int:
    while at < len(data) and data[at]:
        at += 1 + data[at]
    return at + 1


def _webp(data: bytes) -> Header | None:
    kind, animated, alpha = data[12:16], False, False
    if kind == b"VP8 " and data[23:26] == b"\x9d\x01\x2a":
        width, height = (v & 0x3FFF for v in struct.unpack("<HH", data[26:30]))
    elif kind == b"VP8L" and data[20] == 0x2F:
        bits = struct.unpack("<I", data[21:25])[0]
        width, height, alpha = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1, bool(bits >> 28 & 1)
    elif kind == b"VP8X" and len(data) >= 30:
        animated, alpha = bool(data[20] & 0x02), bool(data[20] & 0x10)
        width = int.from_bytes(data[24:27], "little") + 1
        height = int.from_bytes(data[27:30], "little") + 1
    else:
        return None
    return Header(format="webp", width=width, height=height, mode="RGBA" if alpha else "RGB", animated=animated)


_BMP_HEADER_SIZES = tuple(struct.pack("<I", n) for n in (12, 40, 52, 56, 64, 108, 124))
_BMP_PLAIN = (
    0,
    3,
    6,
)  # uncompressed, bit fields, alpha bit fields; run lengths are decoded in Python by Pillow


def _bmp(data: bytes) -> Header | None:
    if data[14] == 12:
        width, height, _, bits = struct.unpack("<HHHH", data[18:26])
        compression = 0
    else:
        width, height, _, bits, compression = struct.unpack("<iiHHI", data[18:34])
    if compression not in _BMP_PLAIN:
        return None
    mode = "1" if bits == 1 else "P" if bits <= 8 else "RGBA" if bits == 32 and compression else "RGB"
    return Header(format="bmp", width=width, height=abs(height), mode=mode)


def _tiff(data: bytes) -> Header | None:
    found = tiff_header(data)
    if found is None:
        return None
    width, height, mode, turn = found
    return Header(format="tiff", width=width, height=height, mode=mode, orientation=turn)


def _avif(data: bytes) -> Header | None:
    found = avif_header(data)
    if found is None:
        return None
    width, height, alpha, animated = found
    return Header(format="avif", width=width, height=height, mode="RGBA" if alpha else "RGB", animated=animated)


_READERS: dict[str, Callable[[bytes], Header | None]] = {
    "jpeg": _jpeg,
    "png": _png,
    "gif": _gif,
    "webp": _webp,
    "bmp": _bmp,
    "tiff": _tiff,
    "avif": _avif,
}
