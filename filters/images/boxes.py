"""Size, alpha and animation of an AVIF file, from its boxes (ISO base media file format, ISO/IEC 14496-12).

Only the path meta / iprp / ipco is walked; every box is bounded by the one that holds it.
"""

from __future__ import annotations

from collections.abc import Iterator

_MAX_BOXES = 1000  # in one container; an AVIF of a grid has a few dozen
_ALPHA = b"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha"


def avif_header(data: bytes) -> tuple[int, int, bool, bool] | None:
    """(width, height, has alpha, is a sequence) of an AVIF file; None where no `ispe` box gives a size.

    The size is that of the largest `ispe`: a grid lists its tiles too, and the picture is the largest of all.
    """
    sequence = data[8:12] == b"avis"
    for kind, start, end in _boxes(data, 0, len(data)):
        if kind == b"meta":
            return _meta(data, start + 4, end, sequence)
    return None


def _meta(data: bytes, start: int, end: int, sequence: bool) -> tuple[int, int, bool, bool] | None:
    width = height = 0
    alpha = False
    for kind, s, e in _path(data, start, end, (b"iprp", b"ipco")):
        if kind == b"ispe" and e - s >= 12:
            w, h = int.from_bytes(data[s + 4 : s + 8], "big"), int.from_bytes(data[s + 8 : s + 12], "big")
            if w * h > width * height:
                width, height = w, h
        elif kind == b"auxC":
            alpha = alpha or data[s + 4 : e].startswith(_ALPHA)
    return (width, height, alpha, sequence) if width else None


def _path(data: bytes, start: int, end: int, path: tuple[bytes, ...]) -> Iterator[tuple[bytes, int, int]]:
    """The boxes inside the first box of each name of `path`, outermost first."""
    for kind, s, e in _boxes(data, start, end):
        if not path:
            yield kind, s, e
        elif kind == path[0]:
            yield from _path(data, s, e, path[1:])
            return


def _boxes(data: bytes, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """(type, start of content, end) of each box of `data[start:end]`."""
    for _ in range(_MAX_BOXES):
        if start + 8 > end:
            return
        size, kind, head = int.from_bytes(data[start : start + 4], "big"), data[start + 4 : start + 8], 8
        if size == 1:
            size, head = int.from_bytes(data[start + 8 : start + 16], "big"), 16
        elif size == 0:
            size = end - start
        if size < head or start + size > end:
            return
        yield kind, start + head, start + size
        start += size
