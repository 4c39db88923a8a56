import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.report.numbers import DASH, count, duration, measure, plain, share, short, size


@pytest.mark.parametrize(
    ("value", "said"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (1_234_567, "1.2 MB"), (5e12, "5.0 TB"), (7e15, "7.0 PB")],
)
def test_sizes_are_said_as_a_person_reads_them(value, said):
    assert size(value) == said


@pytest.mark.parametrize(
    ("value", "said"),
    [(0, "0"), (0.5, "0.5"), (2.576, "2.58"), (999, "999"), (1000, "1 k"), (999_600, "1 M"), (1.234e9, "1.23 B")],
)
def test_short_numbers_have_three_figures_and_a_unit(value, said):
    assert short(value) == said


@pytest.mark.parametrize(
    ("part", "whole", "said"),
    [(0, 5, "0.0 %"), (1, 8, "12.5 %"), (1, 100_000, "< 0.1 %"), (99_999, 100_000, "> 99.9 %"), (3, 3, "100.0 %")],
)
def test_a_share_is_never_rounded_to_nothing_or_to_all(part, whole, said):
    assert share(part, whole) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(1, "1.0 s"), (600, "10.0 min"), (7_200, "2.0 h"), (864_000, "10.0 days"), (1e9, "31.7 years")],
)
def test_durations(seconds, said):
    assert duration(seconds) == said


@pytest.mark.parametrize(
    ("value", "unit", "said"), [(1_250, "tokens", "1.25 k tokens"), (16_727, "B", "16.7 kB"), (0.25, "", "0.25")]
)
def test_a_measure_has_its_unit(value, unit, said):
    assert measure(value, unit) == said


@pytest.mark.parametrize(
    ("value", "unit", "said"),
    [
        (2_461.8, "", "2,462"),
        (3, "px", "3 px"),
        (0.9541, "", "0.954"),
        (16_727, "B", "16.7 kB"),
        (127.4, "s", "2.1 min"),
    ],
)
def test_a_plain_number_is_said_in_full(value, unit, said):
    assert plain(value, unit) == said


def test_what_is_not_known_is_a_dash():
    assert {measure(None), measure(None, "px"), plain(None, "B")} == {DASH}
    assert {count(None), short(None), share(None, 3), share(1, 0), size(None), duration(None)} == {DASH}


@given(st.floats(0.001, 1e14))
def test_a_short_number_is_right_to_half_a_percent(value):
    figures, _, unit = short(value).partition(" ")
    read = float(figures) * {"": 1, "k": 1e3, "M": 1e6, "B": 1e9, "T": 1e12}[unit]
    assert abs(read - value) <= 0.0051 * value + 0.0005
