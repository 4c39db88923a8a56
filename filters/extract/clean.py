"""What goes out of the chosen content: boxes, lists and tables that look like furniture by what they hold.

One pass from the last element to the first, so that a box is judged by what is left of it after the boxes inside. The
rules and their figures are those of Arc90's algorithm as Readability has kept them, besides the boxes of teasers.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Final

from filters.extract import names as n
from filters.extract.density import A_LINK, HEADINGS, PROSE, Sums
from filters.extract.names import class_weight
from filters.extract.tree import Tree, outermost
from filters.extract.urls import host_of
from schemas.reasons import ReferenceReason as Why

_CONDITIONAL: Final = frozenset("form fieldset table ul ol div".split())
_BOXES: Final = frozenset(("div", "section", "ul", "ol", "aside", "table", "tr"))
_NAMED: Final = frozenset("div section ul ol aside span p header footer h1 h2".split())
_JUDGED: Final = _CONDITIONAL | _BOXES
_LEAVES: Final = frozenset(("p", "li", "td", "span"))
_TEXTISH: Final = frozenset("span li td blockquote dl div img ol p pre table ul".split())
"""What makes a box one that holds text, as Readability counts it (none of them: the gold's tune half loses 0.035, 0.019
and 0.006 of its three text scores)."""
_PLAIN: Final = frozenset("a b br cite code em font i small strong sub sup time u wbr".split())
_TEASER: Final = 400
"""Characters for each linked heading up to which a box with two of them is a list of other articles (tuned on the
gold's tune half: half of it loses 0.002 to 0.005, twice it nothing)."""
_SHARE_TEXT: Final = 150
"""Characters without links from which a box named after sharing holds more than its buttons (half and twice of it alike
on the gold's tune half)."""
_CAPTIONED: Final = 300
"""Characters of a box that shows one picture and says where it is from, at most (half and
twice of it alike on the gold's tune half)."""
_QUOTED: Final = 0.5
"""Share of the text of a box that stands in one quotation, from which the box is there for it (half and twice of it
alike on the gold's tune half, where no page has such a box; from posts of networks on a page of the other)."""
_QUOTES: Final = 20
"""Quotations of a box that are looked at; the bound keeps nested boxes linear."""
_MIN_SENTENCE: Final = 40
"""Characters of a paragraph in a box of its own that is judged by the boxes beside it (half and twice of it alike on
the gold's tune half; the rule is from a page of the other, which lost its paragraphs with links)."""
_AD_WORDS: Final = re.compile(
    r"\s*(?:ad(?:vertising|vertisement|s)?|pub(?:licit[ée])?|werb(?:ung)?|广告|реклама|anuncio|anzeige|"
    r"(?:loading|正在加载|загрузка|chargement|cargando)(?:…|\.\.\.)?)\s*\Z",
    re.I,
)
"""What a box says that holds an advert or waits for one: Readability's words (no score of the gold's tune half depends
on them)."""


@dataclass(slots=True)
class _Box:
    """What is left in an element: characters, those in links, commas, and counts of what stands inside."""

    text: int
    link: int
    comma: int
    paras: int
    images: int
    items: int
    inputs: int
    heads: int
    lists: int
    textish: int

    @property
    def density(self) -> float:
        """Share of the characters that stand in links."""
        return self.link / self.text if self.text else 0.0


def clean(
    tree: Tree,
    gone: Mapping[int, Why],
    sums: Sums,
    roots: list[int],
    blocks: set[int],
    *,
    data_tables: set[int],
    host: str,
    conditionally: bool = True,
) -> dict[int, Why]:
    """What was gone and what goes now. `sums` leave out what was gone; `blocks` are the elements that hold a block;
    `host` is that of the page; with `conditionally=False` only share rows, titles of other articles and badly named
    headings go."""
    out = dict(gone)
    for root in roots:
        _Cleaner(tree, out, sums, root, data_tables, blocks, host, conditionally).run()
    return out


class _Cleaner:
    """The pass over one subtree; lists hold, for each of its elements, sums over what is left inside."""

    def __init__(
        self,
        tree: Tree,
        out: dict[int, Why],
        sums: Sums,
        root: int,
        data_tables: set[int],
        blocks: set[int],
        host: str,
        conditionally: bool,
    ) -> None:
        self.tree, self.out, self.sums, self.root = tree, out, sums, root
        self.data_tables, self.blocks, self.host, self.conditionally = data_tables, blocks, host, conditionally
        self.quotes = tree.at.get("blockquote", [])
        self.sheltering = bool(data_tables) or "code" in tree.at
        self.whole = sums.text[tree.end[root]] - sums.text[root]
        size = tree.end[root] - root
        self.cut = [[0] * size for _ in range(3)]  # characters, in links, commas of the boxes taken out inside
        self.counts = [[0] * size for _ in range(9)]

    def run(self) -> None:
        """Add to `out` what goes."""
        tag, parent, end, attrs = self.tree.tag, self.tree.parent, self.tree.end, self.tree.attrs
        text, link, comma = self.sums.text, self.sums.link, self.sums.comma
        cut_text, cut_link, cut_comma = self.cut
        paras, images, items, inputs, heads, lists, textish, tables, titles = self.counts
        out, root, blocks, painted = self.out, self.root, self.blocks, self.tree.painted
        for i in self._backwards():
            name = tag[i]
            if not name:
                continue
            k, stop = i - root, end[i]
            if name in _PLAIN and i not in painted and (stop == i + 1 or (stop == i + 2 and not tag[i + 1])):
                continue  # no element inside, and nothing of its own that counts
            if i in painted:
                images[k] += 1
            size = text[stop] - text[i] - cut_text[k]
            linked = link[stop] - link[i] - cut_link[k]
            if i == root:
                break
            up = parent[i] - root
            judged = stop > i + 1 and (
                name in _JUDGED or (attrs[i] and name in _NAMED and (linked or name in HEADINGS))
            )
            if judged and (why := self._why(i, name, size, linked)) is not None:
                out[i] = why
                cut_text[up] += text[stop] - text[i]
                cut_link[up] += link[stop] - link[i]
                cut_comma[up] += comma[stop] - comma[i]
                continue
            if cut_text[k] or cut_link[k]:
                cut_text[up] += cut_text[k]
                cut_link[up] += cut_link[k]
                cut_comma[up] += cut_comma[k]
            if (
                stop == i + 2 and name in _LEAVES and not tag[i + 1] and not images[k]
            ):  # a text and no more: most are so
                textish[up] += size
                if name == "p":
                    paras[up] += 1
                elif name == "li":
                    items[up] += 1
                continue
            paras[up] += paras[k] + (name == "p" or (name == "div" and size > 0 and i not in blocks))
            if name != "noscript":  # its pictures are copies
                images[up] += images[k] + (name == "img" or name == "amp-img")
            items[up] += items[k] + (name == "li")
            inputs[up] += inputs[k] + (name == "input")
            heading = name in HEADINGS
            heads[up] += size if heading else heads[k]
            titles[up] += titles[k] + (heading and size >= 10 and linked >= A_LINK * size)
            lists[up] += size if name == "ul" or name == "ol" else lists[k]
            textish[up] += size if name in _TEXTISH else textish[k]
            tables[up] += tables[k] + (i in self.data_tables)

    def _backwards(self) -> Iterator[int]:
        """The nodes of the subtree that are not gone yet, from the last to the first."""
        root, end = self.root, self.tree.end
        kept: list[range] = []
        reached = root
        for i in outermost(self.tree, [i for i in self.out if root <= i < end[root]]):
            kept.append(range(i - 1, reached - 1, -1))
            reached = end[i]
        kept.append(range(end[root] - 1, reached - 1, -1))
        return chain.from_iterable(reversed(kept))

    def _why(self, i: int, name: str, size: int, linked: int) -> Why | None:
        """The reason for which an element goes, or None."""
        raw = self.tree.attrs[i]
        k = i - self.root
        titles, tables = self.counts[8][k], self.counts[7][k]
        buttons = raw and name in _NAMED and name not in HEADINGS and linked and size - linked < _SHARE_TEXT
        if buttons and n.flags_of(raw) & n.SHARE and not self._quotes(i, size):
            return Why.SHARE_BUTTON
        if raw and (name == "h1" or name == "h2") and class_weight(raw) < 0:
            return Why.FURNITURE
        if titles >= 2 and name in _BOXES and size < _TEASER * titles and size < 0.4 * self.whole:
            return Why.RELATED_STRIP
        judged = self.conditionally and name in _CONDITIONAL and (name != "div" or i in self.blocks)
        if not judged or tables or i in self.data_tables or size >= 0.5 * self.whole:
            return None
        if (self.sheltering and self._sheltered(i)) or self._quotes(i, size) or self._continues(i, name, size, linked):
            return None
        return self._judge(i, name, raw, size, linked)

    def _quotes(self, i: int, size: int) -> bool:
        """Whether a box is there for a quotation, a post of a network for example: most of its text stands in one."""
        if not self.quotes:
            return False
        text, end = self.sums.text, self.tree.end
        at = bisect_left(self.quotes, i)
        return any(
            j not in self.out and text[end[j]] - text[j] >= _QUOTED * size > 0
            for j in self.quotes[at : at + _QUOTES]
            if j < end[i]
        )

    def _continues(self, i: int, name: str, size: int, linked: int) -> bool:
        """Whether a `div` is a paragraph like those beside it: the same attributes, a text that is mostly no link, and
        one of its neighbours a text with hardly any."""
        tree, k = self.tree, i - self.root
        if name != "div" or size < _MIN_SENTENCE or linked >= 0.5 * size or self.counts[0][k] != 1 or self.counts[1][k]:
            return False
        around, before = tree.parent[i], i - 1
        while before > around and tree.parent[before] != around:
            before = tree.parent[before]
        for j in (before, tree.end[i]):
            alike = around < j < tree.end[around] and tree.tag[j] == "div" and tree.attrs[j] == tree.attrs[i]
            if alike and self._is_prose(j):
                return True
        return False

    def _is_prose(self, j: int) -> bool:
        """Whether an element holds a text of some length with hardly a link."""
        text, link, stop = self.sums.text, self.sums.link, self.tree.end[j]
        size = text[stop] - text[j]
        return j not in self.out and size >= PROSE and link[stop] - link[j] <= 0.2 * size

    def _sheltered(self, i: int) -> bool:
        """Whether a data table or code stands around the element."""
        j = self.tree.parent[i]
        for _ in range(60):
            if j <= self.root:
                return False
            if j in self.data_tables or self.tree.tag[j] == "code":
                return True
            j = self.tree.parent[j]
        return False

    def _judge(self, i: int, name: str, raw: str, size: int, linked: int) -> Why | None:
        """The reason for which a box goes, or None where it stays."""
        weight = class_weight(raw) if raw else 0
        if weight < 0:
            return Why.ADVERT if n.flags_of(raw) & n.ADVERT else Why.FURNITURE
        tree, k = self.tree, i - self.root
        commas = self.sums.comma[tree.end[i]] - self.sums.comma[i] - self.cut[2][k]
        if commas >= 10:
            return None
        box = _Box(size, linked, commas, *(counts[k] for counts in self.counts[:7]))
        if 0 < size < 30 and tree.end[i] - i < 200 and _AD_WORDS.match("".join(tree.text[i : tree.end[i]])):
            return Why.ADVERT
        is_list = name in ("ul", "ol") or (size > 0 and box.lists > 0.9 * size)
        if not _looks_bad(box, weight, is_list, _in_figure(tree, i)):
            return None
        if is_list and box.images and box.images == box.items and _is_simple(tree, i):
            return None
        if box.images == 1 and size <= _CAPTIONED and not box.inputs and _credits(tree, i, self.host):
            return None
        return Why.FURNITURE


def _looks_bad(box: _Box, weight: int, is_list: bool, in_figure: bool) -> bool:
    """Whether what a box holds is that of furniture: pictures without paragraphs, more items than paragraphs, inputs,
    a short text with links, many links, or nothing at all."""
    heading = box.heads / box.text if box.text else 0.0
    stub = heading < 0.9 and box.text < 25 and (box.images == 0 or box.images > 2) and box.density > 0
    return (
        (not in_figure and box.images > 1 and box.paras < 0.5 * box.images)
        or (not is_list and box.items - 100 > box.paras)
        or box.inputs > box.paras // 3
        or (not is_list and not in_figure and stub)
        or (not is_list and weight < 25 and box.density > 0.2)
        or (weight >= 25 and box.density > 0.5)
        or (box.images == 0 and box.textish == 0)
    )


def _in_figure(tree: Tree, i: int) -> bool:
    """Whether a figure stands around the element, at most four levels up."""
    for _ in range(4):
        i = tree.parent[i]
        if i < 0:
            return False
        if tree.tag[i] == "figure":
            return True
    return False


def _credits(tree: Tree, i: int, host: str) -> bool:
    """Whether a box shows a picture and says where it is from: all its links lead to other sites, and it has an element
    named after captions or the picture comes from where they lead. What a site recommends of its own leads to itself.
    """
    captioned = False
    sites: set[str] = set()
    pictures: set[str] = set()
    for j in range(i + 1, min(tree.end[i], i + 60)):
        raw = tree.attrs[j]
        if tree.tag[j] == "a" and ' href="' in raw:
            there = host_of(tree.get(j, "href") or "")
            if there in ("", host):
                return False
            sites.add(_site(there))
        elif tree.tag[j] == "img":
            pictures.add(_site(host_of(tree.get(j, "src") or "")))
        captioned = captioned or bool(raw and n.flags_of(raw) & n.CAPTION)
    return captioned or not sites.isdisjoint(pictures)


def _site(host: str) -> str:
    """The last two labels of a host, three where the second last is short (`co.uk`)."""
    labels = host.split(".")
    return ".".join(labels[-3:] if len(labels) > 2 and len(labels[-2]) <= _SHORT_LABEL else labels[-2:])


_SHORT_LABEL: Final = 3
"""Letters of `co`, `com` and the like under which countries give names."""


def _is_simple(tree: Tree, i: int) -> bool:
    """Whether no child of a list has more than one child: a list of pictures, and no more."""
    j = i + 1
    while j < tree.end[i]:
        if tree.tag[j]:
            child, children = j + 1, 0
            while child < tree.end[j]:
                children += bool(tree.tag[child])
                child = tree.end[child]
            if children > 1:
                return False
        j = tree.end[j]
    return True
