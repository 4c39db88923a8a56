from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.report.charts import bar, curves, element, heat_map, histogram, ticks

FACTS = {
    **{"label": "Images", "unit": "", "log": False, "whole": True, "edges": [0, 1, 2, 3], "dropped": None},
    **{"number": 6, "mean": 1.2, "median": 1, "counts": [1, 4, 1]},
}


def parsed(markup):
    return ElementTree.fromstring(str(markup))


def columns(markup, kind="kept"):
    return [float(rect.get("height")) for rect in parsed(markup).iter("rect") if rect.get("class") == kind]


def test_what_is_given_is_escaped():
    made = element("text", "</text><script>", title='"><img>')
    assert parsed(made).text == "</text><script>"
    assert parsed(made).get("title") == '"><img>'


def test_columns_are_as_high_as_their_counts_and_marks_stand_at_median_and_mean():
    svg = histogram(FACTS, bounds=[2], things="documents")
    first, second, third = columns(svg)
    assert second == pytest.approx(4 * first, abs=0.5)
    assert third == first
    assert {line.get("class") for line in parsed(svg).iter("line")} >= {"mark median", "mark mean", "mark bound"}
    assert "6 documents, median 1" in parsed(svg).get("aria-label")


def test_dropped_stands_on_kept():
    svg = histogram(FACTS | {"dropped": [0, 4, 0]})
    assert columns(svg, "dropped")[0] == pytest.approx(columns(svg)[1], abs=0.2)


@given(st.lists(st.integers(0, 10**12), min_size=1, max_size=12), st.booleans())
def test_any_counts_make_a_picture_inside_its_frame(counts, log):
    edges = [2.0**i for i in range(len(counts) + 1)]
    facts = FACTS | {"counts": counts, "edges": edges, "log": log, "whole": False, "median": 3.0, "mean": 1e9}
    for rect in parsed(histogram(facts)).iter("rect"):
        assert float(rect.get("y")) >= 0
        assert float(rect.get("y")) + float(rect.get("height")) <= 204


def test_a_heat_map_has_a_cell_for_each_count_and_says_it():
    svg = heat_map({"x_edges": [0, 1, 2], "y_edges": [8, 16, 32], "cells": [[0, 0, 1], [1, 1, 50]]})
    assert [title.text for title in parsed(svg).iter("title")][1:] == [
        "0 images, 8 to 16 tokens: 1",
        "1+ images, 16 to 32 tokens: 50",
    ]
    assert parsed(heat_map({"x_edges": [0, 1], "y_edges": [1, 2], "cells": []})) is not None


def test_curves_and_bars_bear_nothing():
    assert len(list(parsed(curves({"a": [[1, 1.0], [2, 0.5]], "b": []}, "t")).iter("path"))) == 2
    assert columns(bar(0, 0)) == [10]
    assert parsed(bar(1, 4)).findall("rect")[1].get("width") == "25.00"
    assert parsed(bar(1, 10**9)).findall("rect")[1].get("width") == "0.60"


@pytest.mark.parametrize(
    ("low", "high", "log", "wanted"),
    [
        (0, 1, False, [0, 0.2, 0.4, 0.6, 0.8, 1]),
        (-0.2, 0.6, False, [-0.2, 0, 0.2, 0.4, 0.6]),
        (0, 30, False, [0, 10, 20, 30]),
        (8, 131_072, True, [10, 100, 1_000, 10_000, 100_000]),
        (0.125, 8, True, [0.2, 0.5, 1, 2, 5]),
        (3, 3, False, [3]),
    ],
)
def test_an_axis_names_round_numbers(low, high, log, wanted):
    assert ticks(low, high, log=log) == pytest.approx(wanted)


@given(st.floats(1e-6, 1e12), st.floats(1.01, 1e9), st.booleans())
def test_ticks_ascend_inside_the_axis_and_are_few(low, times, log):
    found = ticks(low, low * times, log=log)
    assert 1 <= len(found) <= 12
    assert found == sorted(found)
    assert all(low * (1 - 1e-6) <= tick <= low * times * (1 + 1e-6) for tick in found)
