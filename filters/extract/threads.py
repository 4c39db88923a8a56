"""Readers' comments below an article: where the threads stand, and what of them is no comment.

Only where a recipe asks for them in mode `main`; the main content is chosen without them, and they follow it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from typing import Final

from filters.extract import names as n
from filters.extract.density import Sums
from filters.extract.furniture import NOTHING, RECALL, facts_of, prune
from filters.extract.tree import Tree, outermost
from schemas.reasons import ReferenceReason as Why

_MIN_THREAD: Final = 80
"""Characters outside links of a thread, at least; less is a number of comments or a request for them (one comment of
a sentence, the figure of `density.PROSE`)."""


def threads_of(
    tree: Tree, sums: Sums, roots: list[int], gone: Mapping[int, object], known: Mapping[int, Why] = NOTHING
) -> tuple[list[int], dict[int, Why]]:
    """Roots of the comment threads that the content lacks, in page order, and what is left out inside them: furniture
    and the forms to write a comment with. `roots` and `gone` are those of the content, `known` as in `prune`."""
    tag, end, attrs = tree.tag, tree.end, tree.attrs
    left_out = prune(tree, sums, mode=RECALL, known=known) | dict.fromkeys(tree.at.get("form", ()), Why.FURNITURE)
    kept, cut = outermost(tree, roots), outermost(tree, gone)
    found: list[int] = []
    reached = 0
    for i in sorted({*tree.attributed, *left_out}):
        if i < reached:
            continue
        named = tag[i] != "a" and facts_of(attrs[i]) & (n.COMMENTS | n.MAYBE) == n.COMMENTS
        size = sums.text[end[i]] - sums.text[i] - (sums.link[end[i]] - sums.link[i])
        if i not in left_out and not (named and size >= _MIN_THREAD):
            continue
        reached = end[i]
        if i not in left_out and (_inside(tree, cut, i) or not _inside(tree, kept, i)):
            found.append(i)
    return found, left_out


def _inside(tree: Tree, starts: list[int], i: int) -> bool:
    """Whether an element stands in one of the subtrees, which do not overlap."""
    at = bisect_right(starts, i) - 1
    return at >= 0 and i < tree.end[starts[at]]
