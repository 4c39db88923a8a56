"""Pictures that a style paints: the background of a figure, only where the figure holds no image element.

A background elsewhere decorates; in a `figure` without an image it is what the figure shows. Only the page's own markup
is read: `style`, and the attributes from which scripts set a background.
"""

from __future__ import annotations

import re
from typing import Final

from filters.extract.sources import Source, is_placeholder
from filters.extract.tree import Tree, attributes

_LAZY: Final = ("data-bg", "data-background-image", "data-background", "data-bg-url", "data-bg-image", "data-bg-src")
_ADDRESS: Final = r"url\(\s*+(?:\"([^\"]*+)\"|'([^']*+)'|([^()\s]*+))\s*+\)"  # linear: a bare one holds no bracket
_URL: Final = re.compile(_ADDRESS, re.I)
_STYLE: Final = re.compile(rf"(?:^|;)\s*background(?:-image)?\s*:[^;]*?{_ADDRESS}", re.I)
_MAX_STYLE: Final = 20_000
"""Characters of a style that are looked at, as many as of a srcset."""
_FIGURE_NODES: Final = 200
"""Nodes of a figure that are searched; the bound keeps nested figures linear, the largest of the gold has 103."""

_SHOWING: Final = frozenset(("img", "amp-img", "amp-anim", "image", "video", "amp-video", "object", "embed"))
"""What shows something itself."""


def background_of(attrs: dict[str, str]) -> Source | None:
    """The picture that an element has as its background, found by `background`; None where it has none."""
    for name in _LAZY:
        value = attrs.get(name, "").strip()[:_MAX_STYLE]
        found = _URL.match(value)
        url = _first(found.groups()) if found else value
        if ("/" in url or "." in url) and "{" not in url and not is_placeholder(url):
            return Source(url, "background")
    for groups in _STYLE.findall(attrs.get("style", "")[:_MAX_STYLE]):
        url = _first(groups)
        if not is_placeholder(url):
            return Source(url, "background")
    return None


def _first(groups: tuple[str | None, ...]) -> str:
    return next((value.strip() for value in groups if value), "")


def painted_in(tree: Tree) -> set[int]:
    """The elements whose background is the picture of a figure: at most one in each figure that holds no image."""
    found: set[int] = set()
    for i in tree.at.get("figure", ()):
        stop = min(tree.end[i], i + _FIGURE_NODES)
        if _SHOWING.isdisjoint(tree.tag[i:stop]):
            found.update(_painted(tree, i, stop))
    return found


def _painted(tree: Tree, start: int, stop: int) -> list[int]:
    """The first element of a range with a background, or none."""
    for i in range(start, stop):
        raw = tree.attrs[i]
        if ("background" in raw or " data-bg" in raw) and background_of(attributes(raw)) is not None:
            return [i]
    return []
