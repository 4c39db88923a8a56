"""JPEG markers (ITU-T T.81, annex B): what a file is, and the same file without its metadata, pixels bit for
bit.

A photograph's EXIF holds where it was taken and a second, smaller picture; a shard stores none of it, and a
JPEG that a hardware decoder takes is not decoded and encoded again for that (DESIGN section 4).
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass

SOI, EOI, SOS, DQT, DHT, DNL, APP0, APP1, APP2, APP14, COM = (
    0xD8,
    0xD9,
    0xDA,
    0xDB,
    0xC4,
    0xDC,
    0xE0,
    0xE1,
    0xE2,
    0xEE,
    0xFE,
)
_FRAMES = frozenset({*range(0xC0, 0xD0)} - {DHT, 0xC8, 0xCC})  # SOF0 to SOF15; C4, C8 and CC are other things
_BARE = frozenset({0x00, 0x01, *range(0xD0, 0xD9)})  # markers that may not stand where a segment is expected
_AFTER_SCAN = re.compile(rb"\xff+[\x01-\xcf\xd8-\xfe]")  # the first marker after entropy-coded data, restarts apart
MAX_SCANS = 100
"""Scans of a progressive file: encoders write 10, the greediest optimisers a few dozen. A decoder goes through the
whole picture once a scan, so 2,000 empty ones in 0.5 MB took 83 s."""
_ICC = b"ICC_PROFILE\0"
_EXIF = b"Exif\0\0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Jpeg:
    """A JPEG file by its markers. Sizes are px as stored, before turning."""

    frame: int
    """Marker of the frame header: 0xC0 baseline, 0xC1 extended, 0xC2 progressive, ..."""
    bits: int
    width: int
    height: int
    components: int
    component_ids: bytes
    jfif: bool
    adobe: int | None
    """Colour transform of the Adobe segment (0 RGB or CMYK, 1 YCbCr, 2 YCCK), None without one."""
    exif: bytes
    """Body of the first EXIF segment, from its TIFF header on; b"" without one."""
    icc: bytes
    """The ICC profile, put together from its segments; b"" without one."""
    plain: bool
    """8-bit quantisation tables and Huffman tables 0 and 1 only, as the baseline process asks; one frame."""
    complete: bool
    """The end of the image is there."""
    one_scan: bool
    """Sequential, and all components in the first scan: a decoder looks at no other one."""
    kept: tuple[tuple[int, int], ...]
    """Ranges of the file that `strip` keeps, in order."""

    @property
    def is_ycbcr_or_grey(self) -> bool:
        """The colour spaces that hardware decoders take, as libjpeg tells them apart."""
        if self.components == 1:
            return True
        if self.components != 3:
            return False
        if self.adobe is not None:
            return self.adobe == 1
        return self.jfif or self.component_ids != b"RGB"

    @property
    def is_baseline(self) -> bool:
        """8-bit baseline, grey or YCbCr, whole: a hardware decoder takes it."""
        return (
            self.frame == 0xC0
            and self.bits == 8
            and self.plain
            and self.complete
            and self.is_ycbcr_or_grey
            and min(self.width, self.height) > 0
        )


def has_many_scans(data: bytes) -> bool:
    """Whether the file has more than `MAX_SCANS` scans, or might have and cannot be read to its end."""
    if data.count(b"\xff\xda") <= MAX_SCANS:  # also counts thumbnails and what follows the end
        return False
    parsed = parse(data)
    return parsed is None or sum(data[start + 1] == SOS for start, _ in parsed.kept) > MAX_SCANS


def read_header(data: bytes) -> Jpeg | None:
    """The markers up to the first scan (cheap: the pixels are not looked at), None for no JPEG or a broken
    one."""
    return _read(data, whole=False)


def parse(data: bytes) -> Jpeg | None:
    """All markers to the end of the image, None for no JPEG or a broken one."""
    return _read(data, whole=True)


def strip(data: bytes, parsed: Jpeg) -> bytes:
    """The file without APP1 to APP13, APP15, comments and what follows its end; everything else bit for bit.

    Args:
        data: the file.
        parsed: `parse(data)`, complete.

    Of the two application segments that a decoder needs (JFIF in APP0, Adobe in APP14) only the fields that
    the standards define are kept: a JFIF thumbnail, or other software's data under the same markers, is
    metadata too.
    """
    out = [b"\xff\xd8"]
    for start, end in parsed.kept:
        part = data[start:end]
        if part[:2] == b"\xff\xe0":
            part = b"\xff\xe0\0\x10" + part[4:16] + b"\0\0" if len(part) > 18 else part
        elif part[:2] == b"\xff\xee":
            part = b"\xff\xee\0\x0e" + part[4:16]
        out.append(part)
    return b"".join([*out, b"\xff\xd9"])


class _Reader:
    """What was met so far; `add` takes the segments in order."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.frame: tuple[int, int, int, int, int, bytes] | None = None
        self.jfif, self.plain, self.complete = False, True, False
        self.in_first_scan = 0
        self.adobe: int | None = None
        self.exif = b""
        self.icc: dict[int, bytes] = {}
        self.kept: list[tuple[int, int]] = []

    def add(self, marker: int, start: int, end: int) -> bool:
        """Take the segment `data[start:end]`, marker included; False if it breaks the file."""
        body = self.data[start + 4 : end]
        if marker in _FRAMES:
            return self._add_frame(marker, body, start, end)
        if marker == COM or 0xE0 <= marker <= 0xEF:
            if not self._is_needed(marker, body):
                return True
        elif marker == DQT:
            self.plain = self.plain and _tables_are_8_bit(body)
        elif marker == DHT:
            self.plain = self.plain and _huffman_is_baseline(body)
        elif marker == DNL:
            self.plain = False
        self.kept.append((start, end))
        return True

    def _add_frame(self, marker: int, body: bytes, start: int, end: int) -> bool:
        if len(body) < 6 or len(body) < 6 + 3 * body[5]:
            return False
        self.plain = self.plain and self.frame is None
        bits, height, width, components = struct.unpack(">BHHB", body[:6])
        self.frame = self.frame or (marker, bits, width, height, components, body[6 : 6 + 3 * components : 3])
        self.kept.append((start, end))
        return True

    def _is_needed(self, marker: int, body: bytes) -> bool:
        if marker == APP0 and body.startswith(b"JFIF\0") and len(body) >= 14:
            first, self.jfif = not self.jfif, True
            return first
        if marker == APP14 and body.startswith(b"Adobe") and len(body) >= 12:
            first = self.adobe is None
            self.adobe = body[11] if first else self.adobe
            return first
        if marker == APP1 and body.startswith(_EXIF) and not self.exif:
            self.exif = body[len(_EXIF) :]
        if marker == APP2 and body.startswith(_ICC) and len(body) > 14:
            self.icc.setdefault(body[12], body[14:])
        return False

    def result(self) -> Jpeg | None:
        if self.frame is None:
            return None
        frame, bits, width, height, components, ids = self.frame
        return Jpeg(
            frame=frame,
            bits=bits,
            width=width,
            height=height,
            components=components,
            component_ids=ids,
            jfif=self.jfif,
            adobe=self.adobe,
            exif=self.exif,
            icc=b"".join(self.icc[k] for k in sorted(self.icc)),
            plain=self.plain,
            complete=self.complete,
            one_scan=frame in (0xC0, 0xC1) and self.in_first_scan == components,
            kept=tuple(self.kept),
        )


def _read(data: bytes, *, whole: bool) -> Jpeg | None:
    if data[:2] != b"\xff\xd8":
        return None
    reader, at = _Reader(data), 2
    while at + 2 <= len(data):
        if data[at] != 0xFF:
            return None
        if data[at + 1] == 0xFF:  # fill bytes in front of a marker
            at += 1
            continue
        marker = data[at + 1]
        if marker == EOI:
            reader.complete = True
            break
        if marker in _BARE or at + 4 > len(data):
            return None if marker in _BARE else reader.result()
        end = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        if end > len(data) or end < at + 4:
            break
        if marker == SOS:
            reader.in_first_scan = reader.in_first_scan or int.from_bytes(data[at + 4 : at + 5])
            if not whole:
                break
            found = _AFTER_SCAN.search(data, end)
            end = found.start() if found else len(data)
        if not reader.add(marker, at, end):
            return None
        at = end
    return reader.result()


def _tables_are_8_bit(body: bytes) -> bool:
    at = 0
    while at < len(body):
        if body[at] >> 4:
            return False
        at += 65
    return True


def _huffman_is_baseline(body: bytes) -> bool:
    at = 0
    while at + 17 <= len(body):
        if body[at] & 0x0F > 1:
            return False
        at += 17 + sum(body[at + 1 : at + 17])
    return True
