"""Listings of code that are no `pre`: the columns of numbers beside them, and tables and boxes of which each row is a
line of code."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Final

from filters.extract import names as n
from filters.extract.tree import Tree

_CODE: Final = frozenset(("pre", "code"))
_NUMBERS: Final = re.compile(r"\d+(?:\s+\d+)*\Z")
_MAX_NODES: Final = 20_000
"""Nodes that are looked at, of a cell or a table: a listing of 5,000 numbered lines; it keeps nested tables linear."""
_NEAR: Final = 20
"""Nodes of a cell in which its `pre` or `code` is looked for: highlighters put it into two or three elements."""
_MIN_LINES: Final = 2
"""Rows of a listing, at least: one is a box around something."""


def line_numbers(tree: Tree) -> list[int]:
    """The cells that hold the numbers of a listing's lines beside its code, in page order."""
    if not has_code(tree):
        return []
    return [i for i in tree.at.get("td", ()) if _is_gutter(tree, i)]


def has_code(tree: Tree) -> bool:
    """Whether a page has code at all."""
    return any(name in tree.at for name in _CODE)


def is_line_number(tree: Tree, i: int) -> bool:
    """Whether an element that is named so holds numbers of lines, and no code."""
    small = tree.end[i] - i <= _MAX_NODES  # asked first: such elements may stand in one another
    return small and has_code(tree) and _CODE.isdisjoint(tree.tag[i : tree.end[i]]) and _counts(tree, i, 1)


def _is_gutter(tree: Tree, i: int) -> bool:
    """Whether a cell holds numbers that rise by one, and the next cell code."""
    beside = tree.end[i]
    if beside >= len(tree.tag) or tree.tag[beside] != "td" or tree.parent[beside] != tree.parent[i]:
        return False
    code = not _CODE.isdisjoint(tree.tag[beside : min(tree.end[beside], beside + _NEAR)])
    named = bool(tree.attrs[i]) and n.flags_of(tree.attrs[i]) & n.LINE_NUMBERS
    return code and _counts(tree, i, 1 if named else 2)


def _counts(tree: Tree, i: int, least: int) -> bool:
    """Whether the text of an element is numbers that rise by one, so many at least."""
    stop = tree.end[i]
    if stop - i > _MAX_NODES:
        return False
    text = " ".join(filter(None, tree.text[i:stop])).strip()
    if not _NUMBERS.match(text):
        return False
    numbers = [int(number[-9:]) for number in text.split()]
    return len(numbers) >= least and all(after == before + 1 for before, after in pairwise(numbers))


def listings(tree: Tree) -> dict[int, str]:
    """The tables and boxes of which each row is a line of code, with their text: indentation and empty lines kept.

    A row of a table has a cell of code and no other text but a number before it, and some row is indented (else it is a
    table of names); a box holds a `div` for each line, and those nothing but `code`.
    """
    if not has_code(tree):
        return {}
    found: dict[int, str] = {}
    for i in tree.at.get("table", ()):
        if tree.end[i] - i > _MAX_NODES:
            continue
        inside = any(j >= 0 and tree.tag[j] in _CODE for j in _around(tree, i))
        if inside or not _CODE.isdisjoint(tree.tag[i : i + _NEAR]):
            lines = _whole(_rows(tree, i, bare=inside))
            if inside or any(line[:1].isspace() for line in lines):
                found[i] = "\n".join(lines)
    for i in sorted(
        {tree.parent[tree.parent[j]] for j in tree.at.get("code", ()) if tree.tag[tree.parent[j]] == "div"}
    ):
        if i >= 0 and tree.end[i] - i <= _MAX_NODES:
            found[i] = "\n".join(_whole(_boxed(tree, i)))
    return {i: text for i, text in found.items() if text}


def _around(tree: Tree, i: int) -> Iterator[int]:
    """The two elements around one: `pre > code > table`."""
    yield tree.parent[i]
    yield tree.parent[tree.parent[i]] if tree.parent[i] >= 0 else -1


def _whole(lines: Iterable[str | None]) -> list[str]:
    """The lines, or none where one of them is None or they are too few."""
    found: list[str] = []
    for line in lines:
        if line is None:
            return []
        found.append(line)
    return found if len(found) >= _MIN_LINES else []


def _rows(tree: Tree, table: int, *, bare: bool) -> Iterator[str | None]:
    """The code of each row, None for what is no line of code; `bare` where cells need no `code` of their own."""
    i, stop = table + 1, tree.end[table]
    while i < stop:
        if tree.tag[i] == "tr":
            yield _row(tree, i, bare=bare)
            i = tree.end[i]
        elif tree.tag[i] in ("tbody", "colgroup", "col"):
            i += 1
        else:
            yield None
            return


def _row(tree: Tree, row: int, *, bare: bool) -> str | None:
    code: str | None = None
    i = row + 1
    while i < tree.end[row]:
        end = tree.end[i]
        if tree.tag[i] != "td" or code is not None:
            return None
        if bare and end == tree.end[row]:
            code = _raw_text(tree, i, end)
        elif not bare and not _CODE.isdisjoint(tree.tag[i + 1 : i + 3]):
            first = i + 1 if tree.tag[i + 1] in _CODE else i + 2
            if tree.end[first] < end:
                return None
            code = _raw_text(tree, first, tree.end[first])
        elif any(tree.text[i:end]) and not _counts(tree, i, 1):
            return None
        i = end
    return None if code is None or "\n" in code else code


def _boxed(tree: Tree, box: int) -> Iterator[str | None]:
    """The code of each `div` in a box, None for what is no line of code."""
    i = box + 1
    while i < tree.end[box]:
        line = i + 1
        while tree.tag[i] == "div" and line < tree.end[i] and tree.tag[line] == "code":
            line = tree.end[line]
        if line < tree.end[i] or tree.tag[i] != "div":
            yield None
            return
        yield _raw_text(tree, i, tree.end[i])
        i = tree.end[i]


def _raw_text(tree: Tree, i: int, stop: int) -> str:
    """The text in an element with the white space between its elements, without that around the line."""
    pieces: list[str] = []
    for j in range(i + 1, stop):
        if tree.gap[j]:
            pieces.append(tree.indent.get(j) or tree.gap[j])
        pieces.append(tree.text[j])
    return "".join(pieces).strip("\r\n").rstrip()
