"""Links that are no words of the text around them: permalink marks after a heading, ways back from a footnote, and what
leads from a teaser to the whole article."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from filters.extract.tree import Tree

MARK_NODES: Final = 6
"""Nodes of such a link, at most: itself, its text, an icon or a span around it."""
_MARK: Final = 3
"""Characters of a mark, at most, white space too: a pilcrow, an arrow with its variation selector."""
_MORE_TEXT: Final = 40
"""Characters of a link that leads on, at most, the arrows around it too (half and twice of it alike on the gold's
tune half)."""
_READ_MORE: Final = re.compile(
    r"\W*(?:read (?:the )?(?:more|rest|full (?:article|post|story))|continue reading|keep reading|"
    r"weiterlesen|mehr lesen|lire (?:la suite|plus)|(?:leer|seguir leyendo|leia|ler|continuar lendo) ?(?:m[áa]s|mais)?|"
    r"(?:continua a )?leggi(?: tutto| di pi[ùu])?|czytaj (?:wi[ęe]cej|dalej)|lees (?:meer|verder)|l[äa]s mer|"
    r"читать (?:далее|дальше|полностью)|続きを読む|더 ?보기|阅读(?:全文|更多)|閱讀(?:全文|更多))\W*\Z",
    re.I,
)
"""The phrases that blog templates ship with, in the languages of the large crawls; a whole link, never part of one."""


def is_mark(tree: Tree, i: int) -> bool:
    """Whether the text of the link at `i` is a mark (no letter or digit, to a place in a page) or leads to the rest of
    what it stands under (`Read more`)."""
    stop = tree.end[i]
    text = tree.text[i + 1] if stop == i + 2 else "".join(tree.text[i:stop])
    if len(text) > _MORE_TEXT:
        return False
    if len(text) > _MARK:
        return _leads_on(text)
    text = text.strip()
    return bool(text) and "#" in tree.attrs[i] and not any(c.isalnum() for c in text)


@lru_cache(maxsize=4_096)
def _leads_on(text: str) -> bool:
    """Whether a short text says to read more; remembered, because the links of a site repeat (1 MB at most)."""
    return _READ_MORE.match(text) is not None


WAYS_BACK: Final = "\u2191^\u21a9"
"""What begins a footnote in a wiki: the way back to where it is cited."""
_WAY_BACK: Final = re.compile(r"[\u2191^\u21a9]\ufe0e?(?:\s*\d{1,3}\.\d{1,3}\b)*\s+")
"""As MediaWiki writes it."""


def without_way_back(note: str) -> str:
    """A footnote without the arrow and the numbers of its citations (`\u2191 2.0 2.1 `) before it."""
    found = _WAY_BACK.match(note)
    return note[found.end() :] if found else note
