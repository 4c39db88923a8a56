"""How the text of a page lies in its tree: characters, links and commas of every subtree in constant time, and the
stretches that read like paragraphs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import accumulate
from typing import Final

from filters.extract.tree import Tree

_UNIT: Final = frozenset("p td pre h2 h3 h4 h5 h6 section".split())
BLOCK: Final = frozenset(
    "blockquote dl div img ol p pre table ul article section figure h1 h2 h3 h4 h5 h6 form".split()
)
HEADINGS: Final = frozenset(("h1", "h2", "h3", "h4", "h5", "h6"))
_MIN_UNIT: Final = 25
"""Characters of a stretch that is looked at at all (Readability's figure; 12 alike on the gold's tune half, 50 loses
0.02)."""
_LISTED: Final = frozenset(("li", "dt", "dd", "pre"))
"""What counts as prose in the widening too, where it is no link (without `li` the ingredients of a recipe of the gold's
tune half go; with headings of articles that follow it loses 0.005 of the snippets)."""
_LEAF: Final = frozenset(("p", "pre", "div"))
HARDLY_LINKED: Final = 0.25
"""Share of linked characters below which a stretch is prose (Readability's figure for siblings; on the gold's tune half
half of it alike, twice it loses 0.008)."""
A_LINK: Final = 0.5
"""Share of linked characters from which a heading is a link: the title of another page (0.25 to 0.9 alike on the gold's
tune half)."""
PROSE: Final = 80
"""Characters of a stretch that counts as prose (60 to 100 alike on the gold's tune half)."""


@dataclass(slots=True)
class Sums:
    """Prefix sums over the nodes of a tree: the sum over a subtree is `x[end[i]] - x[i]`."""

    text: list[int]
    link: list[int]
    comma: list[int]


_SPEAKING_NOSCRIPT: Final = 400
"""Characters from which a `noscript` holds the content (of pages that a script draws), not a request for
scripts (half and twice of it alike on the gold's tune half)."""


@dataclass(slots=True)
class Lengths:
    """Characters, characters in links and commas of each node alone, zero for elements."""

    text: list[int]
    link: list[int]
    comma: list[int]


def lengths_of(tree: Tree) -> Lengths:
    """What each text of the page weighs; a `noscript` that does not speak weighs nothing."""
    texts, end = tree.text, tree.end
    count = len(tree.tag)
    length, link, comma = [0] * count, [0] * count, [0] * count
    in_link, links = 0, iter((*tree.at.get("a", ()), count))
    next_link = next(links)
    silent, silences = 0, iter((*(i for i in tree.at.get("noscript", ()) if not speaks(tree, i)), count))
    next_silence = next(silences)
    for i in tree.texts:
        while next_link < i:
            if end[next_link] > in_link:
                in_link = end[next_link]
            next_link = next(links)
        while next_silence < i:
            silent = max(silent, end[next_silence])
            next_silence = next(silences)
        if i < silent:
            continue
        value = texts[i]
        shown = value.strip()
        if "\n" in value and ("  " in shown or not shown.isprintable()):
            shown = " ".join(shown.split())
        size = length[i] = len(shown)
        if i < in_link:
            link[i] = size
        if "," in value:
            comma[i] = value.count(",")
        if not value.isascii() and ("\uff0c" in value or "\u3001" in value or "\u060c" in value):
            comma[i] += value.count("\uff0c") + value.count("\u3001") + value.count("\u060c")
    return Lengths(length, link, comma)


def sums_of(tree: Tree, lengths: Lengths, gone: Iterable[int]) -> Sums:
    """Prefix sums of the texts outside what is gone: roots of subtrees in page order, none in another."""
    ranges = [(i, tree.end[i]) for i in gone]
    return Sums(_prefix(lengths.text, ranges), _prefix(lengths.link, ranges), _prefix(lengths.comma, ranges))


def _prefix(array: list[int], left_out: list[tuple[int, int]]) -> list[int]:
    """The sum of what stands before each index, nothing in the ranges counted."""
    sums: list[int] = []
    before = reached = 0
    for start, stop in left_out:
        if start > reached:
            sums += accumulate(array[reached:start], initial=before)
            before = sums.pop()
        sums += [before] * (stop - start)
        reached = stop
    sums += accumulate(array[reached:] if reached else array, initial=before)
    return sums


def speaks(tree: Tree, i: int) -> bool:
    """Whether the text of a `noscript` element counts."""
    return sum(map(len, tree.text[i : min(tree.end[i], i + 2_000)])) >= _SPEAKING_NOSCRIPT


def with_blocks(tree: Tree) -> set[int]:
    """Elements that hold a block; a `div` that holds none is a paragraph."""
    parent = tree.parent
    found: set[int] = set()
    for name in BLOCK:
        for i in tree.at.get(name, ()):
            j = parent[i]
            while j >= 0 and j not in found:
                found.add(j)
                j = parent[j]
    return found


def add_lists(tree: Tree, sums: Sums, has_block: set[int], prose: list[int]) -> None:
    """Count list items and code that are no links as prose: they are no furniture."""
    for i in tree.all_of(_LISTED):
        if i not in has_block and not prose[i]:
            size = sums.text[tree.end[i]] - sums.text[i]
            if size and sums.link[tree.end[i]] - sums.link[i] < HARDLY_LINKED * size:
                prose[i] = size


def units_of(
    tree: Tree, gone: Mapping[int, object], sums: Sums, has_block: set[int], prose: list[int]
) -> list[tuple[int, int, int]]:
    """Paragraph-like stretches: (characters, commas, index of the element that gets the full score); `prose` gets the
    characters of each that is long and hardly linked, at its index."""
    tag, end, parent = tree.tag, tree.end, tree.parent
    text, comma = sums.text, sums.comma
    units: list[tuple[int, int, int]] = []
    i, count = 0, len(tag)
    while i < count:
        name = tag[i]
        if not name:
            i += 1
            continue
        if i in gone:
            i = end[i]
            continue
        size = text[end[i]] - text[i]
        if size < _MIN_UNIT:
            i += 1 if size or name == "body" or name == "html" else end[i] - i
            continue
        if name in _UNIT or (name == "div" and i not in has_block):
            units.append((size, comma[end[i]] - comma[i], _skip_wrapper(tree, sums, parent[i], size)))
            if size >= PROSE and name in _LEAF and sums.link[end[i]] - sums.link[i] < HARDLY_LINKED * size:
                prose[i] = size
        elif name == "div":
            _runs(tree, sums, gone, i, has_block, units, prose)
        i += 1
    return units


def _skip_wrapper(tree: Tree, sums: Sums, i: int, size: int) -> int:
    """The parent of a paragraph, or the grandparent where the parent is a `div` that holds nothing else."""
    if i >= 0 and tree.tag[i] == "div" and sums.text[tree.end[i]] - sums.text[i] == size:
        first = i + 1
        alone = first < len(tree.tag) and tree.tag[first] == "p" and tree.end[first] == tree.end[i]
        if alone and (sums.link[tree.end[i]] - sums.link[i]) < HARDLY_LINKED * size:
            return tree.parent[i]
    return i


def _runs(
    tree: Tree,
    sums: Sums,
    gone: Mapping[int, object],
    i: int,
    has_block: set[int],
    units: list[tuple[int, int, int]],
    prose: list[int],
) -> None:
    """Add the stretches of inline content that stand directly in a `div` with blocks."""
    tag, end = tree.tag, tree.end
    size = commas = link = 0
    j, stop = i + 1, end[i]
    while j < stop:
        name = tag[j]
        if name in BLOCK or j in has_block:
            if size >= _MIN_UNIT:
                units.append((size, commas, i))
                if size >= PROSE and link < HARDLY_LINKED * size:
                    prose[j - 1] = size
            size = commas = link = 0
        elif j not in gone:
            size += sums.text[end[j]] - sums.text[j]
            commas += sums.comma[end[j]] - sums.comma[j]
            link += sums.link[end[j]] - sums.link[j]
        j = end[j]
    if size >= _MIN_UNIT:
        units.append((size, commas, i))
        if size >= PROSE and link < HARDLY_LINKED * size:
            prose[stop - 1] = size
