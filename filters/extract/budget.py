"""What a page may cost, checked on its bytes before the parser sees them.

lexbor cannot be interrupted from Python and is quadratic in two shapes (see `Limits`). Both are bounded here from
above: by counting tags, which costs a twentieth of the parse; where there are many, by a regular expression.
"""

from __future__ import annotations

import re
from itertools import accumulate

import numpy as np

from filters.extract.document import Limits
from schemas.reasons import DocumentReason

_TAG = re.compile(rb"<(/?[a-zA-Z][a-zA-Z0-9]*)")
_START = re.compile(rb"<[a-zA-Z]")
_LONG_TAG = 20_000
"""Bytes between two start tags from which the attributes of the tag are counted at all."""

_MAX_EQUALS = 5
"""Equals signs for each allowed element: attributes of which no stretch shows that they belong to one tag."""

_VOID = b"area base br col embed hr img input link meta source track wbr param basefont bgsound frame keygen"
_IMPLIED_END = b"p li dt dd tr td th thead tbody tfoot colgroup caption option optgroup rp rt rb rtc html head body"
_DELTA: dict[bytes, int] = {}
for _names in (_VOID, _IMPLIED_END):
    for _name in _names.split():
        _DELTA[_name] = _DELTA[b"/" + _name] = 0


def _delta(tag: bytes) -> int:
    """How a tag changes the depth, at most: 0 for those that close themselves or one another."""
    found = _DELTA.get(tag)
    if found is None:
        found = _DELTA.get(tag.lower())
        if found is None:
            found = -1 if tag[0] == 47 else 1
        if len(_DELTA) < 4_096:  # the names of one crawl's tags; the bound is against made-up names
            _DELTA[tag] = found
    return found


def broken_budget(html: bytes, limits: Limits) -> DocumentReason | None:
    """The bound that the page breaks, or None. Reads the bytes only; an upper bound for depth, never below it
    by more than a factor of four (a closed-by-itself element such as `li` stands inside one that is counted)."""
    if len(html) > limits.max_bytes:
        return DocumentReason.TOO_MANY_BYTES
    few = min(limits.max_elements, limits.max_depth)
    if _count_starts(html, few) <= few:
        return _too_many_attributes(html, limits)
    tags = _TAG.findall(html)
    if len(tags) > limits.max_depth and max(accumulate(map(_delta, tags)), default=0) > limits.max_depth:
        return DocumentReason.TOO_DEEP
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
