"""A page as flat arrays in page order: one pass, no recursion, every subtree a range of indices.

lexbor builds the tree as the HTML standard says (C, about 1 ms a page); it is serialised again (C) and the now
well-formed markup is cut into tokens by one regular expression (C). Only then does Python look: about a thousand
elements a page instead of a hundred thousand characters.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from itertools import chain
from typing import Final

from selectolax.lexbor import LexborHTMLParser

_RAW: Final = "script style iframe noembed noframes xmp plaintext template svg".split()
"""Elements whose content is not markup or not shown; taken out in C before serialising."""

_TOKEN: Final = re.compile(r"<(?:(/?[a-z][^\s>]*+)([^>]*+)>|!--.*?-->|![^>]*+>)([^<]*+)", re.S)
"""Name (with a slash where it ends an element), attributes, following text. The serialiser escapes `<` and `>` in
text and attributes, so neither can occur inside; a comment is a token without a name."""

VOID: Final = frozenset(
    ("area base basefont bgsound br col embed frame hr img input keygen link meta param source track wbr").split()
)


class Tree:
    """Elements and texts of a page in page order.

    `tag[i]` is the element's name, or '' for a text; `text[i]` the raw text (entities resolved) or '';
    `parent[i]` the index of the element around it (-1 for the root); `end[i]` the index after its last descendant,
    so the subtree is `range(i, end[i])`; `attrs[i]` the attributes as serialised; `at` the indices of the elements
    of each name; `gap` the indices before which white space alone stands, as a space or a line feed.
    """

    __slots__ = ("at", "attrs", "end", "gap", "names_licence", "num_inline_svg", "parent", "scripts", "tag", "text")

    def __init__(self) -> None:
        self.tag: list[str] = []
        self.parent: list[int] = []
        self.end: list[int] = []
        self.attrs: list[str] = []
        self.text: list[str] = []
        self.gap: dict[int, str] = {}
        self.at: dict[str, list[int]] = {}
        self.scripts: list[str] = []
        self.num_inline_svg = 0
        self.names_licence = True

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
    """The value of attribute `name` in serialised attributes, or None."""
    start = raw.find(f' {name}="')
    if start < 0:
        return None
    start += len(name) + 3
    value = raw[start : raw.index('"', start)]
    return unescape(value) if "&" in value else value


def attributes(raw: str) -> dict[str, str]:
    """All attributes, entities resolved, in the order of the page."""
    return {name: unescape(value) if "&" in value else value for name, value in _ATTRIBUTE.findall(raw)}


_ATTRIBUTE: Final = re.compile(r'\s([^\s="]+)="([^"]*)"')


def parse(markup: bytes) -> Tree | None:
    """The tree of a page in UTF-8, or None where the parser gives none."""
    parser = LexborHTMLParser(markup)
    root = parser.root
    if root is None:
        return None
    scripts = []
    if b"ld+json" in markup:
        for node in parser.css('script[type="application/ld+json"]')[:20]:
            scripts.append(node.text(deep=True) or "")
    drawings = len(parser.tags("svg")) if b"<svg" in markup else 0
    parser.strip_tags(_RAW, recursive=True)
    tree = build(parser.html or "")
    tree.scripts = scripts
    tree.num_inline_svg = drawings
    tree.names_licence = b"license" in markup
    return tree


def build(markup: str) -> Tree:
    """Arrays from well-formed markup as lexbor serialises it."""
    tree = Tree()
    tag, parent, end, attrs, text = tree.tag, tree.parent, tree.end, tree.attrs, tree.text
    gap = tree.gap
    at: defaultdict[str, list[int]] = defaultdict(list)
    stack: list[int] = [-1]
    top = -1
    count = 0
    for name, raw, after in _TOKEN.findall(markup):
        if not name:
            pass
        elif name[0] == "/":
            if top >= 0 and tag[top] == name[1:]:
                end[top] = count
                stack.pop()
                top = stack[-1]
        else:
            tag.append(name)
            parent.append(top)
            attrs.append(raw)
            text.append("")
            end.append(count + 1)
            at[name].append(count)
            if name not in VOID:
                stack.append(count)
                top = count
            count += 1
        if after:
            if after.isspace() and "\xa0" not in after:
                gap[count] = "\n" if "\n" in after else " "
            else:
                tag.append("")
                parent.append(top)
                attrs.append("")
                text.append(unescape(after) if "&" in after else after)
                end.append(count + 1)
                count += 1
    for i in stack[1:]:
        end[i] = count
    tree.at = dict(at)
    return tree
