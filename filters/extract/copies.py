"""One picture, one image: which image elements are copies of others for readers without scripts."""

from __future__ import annotations

from filters.extract.images import IMAGE_TAGS, find_source
from filters.extract.tree import Tree, attributes


def noscript_copies(tree: Tree) -> set[int]:
    """Image elements that another copy of the same picture stands for: one picture, one image.

    A `noscript` beside an image is its copy for readers without scripts: where the image itself leads to a picture,
    the copy is skipped; where it is a stand-in, the stand-in is.
    """
    skip: set[int] = set()
    tag, end = tree.tag, tree.end
    for i in tree.at.get("noscript", ()):
        inside = [j for j in range(i + 1, min(end[i], i + 200)) if tag[j] in IMAGE_TAGS]
        if len(inside) != 1:
            continue
        beside = _beside(tree, i)
        if beside is None or beside in skip:
            continue
        source = find_source(tree, beside, attributes(tree.attrs[beside]))
        skip.add(inside[0] if source is not None and source.found_by != "data" else beside)
    return skip


def _beside(tree: Tree, i: int) -> int | None:
    """The single image in the element just before or after a `noscript`."""
    tag, parent, end = tree.tag, tree.parent, tree.end
    around = parent[i]
    before = i - 1  # the last node of what stands before: climb to the sibling
    while before > around and parent[before] != around:
        before = parent[before]
    after = end[i] if around >= 0 and end[i] < end[around] else around
    for element in (before, after):
        if element <= around or not tag[element] or tag[element] == "noscript":
            continue
        images = [k for k in range(element, min(end[element], element + 60)) if tag[k] in IMAGE_TAGS]
        if len(images) == 1:
            return images[0]
    return None
