"""Which tables hold data (rows and cells that belong together) and which only lay a page out, and how data is read."""

from __future__ import annotations

import re
from typing import Final

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


_SPANS: Final = 20
"""Columns that a cell spans, and columns in which cells reach into the rows below, at most: the gold has 12, and what
says `colspan=100` is a line over the whole table. It bounds the tabs of a hostile one."""
_SPAN: Final = re.compile(r' (col|row)span="\s*+(\d{1,5})')
"""HTML bounds `colspan` by 1,000 and `rowspan` by 65,534."""


def spans_of(raw: str) -> tuple[int, int]:
    """Columns and rows that the cell of a serialised tag spans; 0 rows are all that follow."""
    spans = {"col": 1, "row": 1} | {name: int(value) for name, value in _SPAN.findall(raw)}
    return min(max(1, spans["col"]), _SPANS), spans["row"] or _ALL_ROWS


_ALL_ROWS: Final = 65_534
"""What HTML bounds `rowspan` by."""


class Rows:
    """The text of a table as it is read: rows as lines, cells with tabs.

    A cell that spans others is said once and leaves the places of the others empty, so that each text stands in its
    column; empty cells at the end of a row go.
    """

    def __init__(self) -> None:
        """Without rows."""
        self._lines: list[str] = []
        self._cells: list[str] = []
        self._reaching: dict[int, int] = {}  # rows that a cell still reaches into, of each column
        self._begun: dict[int, int] = {}

    def cell(self, text: str, columns: int = 1, rows: int = 1) -> None:
        """Add a cell to the row."""
        cells = self._cells
        while len(cells) in self._reaching:
            cells.append("")
        if rows > 1:
            for column in range(len(cells), len(cells) + columns):
                if len(self._begun) + len(self._reaching) < _SPANS:
                    self._begun[column] = rows - 1
        cells.append(text)
        cells.extend([""] * (columns - 1))

    def row(self) -> None:
        """End a row; one without text is none."""
        line = "\t".join(self._cells).rstrip("\t")
        self._cells.clear()
        if line.strip():
            self._lines.append(line)
        if self._reaching or self._begun:
            self._reaching = {c: rows - 1 for c, rows in self._reaching.items() if rows > 1} | self._begun
            self._begun = {}

    def take(self) -> str:
        """The rows up to here, which are forgotten."""
        text = "\n".join(self._lines)
        self._lines.clear()
        self._reaching = {}
        return text
