"""Histograms, means and percentiles of many columns of a table in two passes, by DataFrame aggregations."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

PERCENTILES = (0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99)
ACCURACY = 10_000
"""Of Spark's percentile_approx: the rank is right to one part in so many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """The bins of a histogram: equal steps, or equal ratios; what lies outside counts in the first or last bin."""

    name: str
    label: str
    unit: str = ""
    low: float
    high: float
    bins: int
    log: bool = False
    whole: bool = False
    """Whole numbers, a bin each."""

    def edges(self) -> list[float]:
        """bins + 1 ascending values."""
        if self.log:
            return [self.low * (self.high / self.low) ** (i / self.bins) for i in range(self.bins + 1)]
        return [self.low + (self.high - self.low) * i / self.bins for i in range(self.bins + 1)]

    def bin(self, value: Column) -> Column:
        """The number of the bin from 0; null where the value is null or not a number."""
        from pyspark.sql import functions as F

        number = F.nanvl(value.cast("double"), F.lit(None).cast("double"))
        if self.log:
            ratio = math.log(self.high / self.low) / self.bins
            place = F.log(F.greatest(number, F.lit(self.low)) / self.low) / ratio
        else:
            place = (number - self.low) / ((self.high - self.low) / self.bins)
        inside = F.greatest(F.lit(0.0), F.least(F.lit(self.bins - 1.0), F.floor(place + 1e-9).cast("double")))
        return F.when(number.isNull(), None).otherwise(inside).cast("int")


def histograms(rows: DataFrame, scales: Iterable[Scale], *, group: Column | None = None) -> dict[str, dict[str, Any]]:
    """By name of the scale: edges, counts (by group where one is given), number, mean, median and percentiles.

    Args:
        rows: has a column of each scale's name; null counts nowhere.
        group: a boolean: kept or not; counts then stand apart.
    """
    from pyspark.sql import functions as F

    wanted = list(scales)
    kept = F.lit(True) if group is None else F.coalesce(group, F.lit(False))
    bins = [
        F.struct(F.lit(i).alias("scale"), scale.bin(F.col(scale.name)).alias("bin")) for i, scale in enumerate(wanted)
    ]
    exploded = rows.select(kept.alias("kept"), F.explode(F.array(*bins)).alias("b")).where("b.bin is not null")
    counted = exploded.groupBy("kept", "b.scale", "b.bin").count().collect()
    facts = summary(rows if group is None else rows.where(kept), [scale.name for scale in wanted])
    found = {}
    for number, scale in enumerate(wanted):
        counts = {True: [0] * scale.bins, False: [0] * scale.bins}
        for row in counted:
            if row["scale"] == number:
                counts[row["kept"]][row["bin"]] = int(row["count"])
        found[scale.name] = {
            "label": scale.label,
            "unit": scale.unit,
            "log": scale.log,
            "whole": scale.whole,
            "edges": [round(edge, 6) for edge in scale.edges()],
            "counts": counts[True],
            "dropped": counts[False] if group is not None else None,
            **facts[scale.name],
        }
    return found


def summary(rows: DataFrame, names: list[str]) -> dict[str, dict[str, Any]]:
    """By column: number of values, mean, median, percentiles, least and greatest; null values count nowhere."""
    from pyspark.sql import functions as F

    if not names:
        return {}
    parts = []
    for i, name in enumerate(names):
        value = F.col(name).cast("double")
        percentiles = F.percentile_approx(value, list(PERCENTILES), ACCURACY)
        parts.append(
            F.struct(
                F.count(value).alias("n"),
                F.avg(value).alias("mean"),
                F.min(value).alias("min"),
                F.max(value).alias("max"),
                percentiles.alias("percentiles"),
            ).alias(f"c{i}")
        )
    row = rows.agg(*parts).first()
    assert row is not None
    found = {}
    for i, name in enumerate(names):
        facts = row[f"c{i}"]
        ranks = dict(zip(PERCENTILES, facts["percentiles"] or [None] * len(PERCENTILES), strict=True))
        found[name] = {
            "number": int(facts["n"]),
            "mean": facts["mean"],
            "median": ranks[0.5],
            "min": facts["min"],
            "max": facts["max"],
            "percentiles": {f"{100 * share:g}": value for share, value in ranks.items()},
        }
    return found


def counts(rows: DataFrame, column: str, limit: int = 0) -> dict[str, int]:
    """Rows by value of a column, most frequent first; null is the word `none`."""
    from pyspark.sql import functions as F

    ordered = rows.groupBy(column).count().orderBy(F.desc("count"), F.asc_nulls_last(column))
    found = (ordered.limit(limit) if limit else ordered).collect()
    return {"none" if row[0] is None else str(row[0]): int(row["count"]) for row in found}
