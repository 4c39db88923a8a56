"""Which tables hold data (rows and cells that belong together) and which only lay a page out."""

from __future__ import annotations

from filters.extract.tree import Tree

_LOOK = 5_000
"""Nodes of a table that are looked at; the bound keeps nested tables linear."""
_HEADERS = frozenset(["col", "colgroup", "tfoot", "thead", "th"])


def data_tables(tree: Tree) -> set[int]:
    """Indices of the tables of data: a caption, header cells or a summary say so; else no table inside and at
    least 10 rows, 5 columns or 11 cells; one row or one column never is."""
    return {i for i in tree.at.get("table", ()) if _is_data(tree, i)}


def _is_data(tree: Tree, i: int) -> bool:
    raw = tree.attrs[i]
    if ' role="presentation"' in raw or ' role="none"' in raw or ' datatable="0"' in raw:
        return False
    tag, end = tree.tag, tree.end
    rows = columns = widest = 0
    nested = False
    for j in range(i + 1, min(end[i], i + _LOOK)):
        name = tag[j]
        if name == "caption" and end[j] > j + 1:
            return True
        if name in _HEADERS:
            return True
        if name == "table":
            nested = True
        elif name == "tr":
            rows += 1
            widest = max(widest, columns)
            columns = 0
        elif name == "td":
            columns += 1
    widest = max(widest, columns)
    if ' summary="' in raw and ' summary=""' not in raw:
        return True
    if nested or rows <= 1 or widest <= 1:
        return False
    return rows >= 10 or widest > 4 or rows * widest > 10
