"""A page as flat arrays in page order: one pass, no recursion, every subtree a range of indices.

lexbor builds the tree as the HTML standard says (C, about half a millisecond a page); it is serialised again (C). In
well-formed markup `<` and `>` stand around tags and hardly anywhere else, so that splitting strings (C) is enough to
tell tags from texts. Python looks at about a thousand pieces a page instead of a hundred thousand characters.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import Final

from selectolax.lexbor import LexborHTMLParser

_RAW: Final = "script style iframe template svg".split()
_RARELY: Final = "noembed noframes xmp plaintext".split()
"""Elements whose content is not markup or not shown; taken out in C before serialising. Each name is a walk of the
parser over its whole tree (a hundredth of an extraction for the four), so the rare ones are where one is met."""

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
        self.gap: list[str] = []
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
    tree = _serialised(parser, max_marks)
    if not tree.tag or not tree.at.keys().isdisjoint(_RARELY):
        parser.strip_tags(_RARELY, recursive=True)
        tree = _serialised(parser, max_marks)
    tree.scripts = scripts
    tree.num_inline_svg = drawings
    return tree


def _serialised(parser: LexborHTMLParser, max_marks: int | None) -> Tree:
    """The tree of what the parser holds; see `parse`."""
    markup = parser.html or ""
    if max_marks is not None and len(markup) > 3 * max_marks < 3 * markup.count("<"):  # a tag has three letters
        return Tree()
    return build(markup)


class _Heads(dict[str, tuple[str, tuple[str, str] | None, Callable[[int], None]]]):
    """For what a tag begins with, up to its first space: the name (always the same string, whose hash is known), the
    end tag that it waits for, without and with the bracket after it (None for an element that has none), and what adds
    to the indices of its name. The name is '' for what begins no element."""

    __slots__ = ("at",)

    def __init__(self) -> None:
        """Of one page, which has about thirty names."""
        self.at: dict[str, list[int]] = {}

    def __missing__(self, head: str) -> tuple[str, tuple[str, str] | None, Callable[[int], None]]:
        if head[:1] in _NO_NAME:
            return "", None, _nowhere
        indices: list[int] = []
        self.at[head] = indices
        found = head, None if head in VOID else ("/" + head, f"/{head}>"), indices.append
        self[head] = found
        return found


_NO_NAME: Final = ("", "/", "!", "?")
"""How an end tag that ends nothing begins (`</wbr>` in `math`, where void elements have one), and a comment, a
`<!doctype>` and an `<?instruction>`."""


def _nowhere(i: int) -> None:
    """Where an index of nothing is added to."""


def build(markup: str) -> Tree:
    """Arrays from well-formed markup as lexbor serialises it. They are made as long as they can become, an element and
    a text for each `<`, and cut: setting an item costs half of appending one. An end tag is compared with the one that
    is waited for, first as it mostly stands, with nothing after it."""
    pieces = markup.split("<")
    longest = 2 * len(pieces)
    tag, parent, end = [""] * longest, [-1] * longest, [0] * longest
    attrs, text, gap = [""] * longest, [""] * longest, [""] * longest
    awaited = [("<", "<")] * longest  # the last one, never reached, stands for what is around the root
    tree = Tree()
    indent, texts, attributed, heads = tree.indent, tree.texts, tree.attributed, _Heads()
    closer, alone = awaited[-1]
    top, count = -1, 0
    stream = iter(pieces)
    next(stream)
    for piece in stream:
        if piece == alone:
            end[top] = count
            top = parent[top]
            closer, alone = awaited[top]
            continue
        raw, closed, after = piece.partition(">")
        if not closed:
            raw, after = _whole(piece, stream)
        if raw == closer:
            end[top] = count
            top = parent[top]
            closer, alone = awaited[top]
        else:
            head, space, _ = raw.partition(" ")
            name, ending, add = heads[head]
            if name:
                if space:
                    attrs[count] = raw
                    attributed.append(count)
                tag[count] = name
                parent[count] = top
                add(count)
                if ending is not None:
                    awaited[count] = ending
                    closer, alone = ending
                    top = count
                    count += 1
                else:
                    end[count] = count = count + 1
            elif closed and head[:1] != "/":
                _, after = _whole(piece, stream)
        if after:
            if after.isspace():
                if gap[count]:
                    indent[count] = indent.get(count, gap[count]) + after
                gap[count] = after
            else:
                texts.append(count)
                text[count] = unescape(after) if "&" in after else after
                parent[count] = top
                end[count] = count = count + 1
    while top >= 0:
        end[top] = count
        top = parent[top]
    for array in (tag, parent, end, attrs, text, gap):
        del array[count:]
    tree.tag, tree.parent, tree.end, tree.attrs, tree.text, tree.gap = tag, parent, end, attrs, text, gap
    tree.at = heads.at
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
    if comment or piece[:1] in ("!", "?"):
        return "", after
    return "<".join((*parts, last)), after


def outermost(tree: Tree, parts: Iterable[int]) -> list[int]:
    """The subtrees of some that stand in no other of them, in page order."""
    starts: list[int] = []
    for i in sorted(parts):
        if not starts or i >= tree.end[starts[-1]]:
            starts.append(i)
    return starts
