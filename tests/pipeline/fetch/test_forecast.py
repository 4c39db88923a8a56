from hypothesis import given
from hypothesis import strategies as st

from pipeline.fetch import Config, HostLimit
from pipeline.fetch.forecast import Forecast, forecast, sentence

CONFIG = Config(host=HostLimit(concurrency=4, rate=10.0), limits={"cdn.example": HostLimit(concurrency=50, rate=0.0)})


def test_a_group_takes_what_its_rate_or_its_places_allow():
    got = forecast({"a.example": 1_000, "cdn.example": 1_000, "b.example": 10}, CONFIG)
    assert got == [
        Forecast(125.0, "a.example", 1_000),  # 0.5 s each in 4 places; the rate alone would take 100 s
        Forecast(10.0, "cdn.example", 1_000),
        Forecast(1.25, "b.example", 10),
    ]


def test_only_the_slowest_are_named():
    assert [f.group for f in forecast({"a": 1, "b": 3, "c": 2}, CONFIG, most=2)] == ["b", "c"]


def test_it_is_said_in_words():
    slowest = [Forecast(10_000.0, "a.example", 100_000), Forecast(100.0, "b.example", 9), Forecast(5.0, "c.example", 2)]
    assert sentence(slowest) == (
        "slowest hosts at their limits: a.example 2.8 h (100,000 URLs), b.example 1.7 min (9 URLs), "
        "c.example 5 s (2 URLs)"
    )
    assert sentence([]) == "nothing to ask"


@given(st.dictionaries(st.text(max_size=5), st.integers(0, 10**9), max_size=20))
def test_more_urls_never_take_less(groups):
    before = {f.group: f.seconds for f in forecast(groups, CONFIG, most=99)}
    after = {f.group: f.seconds for f in forecast({g: n + 1 for g, n in groups.items()}, CONFIG, most=99)}
    assert all(after[g] > before[g] for g in groups)
