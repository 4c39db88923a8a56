import math
import random

import pytest

from pipeline.report.tally import Scale, counts, histograms

WHOLE = Scale(name="n", label="N", low=0, high=4, bins=4, whole=True)
LOG = Scale(name="x", label="X", low=1, high=1_024, bins=10, log=True)


def test_edges_are_equal_steps_or_equal_ratios():
    assert WHOLE.edges() == [0, 1, 2, 3, 4]
    assert LOG.edges() == pytest.approx([2.0**i for i in range(11)])


def test_histograms_are_those_of_numpy_and_count_what_lies_outside_in_the_last_bins(spark):
    dice = random.Random(1)
    rows = [(dice.choice([0, 1, 1, 3, 9, None]), dice.uniform(0.5, 2_000), dice.random() < 0.7) for _ in range(500)]
    rows += [(1, math.nan, True), (1, 2.0, None)]
    table = spark.createDataFrame(rows, "n INT, x DOUBLE, kept BOOLEAN")
    found = histograms(table, (WHOLE, LOG), group=table.kept)
    for kept in (True, False):
        mine = [min(n, 3) for n, _, k in rows if n is not None and bool(k) == kept]
        assert found["n"]["counts" if kept else "dropped"] == [mine.count(i) for i in range(4)]
        logs = [min(9, max(0, math.floor(math.log2(x)))) for _, x, k in rows if not math.isnan(x) and bool(k) == kept]
        assert found["x"]["counts" if kept else "dropped"] == [logs.count(i) for i in range(10)]
    kept_n = sorted(n for n, _, k in rows if n is not None and k)
    assert found["n"]["number"] == len(kept_n)
    assert found["n"]["mean"] == pytest.approx(sum(kept_n) / len(kept_n))
    assert found["n"]["median"] in kept_n[len(kept_n) // 2 - 1 : len(kept_n) // 2 + 1]
    assert found["n"]["max"] == 9
    assert counts(table, "n", 2) == {"1": kept_counts(rows, 1), str(second(rows)): kept_counts(rows, second(rows))}


def test_a_table_without_rows_has_no_median(spark):
    found = histograms(spark.createDataFrame([], "n INT"), (WHOLE,))["n"]
    assert (found["counts"], found["number"], found["median"], found["mean"]) == ([0, 0, 0, 0], 0, None, None)


def kept_counts(rows, value):
    return sum(row[0] == value for row in rows)


def second(rows):
    values = {row[0] for row in rows} - {1, None}
    return max(values, key=lambda value: kept_counts(rows, value))
