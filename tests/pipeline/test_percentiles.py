"""Percentiles of scores."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from pipeline.percentiles import make, percentiles
from schemas.image import MATCHES


def test_each_percent_has_the_least_score_that_covers_it():
    found = percentiles({0.1: 50, 0.2: 49, 0.9: 1})
    assert [found[p] for p in (0, 1, 50, 51, 99, 100)] == [0.1, 0.1, 0.1, 0.2, 0.2, 0.9]
    assert percentiles({0.5: 1}) == [0.5] * 101
    assert percentiles({}) == []


@given(st.lists(st.integers(-10_000, 10_000), min_size=1, max_size=300))
def test_percentiles_are_scores_that_rise_and_cover_their_part(whole):
    scores = [n / 10_000 for n in whole]
    found = percentiles(Counter(scores))
    assert found == sorted(found)
    assert set(found) <= set(scores)
    for percent, score in enumerate(found):
        assert sum(s <= score for s in scores) * 100 >= percent * len(scores)


def test_scored_images_are_counted_and_no_others(spark, run_of, fill, row_of):
    run = run_of("clip.model=demo", spark=spark)
    rows = [
        row_of(MATCHES, id="d", node=1, similarity=[0.1, 0.3], clip_score=0.1),
        row_of(MATCHES, id="d", node=2, similarity=[0.2, 0.2], clip_score=0.2),
        row_of(MATCHES, id="d", node=3, drop_reason="fetch:timeout"),
    ]
    fill(run, "05_matches/matches", (MATCHES, rows))
    make(run)
    found = {
        row["percent"]: (row["model"], row["clip_score"], row["best_score"])
        for row in run.table("percentiles").collect()
    }
    assert len(found) == 101
    assert (found[50], found[51], found[100]) == (("demo", 0.1, 0.2), ("demo", 0.2, 0.3), ("demo", 0.2, 0.3))
