"""Raw text of a page as a reader sees it: white space collapsed, no invisible characters, NFC."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from filters.text.characters import bound_marks

BREAK: Final = "\x00"
"""Stands for `<br>` while a text is collected; the parser lets no NUL through."""

_CJK: Final = (
    "\u2e80-\u303f\u3040-\u30ff\u3100-\u312f\u31a0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff00-\uffef"
    "\U00020000-\U0003ffff"
)
_CJK_LINE: Final = re.compile(f"(?<=[{_CJK}])[ \\t]*[\\r\\n]\\s*(?=[{_CJK}])")
_ANY_CJK: Final = re.compile(f"[{_CJK}]")
_INVISIBLE: Final = {
    **dict.fromkeys((173, 8203, 8288, 65279, 6158, 8289, 8290, 8291, 8292)),
    **{c: None for c in range(32) if c not in (9, 10, 13, 0)},
    **{c: None for c in range(0x7F, 0xA0) if c != 0x85},
    **dict.fromkeys(range(65529, 65532)),
}
"""Soft hyphen, zero-width space and word joiner, byte order mark, controls; the joiners U+200C and U+200D and the
direction marks stay: they change how the text reads."""

_ANY_INVISIBLE: Final = re.compile("[" + "".join(re.escape(chr(c)) for c in sorted(_INVISIBLE)) + "]")
"""Any of them."""


def clean_inline(raw: str) -> str:
    """One paragraph: lines at BREAK, other white space one space, none invented between CJK characters."""
    raw = raw.strip()
    if raw.isprintable():  # no white space but spaces, nothing invisible: most texts
        if not raw.isascii() and not unicodedata.is_normalized("NFC", raw):
            raw = unicodedata.normalize("NFC", bound_marks(raw))
        return " ".join(raw.split()) if "  " in raw else raw
    if not raw.isascii():
        if _ANY_INVISIBLE.search(raw):
            raw = raw.translate(_INVISIBLE)
        if ("\n" in raw or "\r" in raw) and _ANY_CJK.search(raw):
            raw = _CJK_LINE.sub("", raw)
        if not unicodedata.is_normalized("NFC", raw):
            raw = unicodedata.normalize("NFC", bound_marks(raw))
    if BREAK not in raw:
        text = " ".join(raw.split())
        if text.isprintable() or not text.isascii():
            return text
        return " ".join(text.translate(_INVISIBLE).split())
    if raw.isascii():
        raw = raw.translate(_INVISIBLE)
    lines = [" ".join(line.split()) for line in raw.split(BREAK)]
    return "\n".join(lines).strip("\n")


def clean_code(raw: str) -> str:
    """Preformatted text: line breaks and indentation kept, no blank lines around it."""
    raw = raw.replace(BREAK, "\n").replace("\r\n", "\n").replace("\r", "\n")
    raw = raw.translate(_INVISIBLE)
    if not raw.isascii():
        raw = unicodedata.normalize("NFC", bound_marks(raw.replace("\xa0", " ")))
    lines = [line.rstrip() for line in raw.split("\n")]
    return "\n".join(lines).strip("\n")
