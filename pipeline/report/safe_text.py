"""Text of crawled pages made harmless to look at: what an attacker wrote may be read, and can do nothing.

Escaping is the template engine's work. Here is what escaping leaves: controls that turn the order of what a person
reads (bidi overrides), invisible characters, addresses that are no web address.
"""

from __future__ import annotations

import unicodedata
from urllib.parse import urlsplit

_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co"})
_JOINERS = frozenset("\u200c\u200d\ufe0f")
"""Zero-width joiners: Persian, Indic scripts and emoji are wrong without them."""


def visible(value: object, limit: int = 2_000) -> str:
    """The text with line breaks and tabs as spaces, and every other control or format character as `[U+202E]`.

    Args:
        value: anything; None is the empty text.
        limit: characters, an ellipsis after them.
    """
    text = "" if value is None else str(value)
    cut = text[:limit] + ("…" if len(text) > limit else "")
    return "".join(map(_shown, cut))


def web_address(url: object) -> str | None:
    """The URL if a reader may be led there: http or https, a host, nothing unseen in it; else None."""
    text = str(url or "")
    if any(_shown(character) != character or character.isspace() for character in text) or len(text) > 2_000:
        return None
    try:
        parts = urlsplit(text)
        host = parts.hostname
    except ValueError:
        return None
    return text if parts.scheme.lower() in ("http", "https") and host and "@" not in parts.netloc else None


def json_for_script(text: str) -> str:
    """JSON that can stand inside a script element: nothing in it ends the element or opens a comment."""
    escapes = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}
    return "".join(escapes.get(character, character) for character in text)


def _shown(character: str) -> str:
    if character in "\n\r\t":
        return " "
    if character in _JOINERS or unicodedata.category(character) not in _UNSEEN:
        return character
    return f"[U+{ord(character):04X}]"
