"""Which tables hold data, and how it is read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.extract import extract
from filters.extract.tables import Rows, data_tables, spans_of
from filters.extract.tree import build


def text_of(table: str) -> str | None:
    page = f"<article><p>{'A text before the table, of some length. ' * 4}</p>{table}</article>"
    return next(node.text for node in extract(page.encode(), "https://h.example/").nodes if node.role == "table")


def test_a_cell_that_spans_others_is_said_once_and_the_others_keep_their_columns() -> None:
    table = (
        "<table><tr><th rowspan=2>Name</th><th colspan=2>Points</th><th>All</th></tr><tr><th>May</th><th>June</th></tr>"
        "<tr><td>Ann</td><td rowspan='2'>3</td><td>4</td><td>7</td></tr>"
        "<tr><td>Bo</td><td>5</td><td>8</td></tr></table>"
    )
    assert text_of(table) == "Name\tPoints\t\tAll\n\tMay\tJune\nAnn\t3\t4\t7\nBo\t\t5\t8"


def test_a_row_of_one_cell_over_all_columns_has_no_tabs() -> None:
    rows = "<tr><th>a</th><th>b</th></tr><tr><td colspan=100>All of it</td></tr><tr><td>1</td><td>2</td></tr>"
    assert text_of(f"<table>{rows}</table>") == "a\tb\nAll of it\n1\t2"


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("td", (1, 1)),
        ('td colspan="3" rowspan="2"', (3, 2)),
        ('td colspan="0" rowspan="0"', (1, 65_534)),
        ('td colspan="20"', (20, 1)),
        ('td colspan="21"', (20, 1)),
        ('td colspan="x" rowspan="-2"', (1, 1)),
    ],
)
def test_spans_are_read_and_bounded(raw: str, expected: tuple[int, int]) -> None:
    assert spans_of(raw) == expected


@given(st.lists(st.lists(st.tuples(st.integers(1, 4), st.integers(1, 4)), min_size=1, max_size=5), max_size=6))
def test_no_text_is_lost_or_said_twice_and_none_stands_in_the_place_of_another(
    table: list[list[tuple[int, int]]],
) -> None:
    rows, taken, names = Rows(), {}, []
    for y, cells in enumerate(table):
        x = 0
        for columns, height in cells:
            while taken.get((x, y)):
                x += 1
            name = f"{x}.{y}"
            names.append(name)
            rows.cell(name, columns, height)
            taken.update({(x + i, y + j): True for i in range(columns) for j in range(height)})
            x += columns
        rows.row()
    lines = [line.split("\t") for line in rows.take().split("\n")] if table else []
    assert [cell for line in lines for cell in line if cell] == names
    if sum(columns for cells in table for columns, height in cells if height > 1) < 20:
        assert all(cell in ("", f"{x}.{y}") for y, line in enumerate(lines) for x, cell in enumerate(line))


@pytest.mark.parametrize(
    ("table", "data"),
    [
        ("<table><tr><td>a</td></tr></table>", False),
        ("<table><tr><th>a</th></tr></table>", True),
        ("<table><tr><td>a</td><td>b</td></tr></table>", False),
        ("<table>" + "<tr><td>a</td><td>b</td></tr>" * 6 + "</table>", True),
        ("<table>" + "<tr><td>a</td><td>b</td></tr>" * 5 + "</table>", False),
        ("<table>" + "<tr><td>a</td></tr>" * 20 + "</table>", False),
        ('<table role="presentation"><tr><th>a</th></tr></table>', False),
    ],
)
def test_tables_of_data_are_told_from_layout(table: str, data: bool) -> None:
    assert bool(data_tables(build(table))) == data
