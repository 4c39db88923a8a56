"""Which subtrees of a page are given back, and what is left out inside them."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from filters.extract.clean import clean
from filters.extract.code import line_numbers
from filters.extract.density import Lengths, Sums, lengths_of, sums_of, with_blocks
from filters.extract.furniture import MAIN, prune
from filters.extract.lead import leads, title_at
from filters.extract.main_content import choose
from filters.extract.share_links import share_rows
from filters.extract.threads import threads_of
from filters.extract.tree import Tree
from schemas.reasons import ReferenceReason as Why

_ATTEMPTS: Final = ((2, True, True, 500), (1, True, True, 500), (1, False, False, 140), (0, False, False, 0))
"""How far names are believed, whether they weigh, whether boxes are cleaned out, and the characters of content that are
enough: each reading is less suspicious than the one before (Readability's 500 for the first two; 140, a message, for
the last step, because it brings comments and related links back; tuned on the gold's tune half)."""


_NEARLY_ALL: Final = 0.9
"""Share of the page's characters outside links with which nothing is left to be found."""


@dataclass(frozen=True, slots=True)
class Content:
    """Roots of the subtrees to give back and the roots of what is left out inside them; the same of the comment threads
    that follow."""

    roots: list[int]
    gone: dict[int, Why]
    threads: list[int] = field(default_factory=list)
    gone_in_threads: dict[int, Why] = field(default_factory=dict)


def content_of(
    tree: Tree, mode: str, *, tables: set[int], title: str | None, host: str, comments: bool | None
) -> Content:
    """The content of a page in a mode; `host` is that of the page. Comment threads are kept where `comments` says so,
    None standing for what the mode does."""
    lengths = lengths_of(tree)
    sums = sums_of(tree, lengths, ())
    known = _known(tree, sums)
    if mode != MAIN:
        gone = prune(tree, sums, mode=mode, known=known, comments=comments is not False)
        return Content([0] if tree.tag else [], gone)
    roots, gone = _main_content(tree, lengths, sums, tables, title, host, known)
    if not comments:
        return Content(roots, gone)
    return Content(roots, gone, *threads_of(tree, sums, roots, gone, known))


def _known(tree: Tree, sums: Sums) -> dict[int, Why]:
    """What goes out of a page whatever it is called: rows of share links, numbers of the lines of code."""
    shared = dict.fromkeys(share_rows(tree, sums), Why.SHARE_BUTTON)
    return shared | dict.fromkeys(line_numbers(tree), Why.FURNITURE)


def _main_content(
    tree: Tree,
    lengths: Lengths,
    raw_sums: Sums,
    tables: set[int],
    title: str | None,
    host: str,
    known: Mapping[int, Why],
) -> tuple[list[int], dict[int, Why]]:
    """Roots of the subtrees to give back, and the roots of what is left out inside them."""
    blocks, heading = with_blocks(tree), title_at(tree, title)
    best: tuple[int, list[int], dict[int, Why]] | None = None
    before: tuple[dict[int, Why], bool, bool] | None = None
    for by_name, weigh, conditionally, enough in _ATTEMPTS:
        pruned = prune(tree, raw_sums, mode=MAIN, known=known, by_name=by_name, heading=heading)
        if before == (pruned, weigh, conditionally):
            continue  # nothing that this reading would see anew
        before = pruned, weigh, conditionally
        sums = sums_of(tree, lengths, pruned)
        region = choose(tree, pruned, sums, blocks, weigh_names=weigh)
        if region is None:
            return [], pruned
        gone = clean(
            tree, pruned, sums, region.roots, blocks, data_tables=tables, host=host, conditionally=conditionally
        )
        size = _kept_text(tree, raw_sums, gone, region.roots)
        if best is None or size > best[0]:
            best = size, leads(tree, gone, sums, blocks, heading, region.roots) + region.roots, gone
        if best[0] >= enough or best[0] >= _NEARLY_ALL * (sums.text[-1] - sums.link[-1]):
            break
    assert best is not None
    return best[1], best[2]


def _kept_text(tree: Tree, raw_sums: Sums, gone: Mapping[int, Why], roots: list[int]) -> int:
    """Characters in the roots outside what is gone."""
    text, end = raw_sums.text, tree.end
    size = 0
    removed = sorted(gone)
    for root in roots:
        size += text[end[root]] - text[root]
        at = bisect_left(removed, root)
        reached = root
        while at < len(removed) and removed[at] < end[root]:
            if removed[at] >= reached:
                reached = end[removed[at]]
                size -= text[reached] - text[removed[at]]
            at += 1
    return size
