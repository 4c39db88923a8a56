"""How deep a page nests and what it makes the parser repeat, by its tags alone."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.extract.budget import broken_budget
from filters.extract.document import Limits
from filters.extract.nesting import Nesting
from schemas.reasons import DocumentReason

LINES = "".join(f"<li><p>line {i}" for i in range(5_000))


def read(html: str, max_formatting: int | None = None) -> Nesting:
    nesting = Nesting(3_000, max_formatting)
    nesting.read(re.findall(rb"<(/?[a-zA-Z][a-zA-Z0-9]*)", html.encode()))
    return nesting


@pytest.mark.parametrize(
    "html",
    [
        f"<ul>{LINES}</ul>",
        LINES,
        "<dl>" + "<dt>a<dd><p>b" * 5_000,
        "<select>" + "<option>a" * 5_000 + "</select>",
        "<ruby>\u6f22<rt>kan</ruby>" * 5_000,
        "<ruby>" + "\u6f22<rp>(<rt>kan<rp>)" * 5_000,
        "<ul><li>a<li>b</ul>" * 5_000,
        "<table>" + "<tr><td><ul><li>a</ul><td><p>b" * 5_000,
        "<p>a<br><img src=a.jpg>" * 5_000,
        "<p>a</p></div></i>" * 5_000,
    ],
)
def test_lists_and_tables_without_end_tags_are_flat(html: str) -> None:
    assert read(html).depth < 10
    assert read(html).repeated == 0


@pytest.mark.parametrize(
    "piece",
    ["<rt>", "<rtc>", "<rp>", "<optgroup>", "<li><dd>", "<dd><li>", "<div></i>", "<div></p>", "<b><td>", "<DIV>"],
)
def test_what_closes_nothing_is_deep(piece: str) -> None:
    assert read(piece * 10_000).depth > 3_000


def test_formatting_left_open_is_repeated_in_each_block_and_not_in_the_next_cell() -> None:
    assert read("<p><b>x" * 100).repeated == 100 * 99 // 2
    assert read("<p><b>x" * 100, 3).repeated == 1 + 2 + 3 * 97
    assert read("<p><b>x</b>" * 100).repeated == 0
    assert read("<table>" + "<tr><td><p><b>x" * 100).repeated == 0


@given(st.lists(st.sampled_from(["p", "li", "dd", "rt", "ul", "table", "td", "b", "div", "br", "/b", "/ul"])))
def test_depth_is_at_most_the_start_tags_and_grows_with_each_that_nothing_closes(names: list[str]) -> None:
    html = "".join(f"<{name}>" for name in names)
    num_starts = sum(name[0] != "/" for name in names)
    assert read(html).depth <= num_starts
    assert read(html + "<div>" * 70).depth >= 70


def test_shapes_of_a_drawing_are_flat_and_a_slash_closes_nothing_elsewhere() -> None:
    shapes = '<path d="M0 0"/><circle r=1 />' * 10_000
    assert broken_budget(f"<p>a<svg><g>{shapes}</g></svg><p>b".encode(), Limits()) is None
    for before in ("<p>", "<svg></svg>", "<svg><p>", "<svg><foreignObject>"):
        assert broken_budget(f"{before}{shapes}".encode(), Limits()) == DocumentReason.TOO_DEEP
    assert broken_budget(b"<svg>" + b"<div/>" * 10_000, Limits()) == DocumentReason.TOO_DEEP
    assert broken_budget(b"<svg>" + b"<path>" * 10_000 + b"<a/>", Limits()) == DocumentReason.TOO_DEEP
