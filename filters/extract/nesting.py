"""How deep the parser would nest a page and how many elements it would repeat, bounded by the page's tags alone.

Two things cost a parser more than a page's length: depth, and formatting elements that are left open (`<p><b id=1>x`),
each of which it opens again in every block that follows. Both are counted here with a stack of names: end tags that
close nothing count as nothing, items without end tags close their like, and a cell of a table begins afresh.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Final

_NOTHING, _ORDINARY, _BLOCK, _FORMATTING, _ITEM, _HOLDER, _TABLE, _CELL = range(8)
_NAMES: Final = {
    _NOTHING: "area base br col embed hr img input link meta source track wbr param basefont bgsound frame keygen "
    "html head body thead tbody tfoot colgroup",
    _BLOCK: "div section article aside header footer main nav address blockquote center details dir fieldset "
    "figcaption figure form h1 h2 h3 h4 h5 h6 hgroup listing pre summary menu",
    _FORMATTING: "b big code em font i s small strike strong tt u",
    _ITEM: "p li dd dt option optgroup rt rp rb rtc",
    _HOLDER: "ul ol dl ruby select datalist",
    _TABLE: "table",
    _CELL: "tr td th caption",
}
_KINDS: Final = {name.encode(): kind for kind, names in _NAMES.items() for name in names.split()}
_LIKE: Final = {b"p": (b"p",), b"li": (b"li",), b"dt": (b"dt", b"dd"), b"dd": (b"dt", b"dd"), b"option": (b"option",)}
"""The items that an item closes where they are the innermost; others stand inside one another."""
_RUBY: Final = (b"rt", b"rp", b"rb", b"rtc")
_WHOLE_TAG: Final = re.compile(rb"<(/?[a-zA-Z][a-zA-Z0-9]*)([^<>]*)")
_NEAR: Final = 8
"""Items between an end tag and what it closes, at most."""


class _Known(dict[bytes, tuple[int, bool, bytes]]):
    """Kind of a tag, whether it is an end tag, and its name; the names of one crawl are remembered."""

    def __missing__(self, tag: bytes) -> tuple[int, bool, bytes]:
        name = tag.lower()
        is_end = name[:1] == b"/"
        name = name[is_end:]
        found = _KINDS.get(name, _ORDINARY), is_end, name
        if len(self) < 4_096:  # the bound is against made-up names
            self[tag] = found
        return found


_KNOWN: Final = _Known()
"""Remembered over pages."""


def without_shapes(html: bytes) -> Iterator[bytes]:
    """The names of a page's tags, without elements of inline SVG that close themselves, which hold nothing.

    A slash closes nothing of HTML's: elements known to HTML, and `foreignObject`, end the drawing for this purpose.
    """
    in_drawing = False
    for tag in _WHOLE_TAG.finditer(html):
        name = tag[1].lower()
        if name == b"svg":
            in_drawing = True
        elif name in (b"/svg", b"foreignobject") or name in _KINDS:
            in_drawing = False
        elif in_drawing and tag[2].endswith(b"/"):
            continue
        yield tag[1]


class Nesting:
    """What is open at a point of a page. `depth` and `repeated` are the highest depth and the elements repeated."""

    def __init__(self, max_depth: int, max_formatting: int | None = None) -> None:
        """Counting ends above `max_depth`; `max_formatting` bounds the formatting elements that one block repeats."""
        self.max_depth, self.most = max_depth, max_formatting
        self.depth = self.repeated = 0
        self._open: defaultdict[bytes, int] = defaultdict(int)
        self._formatting = 0
        self._items: list[bytes] = []
        self._tables: list[tuple[int, int]] = []  # formatting elements and items open around each table

    def read(self, tags: Iterable[bytes]) -> None:
        """Go through the names of a page's tags, end tags with their slash."""
        opened, items, known = self._open, self._items, _KNOWN
        num_open = highest = 0  # elements that are no items
        for tag in tags:
            kind, is_end, name = known[tag]
            if kind == _NOTHING:
                continue
            if kind <= _FORMATTING or kind in (_HOLDER, _TABLE):
                if is_end:
                    if opened[name]:
                        opened[name] -= 1
                        num_open -= kind != _HOLDER  # it stands among the items
                        if kind > _BLOCK:
                            self._end(name, kind)
                    continue
                opened[name] += 1
                num_open += kind != _HOLDER
                if kind > _BLOCK or (self._formatting and kind == _BLOCK):
                    self._start(name, kind)
            elif kind == _CELL:
                if self._tables:
                    self._formatting = 0
                    del items[self._tables[-1][1] :]
                continue
            elif is_end:
                self._end_item(name)
                continue
            else:
                self._item(name)
            if num_open + len(items) > highest:
                highest = self.depth = num_open + len(items)
                if highest > self.max_depth:
                    return

    def _repeat(self) -> None:
        self.repeated += self._formatting if self.most is None else min(self._formatting, self.most)

    def _start(self, name: bytes, kind: int) -> None:
        if kind == _FORMATTING:
            self._formatting += 1
            return
        self._repeat()
        if kind == _HOLDER:
            self._items.append(name)
        elif kind == _TABLE:
            self._tables.append((self._formatting, len(self._items)))

    def _end(self, name: bytes, kind: int) -> None:
        if kind == _FORMATTING:
            self._formatting = max(0, self._formatting - 1)
        elif kind == _TABLE and self._tables:
            self._formatting, num_items = self._tables.pop()
            del self._items[num_items:]
        elif kind == _HOLDER and name in self._items:
            while self._items.pop() != name:
                pass

    def _item(self, name: bytes) -> None:
        items = self._items
        if self._formatting:
            self._repeat()
        if name in _RUBY:
            if items and items[-1] in _RUBY and self._open[b"ruby"]:
                items.pop()
        else:
            while items and items[-1] == b"p" and name != b"option":
                items.pop()
            if items and items[-1] in _LIKE.get(name, ()):
                items.pop()
        items.append(name)

    def _end_item(self, name: bytes) -> None:
        items = self._items
        for back in range(1, min(_NEAR, len(items)) + 1):
            if items[-back] == name:
                del items[-back:]
                return
            if _KINDS[items[-back]] == _HOLDER:
                return
