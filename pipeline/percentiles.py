"""Step 05, percentiles: where a CLIP score stands among those of its run, because cosines of two models do not compare.

Scores have 4 decimals, so there are some ten thousand different ones at most: they are counted, and percentiles are
exact whatever the size of the run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from schemas.image import PERCENTILES

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

    from pipeline.run import Run


def make(run: Run) -> None:
    """Write the percentiles of both scores; no row where nothing was scored."""
    from pyspark.sql import functions as F

    clip = run.recipe.clip
    matches = run.table("matches").where(F.col("clip_score").isNotNull())
    assigned, best = _counted(matches, F.col("clip_score")), _counted(matches, F.array_max("similarity"))
    name = f"{clip.model} {clip.pretrained}".strip()
    rows = [
        {"model": name, "percent": percent, "clip_score": score, "best_score": other}
        for percent, (score, other) in enumerate(zip(percentiles(assigned), percentiles(best), strict=True))
    ]
    run.write("05_matches/percentiles", PERCENTILES, run.spark.createDataFrame(rows, PERCENTILES.ddl()))


def percentiles(counts: dict[float, int]) -> list[float]:
    """For 0 to 100 percent the least score that this part of all has or is below; [] of nothing.

    Args:
        counts: how often each score occurs.
    """
    if not counts:
        return []
    scores = sorted(counts)
    reached = np.cumsum([counts[score] for score in scores])
    wanted = np.maximum(1, np.ceil(np.arange(101) * reached[-1] / 100))
    return [scores[place] for place in np.searchsorted(reached, wanted)]


def _counted(matches: DataFrame, score: Column) -> dict[float, int]:
    rows = matches.groupBy(score.alias("score")).count().collect()
    return {row["score"]: row["count"] for row in rows if row["score"] is not None}
