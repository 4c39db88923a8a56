"""What stands between the title of an article and its text: the standfirst.

Many templates put the title and a standfirst into a header of their own; the density of text finds the body only. The
way from the title to the body is short, and what reads like prose on it belongs to the article.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from filters.extract.density import HARDLY_LINKED, Sums
from filters.extract.tree import Tree
from filters.extract.trim import key_of

_TITLES: Final = frozenset(("h1", "h2"))
_BLOCKS: Final = frozenset(("p", "div", "h2", "h3", "blockquote", "section"))
_PASSED: Final = frozenset(("a", "ul", "ol", "table", "figure"))
_SURE: Final = 15
"""Characters of a title without white space from which a part of it is enough (on the gold's tune half 8 to 20 alike;
from 25 on it gains 0.0016 of scrapinghub's F1 by losing a standfirst, which we keep)."""
_NEAR: Final = 250
"""Nodes between title and body, at most (tuned on the gold's tune half: 150 to 400 alike)."""
_MIN_STANDFIRST: Final = 50
_MAX_LEAD: Final = 1_200
"""Characters of one standfirst at least, and of all that is added at most (half and twice of both within 0.0003 on the
gold's tune half, but 600 of the latter, which lose 0.005 of the snippets)."""


def title_at(tree: Tree, title: str | None) -> int:
    """Index of the heading that says the page's title, else of the first `h1`, else -1."""
    first = -1
    wanted = key_of(title) if title else ""
    for i in tree.all_of(_TITLES):
        if wanted:
            key = key_of("".join(tree.text[i : min(tree.end[i], i + 30)]))
            if key and (key == wanted or (len(key) > _SURE and (key in wanted or wanted in key))):
                return i
        if first < 0 and tree.tag[i] == "h1":
            first = i
    return first


def leads(
    tree: Tree, gone: Mapping[int, object], sums: Sums, blocks: set[int], heading: int, roots: list[int]
) -> list[int]:
    """Standfirsts after the title at `heading` and before the first of `roots`, in page order."""
    if heading < 0 or not roots or not heading < roots[0] <= heading + _NEAR:
        return []
    tag, end = tree.tag, tree.end
    found: list[int] = []
    total = 0
    i = end[heading]
    while i < roots[0]:
        name = tag[i]
        if i in gone:
            i = end[i]
            continue
        size = sums.text[end[i]] - sums.text[i] if name else 0
        block = name in _BLOCKS and (i not in blocks or name == "p") and end[i] <= roots[0]
        linked = sums.link[end[i]] - sums.link[i]
        if block and size >= _MIN_STANDFIRST and linked < HARDLY_LINKED * size and total + size <= _MAX_LEAD:
            found.append(i)
            total += size
            i = end[i]
        else:
            i = end[i] if name in _PASSED else i + 1
    return found
