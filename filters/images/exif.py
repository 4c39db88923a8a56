"""The few tags of a TIFF structure (also the body of EXIF) that decide how a picture is shown.

Written here because Pillow's reader loads every tag, warns about many, and takes an orientation from XMP,
which no browser does. Reads at most the first directory, never follows a pointer out of the data.
"""

from __future__ import annotations

import struct

_ORIENTATION, _WIDTH, _HEIGHT, _BITS, _PHOTOMETRIC, _SAMPLES = 0x0112, 0x0100, 0x0101, 0x0102, 0x0106, 0x0115
_MAX_ENTRIES = 1000  # a directory of a camera has under 100
_MODES = {0: "L", 1: "L", 2: "RGB", 3: "P", 5: "CMYK", 6: "RGB", 8: "LAB"}


def orientation(exif: bytes) -> int:
    """The EXIF orientation, 1 to 8; 1 where there is none or it makes no sense.

    Args:
        exif: the TIFF structure, with or without the six bytes `Exif\\0\\0` in front.
    """
    tags = first_directory(exif.removeprefix(b"Exif\0\0"), (_ORIENTATION,))
    value = tags.get(_ORIENTATION, 1)
    return value if 1 <= value <= 8 else 1


def tiff_header(data: bytes) -> tuple[int, int, str, int] | None:
    """(width, height, mode, orientation) of the first picture of a TIFF file, None where it has none."""
    tags = first_directory(data, (_ORIENTATION, _WIDTH, _HEIGHT, _BITS, _PHOTOMETRIC, _SAMPLES))
    if _WIDTH not in tags or _HEIGHT not in tags:
        return None
    mode = _MODES.get(tags.get(_PHOTOMETRIC, 1), "")
    if mode == "L" and tags.get(_BITS, 1) in (1, 16):
        mode = "1" if tags.get(_BITS, 1) == 1 else "I;16"
    if mode == "RGB" and tags.get(_SAMPLES, 3) == 4:
        mode = "RGBA"
    turn = tags.get(_ORIENTATION, 1)
    return tags[_WIDTH], tags[_HEIGHT], mode, turn if 1 <= turn <= 8 else 1


def first_directory(tiff: bytes, wanted: tuple[int, ...]) -> dict[int, int]:
    """The first value of each wanted SHORT or LONG tag of the first directory; {} for broken bytes."""
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(tiff[:4])
    if order is None or len(tiff) < 8:
        return {}
    start: int = struct.unpack(order + "I", tiff[4:8])[0]
    if start + 2 > len(tiff):
        return {}
    entries = min(struct.unpack(order + "H", tiff[start : start + 2])[0], _MAX_ENTRIES)
    found: dict[int, int] = {}
    for at in range(start + 2, min(start + 2 + 12 * entries, len(tiff) - 11), 12):
        tag, kind, count = struct.unpack(order + "HHI", tiff[at : at + 8])
        size = {3: 2, 4: 4}.get(kind)
        if tag not in wanted or size is None or count < 1:
            continue
        where = at + 8
        if size * count > 4:
            where = struct.unpack(order + "I", tiff[at + 8 : at + 12])[0]
        if where + size <= len(tiff):
            found[tag] = struct.unpack(order + ("H" if size == 2 else "I"), tiff[where : where + size])[0]
    return found
