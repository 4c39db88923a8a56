"""Where the main content of a page stands: density of text around the best candidate, in one pass over arrays.

Every paragraph gives a score for its length and its commas to the five elements around it, less the farther away;
an element's score shrinks with the share of its text in links. The best element, widened to an ancestor that holds
several good ones and to siblings that look alike, is the content (the family of Arc90's algorithm).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import accumulate
from typing import Final

from filters.extract.density import A_LINK, HARDLY_LINKED, HEADINGS, PROSE, Sums, add_lists, units_of
from filters.extract.names import class_weight
from filters.extract.tree import Tree

_TAG_SCORE: Final = (
    {"div": 5, "pre": 3, "td": 3, "blockquote": 3, "th": -5}
    | dict.fromkeys(["address", "ol", "ul", "dl", "dd", "dt", "li", "form"], -3)
    | dict.fromkeys(HEADINGS, -5)
)
_DIVISORS: Final = (1, 2, 6, 9, 12)
"""What an element brings to its score by its name, and what the points of a paragraph are divided by for each element
around it: Arc90's figures, kept by Readability ever since."""
_CHARS_A_COMMA: Final = 40
"""Characters of prose to a comma at the least; more commas than that are a list of names, and count no more (half and
twice of it alike on the gold's tune half)."""


@dataclass(slots=True)
class Region:
    """The content: subtrees in page order under one parent, the best of them, and its score."""

    roots: list[int]
    top: int
    score: float


def choose(
    tree: Tree, gone: Mapping[int, object], sums: Sums, has_block: set[int], *, weigh_names: bool = True
) -> Region | None:
    """The region of the main content, or None for a page without a body."""
    tag, end = tree.tag, tree.end
    text, link = sums.text, sums.link
    try:
        body = tag.index("body")
    except ValueError:
        return None
    prose = [0] * len(tag)
    scores = _scores(tree, units_of(tree, gone, sums, has_block, prose), body, weigh_names)
    if not scores:
        return Region([body], body, 0.0)
    for i in scores:
        size = text[end[i]] - text[i]
        density = (link[end[i]] - link[i]) / size if size else 0.0
        scores[i] *= 1 - density
    best = sorted(scores, key=lambda i: (-scores[i], i))[:5]
    top = best[0]
    if top == body:
        return Region([body], body, scores[body])
    top = _common_ancestor(tree, scores, best, body)
    if top not in scores:
        scores[top] = _start(tree, top, weigh_names)
    top = _climb(tree, scores, top, body)
    if "article" in tree.at:
        top = _listing(tree, sums, top, body)
        if top not in scores:
            scores[top] = _start(tree, top, weigh_names)
    add_lists(tree, sums, has_block, prose)
    wide = _widen(tree, sums, prose, top, body)
    if wide == body:
        return Region([body], body, scores.get(body, 0.0))
    if wide not in scores:
        scores[wide] = _start(tree, wide, weigh_names)
    scores[wide] = max(scores[wide], scores.get(top, 0.0))
    top = wide
    return Region(_siblings(tree, gone, sums, scores, top, prose), top, scores[top])


def _start(tree: Tree, i: int, weigh_names: bool) -> float:
    """The score of an element before any text."""
    score = float(_TAG_SCORE.get(tree.tag[i], 0))
    return score + class_weight(tree.attrs[i]) if weigh_names and tree.attrs[i] else score


def _scores(tree: Tree, units: list[tuple[int, int, int]], body: int, weigh_names: bool) -> dict[int, float]:
    """The points that the paragraphs give to the elements around them: all to the nearest, half to the next, then a
    sixth, a ninth, a twelfth."""
    scores: dict[int, float] = {}
    parent = tree.parent
    for size, commas, i in units:
        points = 2 + min(commas, 2 + size // _CHARS_A_COMMA) + min(size // 100, 3)
        for divisor in _DIVISORS:
            if i < body:
                break
            if i not in scores:
                scores[i] = 0.0 if i == body else _start(tree, i, weigh_names)
            scores[i] += points / divisor
            i = parent[i]
    return scores


def _common_ancestor(tree: Tree, scores: dict[int, float], best: list[int], body: int) -> int:
    """The nearest element around the best candidate that also holds three others nearly as good."""
    top = best[0]
    others = [i for i in best[1:] if scores[i] >= 0.75 * scores[top]]
    if len(others) < 3:
        return top
    i = tree.parent[top]
    while i > body:
        if sum(1 for other in others if i < other < tree.end[i]) >= 3:
            return i
        i = tree.parent[i]
    return top


def _climb(tree: Tree, scores: dict[int, float], top: int, body: int) -> int:
    """An ancestor with a higher score, or around an only child."""
    parent, end, tag = tree.parent, tree.end, tree.tag
    last, threshold = scores[top], scores[top] / 3
    i = parent[top]
    while i > body:
        if i in scores:
            if scores[i] < threshold:
                break
            if scores[i] > last:
                top = i
                break
            last = scores[i]
        i = parent[i]
    i = parent[top]
    while i > body:
        j, children = i + 1, 0
        while j < end[i]:
            children += bool(tag[j])
            j = end[j]
        if children != 1:
            break
        top, i = i, parent[i]
    return top


_ENTRIES: Final = 3
"""Entries of a listing, at least; a page of one article and a teaser is none (from listings of the corpus; no page of
the gold's tune half changes, and 1 would lose 0.003 of the images)."""
_ENTRY_SHARE: Final = 0.5
"""Characters outside links of each entry, as a share of those of the one that was chosen."""


def _listing(tree: Tree, sums: Sums, top: int, body: int) -> int:
    """What holds the `article` around the best element, where it holds others of the same size: a listing."""
    i = top
    while i > body and tree.tag[i] != "article":
        i = tree.parent[i]
    if i <= body or tree.parent[i] <= body:
        return top
    size = _unlinked(sums, i, tree.end[i])
    around = tree.parent[i]
    entries = [j for j in tree.at["article"] if tree.parent[j] == around]
    alike = [j for j in entries if _unlinked(sums, j, tree.end[j]) >= _ENTRY_SHARE * size]
    return around if len(alike) >= _ENTRIES and 2 * len(alike) >= len(entries) else top


def _unlinked(sums: Sums, start: int, stop: int) -> int:
    return (sums.text[stop] - sums.text[start]) - (sums.link[stop] - sums.link[start])


_MORE: Final = re.compile(
    r"\s*(?:weiter(?:lesen)?|mehr(?: lesen| erfahren| dazu)?|(?:read|learn|see|view|find out) more|more|"
    r"continue reading|"
    r"lire (?:la suite|plus)|en savoir plus|leia mais|saiba mais|leer m[áa]s|ver m[áa]s|leggi(?: tutto)?|"
    r"czytaj(?: wi[ęe]cej)?|"
    r"lees (?:meer|verder)|l[äa]s mer|подробнее|читать(?: далее)?|続きを読む|더 ?보기|阅读全文|閱讀全文)\W*\Z",
    re.I,
)
_TEASING: Final = (*HEADINGS, "a")
_READ_MORE: Final = 30
"""Characters of such a link, at most (half and twice of it alike on the gold's tune half)."""


def teasers_of(tree: Tree, sums: Sums) -> list[int]:
    """1 for each heading that is a link and for each link that says `read more`, else 0: two or more of them are a
    list of other articles."""
    found = [0] * len(tree.tag)
    for i in tree.all_of(_TEASING):
        size = sums.text[tree.end[i]] - sums.text[i]
        if tree.tag[i] == "a":
            found[i] = int(3 < size <= _READ_MORE and bool(_MORE.match("".join(tree.text[i : tree.end[i]]))))
        elif size >= 10 and sums.link[tree.end[i]] - sums.link[i] >= A_LINK * size:
            found[i] = 1
    return found


_MIN_GAIN: Final = 200
"""Characters of prose for which the content is widened to an element around it."""
_MIN_PURITY: Final = 0.75
"""Share of prose in what the widening brings. Both tuned on the gold's tune half, by hand."""


def _widen(tree: Tree, sums: Sums, prose: list[int], top: int, body: int) -> int:
    """An element around the best one that brings more text of its kind and little else (pages cut into sections)."""
    good = list(accumulate(prose, initial=0))
    teasers: list[int] | None = None
    parent, end, text = tree.parent, tree.end, sums.text
    i = parent[top]
    while i >= body:
        gain = (good[end[i]] - good[i]) - (good[end[top]] - good[top])
        if gain >= _MIN_GAIN and gain >= 0.1 * (good[end[top]] - good[top]):
            extra = (text[end[i]] - text[i]) - (text[end[top]] - text[top])
            if gain < _MIN_PURITY * extra:
                i = parent[i]
                continue
            if teasers is None:
                teasers = list(accumulate(teasers_of(tree, sums), initial=0))
            titles = (teasers[end[i]] - teasers[i]) - (teasers[end[top]] - teasers[top])
            if titles < 2:
                top = i
        i = parent[i]
    return top


def _siblings(
    tree: Tree, gone: Mapping[int, object], sums: Sums, scores: dict[int, float], top: int, prose: list[int]
) -> list[int]:
    """The best element and the siblings that belong to it, in page order: those that score or read alike, and the
    pictures between them or at the head of the article."""
    tag, end = tree.tag, tree.end
    around = tree.parent[top]
    names = tree.get(top, "class")
    roots: list[int] = []
    pictures: list[int] = []  # siblings with a picture and hardly any text, and headings, since the last root
    j = around + 1
    while j < end[around]:
        if tag[j] and j not in gone:
            same = bool(names) and names == tree.get(j, "class")
            if j == top or _belongs(tree, sums, scores, top, j, prose, same=same):
                if roots or _opens_article(tree, around, pictures):
                    roots.extend(pictures)
                pictures = []
                roots.append(j)
            elif _shows_picture(tree, sums, j):
                pictures.append(j)
            elif tag[j] in HEADINGS:
                if roots and sums.link[end[j]] - sums.link[j] < A_LINK * (sums.text[end[j]] - sums.text[j]):
                    pictures.append(j)
            else:
                pictures = []
        j = end[j]
    return roots


def _belongs(
    tree: Tree, sums: Sums, scores: dict[int, float], top: int, j: int, prose: list[int], *, same: bool
) -> bool:
    """Whether a sibling of the best element reads like it; `same` where it has the same class."""
    threshold = max(10.0, scores[top] * 0.2)
    if j in scores and scores[j] + (scores[top] * 0.2 if same else 0.0) >= threshold:
        return True
    size = sums.text[tree.end[j]] - sums.text[j]
    if tree.tag[j] in _SECTIONS:
        good = sum(prose[j : tree.end[j]])
        return good >= PROSE and good >= _MIN_PURITY * size and not _has_teasers(tree, sums, j)
    if tree.tag[j] == "p":
        density = (sums.link[tree.end[j]] - sums.link[j]) / size if size else 0.0
        return (size > 80 and density < HARDLY_LINKED) or (0 < size < 80 and density == 0 and _ends_sentence(tree, j))
    return False


_PICTURE_TEXT: Final = 300
"""Characters (title, caption) of an element that shows a picture, at most (half and twice of it alike on
the gold's tune half)."""


def _shows_picture(tree: Tree, sums: Sums, j: int) -> bool:
    """Whether an element is a picture with at most a title or caption, and no link to another page's title."""
    size = sums.text[tree.end[j]] - sums.text[j]
    if size > _PICTURE_TEXT or sums.link[tree.end[j]] - sums.link[j] > 0.3 * size:
        return False
    if any(j <= i < tree.end[j] for i in tree.painted):
        return True
    return any(name in ("img", "amp-img") for name in tree.tag[j : min(tree.end[j], j + 200)])


def _opens_article(tree: Tree, around: int, pictures: list[int]) -> bool:
    """Whether pictures before the text are the head of an article: in `article` or `main`, or beside the title."""
    if tree.tag[around] in ("article", "main"):
        return True
    return any(tree.tag[k] in ("h1", "figure") for j in pictures for k in range(j, min(tree.end[j], j + 50)))


_SECTIONS: Final = frozenset(("div", "section", "article", "blockquote", "header"))


def _has_teasers(tree: Tree, sums: Sums, i: int) -> bool:
    """Whether a heading inside is a link: then the text under it is about another page."""
    for j in range(i, tree.end[i]):
        if tree.tag[j] in HEADINGS:
            size = sums.text[tree.end[j]] - sums.text[j]
            if size and sums.link[tree.end[j]] - sums.link[j] >= A_LINK * size:
                return True
    return False


def _ends_sentence(tree: Tree, i: int) -> bool:
    last = "".join(tree.text[i : tree.end[i]]).rstrip()
    return last.endswith((".", "。", "!", "?", "…", "।")) or ". " in last
