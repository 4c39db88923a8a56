"""What of a page's text is not among the nodes, and why: for people who look at one page, never on the hot path."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping

from filters.extract.content import Content
from filters.extract.document import DroppedText, Node
from filters.extract.text import clean_inline
from filters.extract.tree import Tree

_EXCERPT = 400
"""Characters of each text that is shown."""


def texts_left_out(tree: Tree, content: Content, nodes: list[Node], trimmed: Mapping[int, str]) -> list[DroppedText]:
    """Texts outside the content or taken out of it, in page order, then those trimmed from the nodes; each at most
    400 characters. `why` is the reason of the subtree, `outside_content`, or what the trimming says."""
    threads = content.threads
    apart = (i for i in content.gone if not any(i < tree.end[t] and t < tree.end[i] for t in threads))
    gone = {i: content.gone[i] for i in apart} | (content.gone_in_threads if threads else {})
    inside = sorted((root, tree.end[root]) for root in (*content.roots, *threads))
    starts = [start for start, _ in inside]
    left: list[DroppedText] = []
    pieces: list[str] = []
    why = before = ""
    i, count = 0, len(tree.tag)

    def close() -> None:
        text = clean_inline(" ".join(pieces)).replace("\n", " ")
        pieces.clear()
        if text:
            left.append(DroppedText(text=text[:_EXCERPT], why=before))

    while i < count:
        at = bisect_right(starts, i) - 1
        within = at >= 0 and i < inside[at][1]
        if tree.tag[i] in ("head", "title"):
            i = tree.end[i]
            continue
        if i in gone:
            close()
            pieces.extend(tree.text[i : tree.end[i]])
            before = gone[i].value
            close()
            i = tree.end[i]
            continue
        if not tree.tag[i] and not within:
            why = "outside_content"
            if why != before or len(pieces) > 200:
                close()
            before = why
            pieces.append(tree.text[i])
        elif within and pieces:
            close()
        i += 1
    close()
    left.extend(
        DroppedText(text=(nodes[k].text or "")[:_EXCERPT], why=trimmed[k]) for k in sorted(trimmed) if nodes[k].text
    )
    return left
