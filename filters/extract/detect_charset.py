"""The encoding of a page that declares none where browsers look for it, and is not UTF-8."""

from __future__ import annotations

import re
from typing import Final

from bs4.dammit import EncodingDetector
from charset_normalizer import from_bytes

_SAMPLE: Final = 20_000
"""Bytes of text beyond ASCII that are looked at, whole pieces of it: markup and scripts say nothing, and a character
cut in two would rule its own encoding out."""
_PIECES: Final = re.compile(rb"[<>\n]")
"""Bytes that are no part of a longer character in any of the encodings."""

_ENCODINGS: Final = (
    "cp1251 koi8_r koi8_u cp866 iso8859_5 cp1252 cp1250 iso8859_2 cp1253 iso8859_7 cp1254 cp1255 iso8859_8 cp1256 "
    "iso8859_6 cp1257 cp1258 cp874 big5 gb18030 cp932 euc_jp cp949"
).split()
"""What browsers guess from."""
_LATIN: Final = frozenset(("cp1250", "iso8859_2", "cp1254", "cp1257", "cp1258"))
_WESTERN: Final = frozenset(
    "English French German Spanish Portuguese Italian Dutch Swedish Norwegian Danish Finnish Indonesian".split()
)
"""Languages that windows-1252 was made for; their common letters have the same bytes in several of `_LATIN`."""


def detect_charset(html: bytes) -> str:
    """The codec that the bytes are most likely in; windows-1252 where nothing fits better."""
    if html.isascii():
        return "iso2022_jp" if b"\x1b$" in html else "cp1252"
    if late := _declared_late(html):
        return late
    found = from_bytes(_sample(html), cp_isolation=_ENCODINGS).best()
    if found is None or (found.encoding in _LATIN and found.language in _WESTERN):
        return "cp1252"
    return found.encoding


def _declared_late(html: bytes) -> str | None:
    """What a `<meta>` says that stands too far down for a browser, where the page can be decoded by it."""
    label = EncodingDetector.find_declared_encoding(html[:_SAMPLE], is_html=True, search_entire_document=True)
    if not label or label.startswith(("utf", "unicode", "raw", "ascii", "us-ascii")):
        return None
    try:
        html.decode(label)
    except (LookupError, ValueError):
        return None
    return label


def _sample(html: bytes) -> bytes:
    """The first stretches of the page that hold bytes beyond ASCII, whole."""
    pieces: list[bytes] = []
    size = 0
    for piece in _PIECES.split(html):
        if not piece.isascii():
            pieces.append(piece)
            size += len(piece)
            if size >= _SAMPLE:
                break
    return b"\n".join(pieces)
