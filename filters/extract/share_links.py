"""Rows of links by which a reader shares the page, told by where the links lead, whatever the row is called."""

from __future__ import annotations

import re
from bisect import bisect_left
from typing import Final

from filters.extract.density import Sums
from filters.extract.images import IMAGE_TAGS
from filters.extract.tree import Tree

_ENDPOINT: Final = re.compile(
    r"(?:mailto:\?|sms:\?|whatsapp://send|fb-messenger://share|(?:https?:)?//(?:[a-z0-9-]+\.)*(?:"
    r"facebook\.com/(?:sharer|share\.php|dialog/share)|(?:twitter|x)\.com/(?:intent/|share\b)|"
    r"linkedin\.com/(?:sharearticle|sharing|cws/share)|pinterest\.[a-z.]{2,6}/pin/create|reddit\.com/submit|"
    r"tumblr\.com/(?:share|widgets/share)|(?:t|telegram)\.me/share|whatsapp\.com/send|wa\.me/\?|"
    r"(?:vk|vkontakte)\.(?:com|ru)/share|(?:ok|mail)\.ru/[a-z/]*share|plus\.google\.com/share|"
    r"ycombinator\.com/submitlink|weibo\.com/share|"
    r"line\.me/(?:r/|lineit/)(?:msg|share)|(?:buffer|bufferapp)\.com/(?:add|share)|xing\.com/[a-z/_]*share|"
    r"(?:digg|stumbleupon)\.com/submit|(?:bsky\.app|threads\.net)/intent|hatena\.ne\.jp/add|"
    r"qq\.com/[a-z/_-]*share|mix\.com/add|addtoany\.com/(?:add_to|share)))"
)
"""Where the buttons of the networks lead, as their generators write them; a profile is no such place. They find 142
rows on 83 of the gold's 257 pages; no score of either half depends on them, because names and trimming took most
out."""

_ADDRESS: Final = 300
"""Characters of an address that are looked at: a host has 253 at most."""
_ROW_TEXT: Final = 60
"""Characters of a row outside the links to share by, at most: `Share this article:`, a count, `Print` (half and twice
of it alike on the gold's tune half)."""
_MIN_LINKS: Final = 2
"""Such links of a row, at least: one alone may be what a text speaks of (on the gold's tune half 1 loses 0.0002, 3
alike)."""
_MAX_NODES: Final = 300
"""Nodes of a row, at most: the largest of the gold has 60; the bound keeps pages of such links linear."""
_LEVELS: Final = 8
"""Elements around a link that are looked at: a row of a list of boxes of links has five (4 to 16 alike on the gold's
tune half)."""
_NEVER_ROWS: Final = frozenset(("body", "html", "main", "article", "td", "blockquote"))
"""What holds content besides a row."""


def share_rows(tree: Tree, sums: Sums) -> list[int]:
    """The largest elements that hold two such links or more and hardly anything else, in page order."""
    links = tree.at.get("a", [])
    sharing = _sharing(tree.attrs, links)
    if len(sharing) < _MIN_LINKS:
        return []
    found: list[int] = []
    none: set[int] = set()  # elements that were looked at and are no rows
    for i in sharing:
        if found and i < tree.end[found[-1]]:
            continue
        row, up = i, tree.parent[i]
        for _ in range(_LEVELS):
            if up < 0 or up in none or tree.tag[up] in _NEVER_ROWS:
                break
            if not _is_row(tree, sums, links, sharing, up):
                none.add(up)
                break
            row, up = up, tree.parent[up]
        if _within(sharing, row, tree.end[row]) >= _MIN_LINKS:
            found.append(row)
    return found


def _sharing(attrs: list[str], links: list[int]) -> list[int]:
    """Those of the links that lead to where pages are shared: the common ones, by two words that hardly another link
    has, and the others near these. A row has one of the common, or hardly any."""
    common = [i for i in links if ("hare" in attrs[i] or "intent/" in attrs[i]) and _shares(attrs[i])]
    found: list[int] = []
    done = 0
    for i in common:
        first, last = max(done, bisect_left(links, i - _AROUND)), bisect_left(links, i + _AROUND)
        found += [j for j in links[first:last] if _shares(attrs[j])]
        done = max(done, last)
    return found


def _shares(raw: str) -> bool:
    """Whether a serialised link leads to such a place."""
    _, _, address = raw.partition(' href="')
    return _ENDPOINT.match(address[:_ADDRESS].lower()) is not None


_AROUND: Final = 60
"""Nodes before and after a common link in which others are looked for: the largest row of the gold."""


def _is_row(tree: Tree, sums: Sums, links: list[int], sharing: list[int], i: int) -> bool:
    """Whether an element holds such links and hardly anything else: little text, no more other links than these, and no
    picture outside them."""
    stop = tree.end[i]
    text = sums.text[stop] - sums.text[i]
    if stop - i > _MAX_NODES or text - (sums.link[stop] - sums.link[i]) > _ROW_TEXT:
        return False
    first, last = bisect_left(sharing, i), bisect_left(sharing, stop)
    if _within(links, i, stop) > 2 * (last - first):
        return False
    reached = i
    for j in (*sharing[first:last], stop):
        if any(name in IMAGE_TAGS for name in tree.tag[reached:j]):
            return False
        if j < stop:
            reached = tree.end[j]
            text -= sums.text[reached] - sums.text[j]
    return text <= _ROW_TEXT


def _within(indices: list[int], start: int, stop: int) -> int:
    return bisect_left(indices, stop) - bisect_left(indices, start)
