"""A page as flat arrays in page order: one pass, no recursion, every subtree a range of indices.

lexbor builds the tree as the HTML standard says (C, about half a millisecond a page); it is serialised again (C). In
well-formed markup `<` and `>` stand around tags and hardly anywhere else, so that splitting strings (C) is enough to
tell tags from texts. Python looks at about a thousand pieces a page instead of a hundred thousand characters.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Final

from selectolax.lexbor import LexborHTMLParser

_RAW: Final = "script style iframe noembed noframes xmp plaintext template svg".split()
"""Elements whose content is not markup or not shown; taken out in C before serialising."""

VOID: Final = frozenset(
    ("area base basefont bgsound br col embed frame hr img input keygen link meta param source track wbr").split()
)

_LINKED_DATA: Final = re.compile(rb"\+json", re.I)
_DRAWING: Final = re.compile(rb"<svg", re.I)
_SHORT: Final = 60_000
"""Bytes up to which a page is searched for the word before the parser is asked (the corpus has 31,000 a page and gains,
the gold 164,000 and loses)."""
_MAX_LINKED_DATA: Final = 20
"""Scripts of JSON-LD that are looked at: a bound on hostile pages; no page of the gold has more than 4."""


class Tree:
    """Elements and texts of a page in page order.

    `tag[i]` is the element's name, or '' for a text; `text[i]` the raw text (entities resolved) or '';
    `parent[i]` the index of the element around it (-1 for the root); `end[i]` the index after its last descendant,
    so the subtree is `range(i, end[i])`; `attrs[i]` the tag as serialised (`a href="x"`), '' for one without
    attributes; `at` the indices of the elements of each name, `attributed` of those with attributes, `texts` of the
    texts; `gap` the white space that stands alone before an index, `indent` all of it where it stands in pieces;
    `painted` the elements that stand for a picture by their background (`backgrounds`).
    """

    __slots__ = (
        "at",
        "attributed",
        "attrs",
        "end",
        "gap",
        "indent",
        "num_inline_svg",
        "painted",
        "parent",
        "scripts",
        "tag",
        "text",
        "texts",
    )

    def __init__(self) -> None:
        self.tag: list[str] = []
        self.parent: list[int] = []
        self.end: list[int] = []
        self.attrs: list[str] = []
        self.text: list[str] = []
        self.gap: dict[int, str] = {}
        self.indent: dict[int, str] = {}
        self.at: dict[str, list[int]] = {}
        self.attributed: list[int] = []
        self.texts: list[int] = []
        self.scripts: list[str] = []
        self.num_inline_svg = 0
        self.painted: set[int] = set()

    def all_of(self, names: Iterable[str]) -> list[int]:
        """Indices of the elements of these names, in page order."""
        found = [self.at[name] for name in names if name in self.at]
        return sorted(chain.from_iterable(found)) if len(found) > 1 else found[0] if found else []

    def get(self, i: int, name: str) -> str | None:
        """The value of an attribute, entities resolved, or None where the element has none of that name."""
        return attribute(self.attrs[i], name)


def unescape(text: str) -> str:
    """Text or attribute as it was before lexbor serialised it, which escapes these five and nothing else."""
    text = text.replace("&nbsp;", "\xa0").replace("&lt;", "<").replace("&gt;", ">")
    return text.replace("&quot;", '"').replace("&amp;", "&")


def attribute(raw: str, name: str) -> str | None:
    """The value of attribute `name` in a serialised tag, or None."""
    start = raw.find(f' {name}="')
    if start < 0:
        return None
    value = value_at(raw, start + len(name) + 3)
    return unescape(value) if "&" in value else value


def value_at(raw: str, start: int) -> str:
    """What stands from a position to the next quotation mark; '' where none follows (then the name before the
    position is the end of another attribute's value)."""
    stop = raw.find('"', start)
    return raw[start:stop] if stop >= 0 else ""


def attributes(raw: str) -> dict[str, str]:
    """All attributes, entities resolved, in the order of the page."""
    return {name: unescape(value) if "&" in value else value for name, value in _ATTRIBUTE.findall(raw)}


_ATTRIBUTE: Final = re.compile(r'\s([^\s="]+)="([^"]*)"')
"""As lexbor writes attributes: with quotation marks, and none inside."""


def parse(markup: bytes, max_marks: int | None = None) -> Tree | None:
    """The tree of a page in UTF-8, or None where the parser gives none; an empty one where what it gives has more than
    `max_marks` tags, which formatting elements left open can make of a short page."""
    parser = LexborHTMLParser(markup.removesuffix(b"<!"))  # there lexbor writes what is no comment
    if parser.root is None:
        return None
    scripts: list[str] = []
    short = len(markup) < _SHORT  # a query goes through the whole tree, a search through all bytes
    if not short or _LINKED_DATA.search(markup):
        linked_data = parser.css('script[type^="application/ld+json" i]')[:_MAX_LINKED_DATA]
        scripts = [node.text(deep=True) or "" for node in linked_data]
    drawings = len(parser.tags("svg")) if not short or _DRAWING.search(markup) else 0
    parser.strip_tags(_RAW, recursive=True)
    serialised = parser.html or ""
    if max_marks is not None and len(serialised) > 3 * max_marks < 3 * serialised.count("<"):  # a tag has three letters
        return Tree()
    tree = build(serialised)
    tree.scripts = scripts
    tree.num_inline_svg = drawings
    return tree


class _Names(dict[str, tuple[str, str | None]]):
    """For the name of a tag: the same string each time, whose hash is known, and the end tag, None for an element that
    has none. A page has about thirty names; the bound is against made-up ones."""

    def __missing__(self, name: str) -> tuple[str, str | None]:
        found = name, None if name in VOID else "/" + name
        if len(self) < 4_096:
            self[name] = found
        return found


_NAMES: Final = _Names()


def build(markup: str) -> Tree:
    """Arrays from well-formed markup as lexbor serialises it. They are made as long as they can become, an element and
    a text for each `<`, and cut: setting an item costs half of appending one."""
    pieces = markup.split("<")
    longest = 2 * len(pieces)
    tag, parent, end = [""] * longest, [-1] * longest, list(range(1, longest + 1))
    attrs, text = [""] * longest, [""] * longest
    closers: list[str | None] = [None] * longest  # the last one, never reached, stands for what is around the root
    tree = Tree()
    gap, indent, texts, attributed, names = tree.gap, tree.indent, tree.texts, tree.attributed, _NAMES
    at: defaultdict[str, list[int]] = defaultdict(list)
    top, closer, count = -1, closers[-1], 0
    stream = iter(pieces)
    next(stream)
    for piece in stream:
        raw, closed, after = piece.partition(">")
        first = raw[:1]
        if not closed or first == "!" or first == "?":
            raw, after = _whole(piece, stream)
            first = raw[:1]
        if raw == closer:
            end[top] = count
            top = parent[top]
            closer = closers[top]
        elif first and first != "/":  # an end tag that ends nothing: `</wbr>` in `math`, where void elements have one
            if " " in raw:
                name, ending = names[raw[: raw.find(" ")]]
                attrs[count] = raw
                attributed.append(count)
            else:
                name, ending = names[raw]
            tag[count] = name
            parent[count] = top
            at[name].append(count)
            if ending is not None:
                closers[count] = closer = ending
                top = count
            count += 1
        if after:
            if after.isspace():
                if count in gap:
                    indent[count] = indent.get(count, gap[count]) + after
                gap[count] = after
            else:
                texts.append(count)
                text[count] = unescape(after) if "&" in after else after
                parent[count] = top
                count += 1
    while top >= 0:
        end[top] = count
        top = parent[top]
    for array in (tag, parent, end, attrs, text):
        del array[count:]
    tree.tag, tree.parent, tree.end, tree.attrs, tree.text, tree.at = tag, parent, end, attrs, text, dict(at)
    return tree


def _whole(piece: str, stream: Iterator[str]) -> tuple[str, str]:
    """A tag with `<` in its name or in that of an attribute (`<div <p class=a>`; the serialiser leaves it bare), and
    the text after it; no tag for a comment, a `<!doctype>` and an `<?instruction>`."""
    comment = piece.startswith("!--")
    close = "-->" if comment else ">"
    parts = [piece]
    while close not in parts[-1][3 if comment and len(parts) == 1 else 0 :]:
        more = next(stream, None)
        if more is None:
            return "", ""
        parts.append(more)
    last, _, after = parts.pop().rpartition(close) if comment else parts.pop().partition(close)
    if comment or piece[0] in "!?":
        return "", after
    return "<".join((*parts, last)), after


def outermost(tree: Tree, parts: Iterable[int]) -> list[int]:
    """The subtrees of some that stand in no other of them, in page order."""
    starts: list[int] = []
    for i in sorted(parts):
        if not starts or i >= tree.end[starts[-1]]:
            starts.append(i)
    return starts
