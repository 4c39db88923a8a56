"""What a page may cost, checked on its bytes before the parser sees them.

lexbor cannot be interrupted from Python and is quadratic in two shapes (see `Limits`). Both are bounded here from
above: by counting tags, which costs a twentieth of the parse; where there are many, by what they open and close.
"""

from __future__ import annotations

import re
import time

import numpy as np

from filters.extract.document import Limits
from filters.extract.nesting import Nesting, without_shapes
from schemas.reasons import DocumentReason

_TAG = re.compile(rb"<(/?[a-zA-Z][a-zA-Z0-9]*)")
_START = re.compile(rb"<[a-zA-Z]")
_LONG_TAG = 20_000
"""Bytes between two start tags from which the attributes of the tag are counted at all."""

_MAX_EQUALS = 5
"""Equals signs for each allowed element: attributes of which no stretch shows that they belong to one tag."""

_FORMATTING = re.compile(rb"<(?:b|big|code|em|font|i|s|small|strike|strong|tt|u)(?=[\s/>])[^>]*", re.I)
_ALIKE = 3
"""Formatting elements of the same attributes that a parser keeps open, at most (HTML standard)."""


class OverTimeError(Exception):
    """A page takes more time than it may."""


class Deadline:
    """The CPU time up to which a page may be worked on."""

    def __init__(self, seconds: float) -> None:
        """The time runs from now."""
        self.ends = time.process_time() + seconds

    def check(self) -> None:
        """OverTimeError where the time is up."""
        if time.process_time() > self.ends:
            raise OverTimeError


def broken_budget(html: bytes, limits: Limits) -> DocumentReason | None:
    """The bound that the page breaks, or None. Reads the bytes only; see `nesting` for depth."""
    if len(html) > limits.max_bytes:
        return DocumentReason.TOO_MANY_BYTES
    few = min(limits.max_elements, limits.max_depth)
    if _count_starts(html, few) > few:
        tags = _TAG.findall(html)
        nesting = Nesting(limits.max_depth)
        nesting.read(tags)
        if nesting.depth > limits.max_depth and b"/>" in html:  # a drawing of thousands of shapes is flat
            nesting = Nesting(limits.max_depth)
            nesting.read(without_shapes(html))
        if nesting.depth > limits.max_depth:
            return DocumentReason.TOO_DEEP
        if nesting.repeated > limits.max_elements:
            nesting = Nesting(limits.max_depth, _ALIKE * len(set(_FORMATTING.findall(html))))
            nesting.read(tags)
        if nesting.repeated > limits.max_elements:
            return DocumentReason.TOO_MANY_ELEMENTS
        if len(tags) > limits.max_elements and sum(tag[0] != 47 for tag in tags) > limits.max_elements:
            return DocumentReason.TOO_MANY_ELEMENTS
    return _too_many_attributes(html, limits)


def _count_starts(html: bytes, few: int) -> int:
    """Start tags of the page, at most: exact where it has more than `few` angle brackets."""
    data = np.frombuffer(html, np.uint8)
    opened = data[:-1] == ord("<")
    count = int(np.count_nonzero(opened))
    if count > few:
        letters = data[1:][opened] | 32  # lower case
        count = int(np.count_nonzero((letters >= ord("a")) & (letters <= ord("z"))))
    return count


def _too_many_attributes(html: bytes, limits: Limits) -> DocumentReason | None:
    """Whether one tag may carry more attributes than allowed; tags are looked at only where one is very long."""
    half = _LONG_TAG // 2  # a stretch of that length holds a whole block of half of it
    start = 0
    while start < len(html) - half:
        if html.find(b">", start, start + half) >= 0:
            start += half
            continue
        first = max(0, html.rfind(b"<", 0, start + 1))
        end = html.find(b">", start)
        end = len(html) if end < 0 else end
        unfinished = html.find(b">", first, start) < 0 and end - first > _LONG_TAG and _START.match(html, first)
        if unfinished and not _in_script(html, first):
            follower = _START.search(html, first + 1, end)
            tag = html[first : follower.start() if follower else end]
            if len(tag.split()) > limits.max_attributes:
                return DocumentReason.TOO_MANY_ELEMENTS
        start = end
    most = _MAX_EQUALS * limits.max_elements
    return DocumentReason.TOO_MANY_ELEMENTS if len(html) > most and html.count(b"=") > most else None


def _in_script(html: bytes, at: int) -> bool:
    """Whether a script or style sheet is open at a position, as far as lower-case tags show."""
    return any(html.rfind(b"<" + name, 0, at) > html.rfind(b"</" + name, 0, at) for name in (b"script", b"style"))
