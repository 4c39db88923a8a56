"""The rows that sliders judge: documents of step 01, image URLs of 04, their images in 05, documents at the end.

Each stage's rows have `place` (what they are sampled by), `kept` (as the run decided), `ok` (no rule without a slider
is against it) and a number for each measure.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from filters.text.rule_sets import document_rules
from pipeline.list_images import DOCUMENT_KEY
from schemas.measures import DOCUMENT_MEASURES
from schemas.reasons import DocumentReason, FileReason, ReferenceReason

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import Column, DataFrame

    from pipeline.recipe import Recipe
    from pipeline.report.sliders import Slider
    from pipeline.run import Run

MOVABLE = (
    FileReason.TOO_SMALL,
    FileReason.TOO_LARGE,
    FileReason.ASPECT,
    FileReason.SINGLE_COLOUR,
    FileReason.LOW_ENTROPY,
    FileReason.BLURRED,
    FileReason.NSFW,
)
"""Reasons of files that a slider can take back."""
FINAL = (
    *("crashed", "over_time", "over_memory", "opted_out", "blocked", "too_many_bytes", "too_many_elements", "too_deep"),
    *("extract_failed", "language", "contaminated", "forgotten"),
)
"""Reasons of documents that no slider can take back."""

Columns = dict[str, npt.NDArray[Any]]
Special = Callable[[Columns, npt.NDArray[np.int64], npt.NDArray[np.bool_], "list[Slider]"], Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Rows, and what of the judgement depends on more than one measure."""

    name: str
    unit: str
    rows: DataFrame
    special: Special


def stages(run: Run) -> list[Stage]:
    """In the order of the flow."""
    return [
        Stage(
            name="documents", unit="documents that step 01 keeps", rows=_documents(run), special=by_language(run.recipe)
        ),
        Stage(name="images", unit="image URLs that step 04 keeps", rows=_images(run), special=_nothing),
        Stage(
            name="references", unit="images in documents that step 05 keeps", rows=_references(run), special=_nothing
        ),
        Stage(name="decisions", unit="documents that go into the shards", rows=_decisions(run), special=_nothing),
    ]


def by_language(recipe: Recipe) -> Special:
    """Bounds that a language has of its own: the slider does not move them, so they only say whether a row is `ok`."""
    rules = recipe.text.resolve()
    base, scores = rules.document, dict(recipe.language.min_score_of)

    def special(columns: Columns, ranks: Any, ok: Any, own: list[Slider]) -> Any:
        ok, ranks = ok.copy(), ranks.copy()
        place = {slider.key: i for i, slider in enumerate(own)}
        top = [len(slider.positions) for slider in own]

        def settle(rows: Any, key: str, measure: str, bound: str, limit: float | None) -> None:
            values = columns[measure]
            if limit is not None:
                ok[rows & (values < limit if bound.startswith("min_") else values > limit)] = False
            if key in place:
                ranks[rows, place[key]] = top[place[key]]

        for language, score in scores.items():
            rows = columns["language"] == language
            settle(rows, "language.min_score", "language_score", "min_score", score)
        for language, bounds in rules.of_language.items():
            rows = columns["language"] == language
            for bound in bounds:
                name = "num_words" if bound[4:] == "words" else bound[4:]
                if name in columns:
                    limit = getattr(document_rules(rules, language), bound)
                    settle(rows, f"text.document.{bound}", name, bound, limit)
        if base.min_max_node_words is not None:
            short = columns["max_node_words"] < base.min_max_node_words
            enough = base.or_mean_node_words
            ok[short if enough is None else short & ~(columns["mean_node_words"] >= enough)] = False
        return ranks, ok

    return special


def documents(run: Run, number: int) -> list[dict[str, Any]]:
    """The sampled documents, in the order in which `what_if` samples the stage `documents`."""
    from pyspark.sql import functions as F

    place = F.concat_ws(" ", *DOCUMENT_KEY)
    pages = run.table("documents").select(
        *("id", "title", "site", "num_tokens", "drop_reason", *DOCUMENT_KEY),
        _is_judged().alias("has_measures"),
        place.alias("place"),
    )
    chosen = pages.orderBy(F.xxhash64("place"), "place").limit(number)
    unique = run.table("unique").select(*DOCUMENT_KEY, F.col("drop_reason").alias("duplicate_reason"))
    decided = run.table("decisions").select(
        "id",
        F.col("drop_reason").alias("decided"),
        F.col("drop_reason").isNull().alias("is_in_shards"),
        F.col("num_tokens").alias("tokens_left"),
    )
    joined = F.broadcast(chosen).join(unique, DOCUMENT_KEY, how="left").join(decided, "id", how="left")
    # What the dataset counts: without the paragraphs that repeat over a site.
    tokens = F.coalesce("tokens_left", "num_tokens")
    rows = joined.withColumn("num_tokens", tokens).orderBy(F.xxhash64("place"), "place").collect()
    return [row.asDict() for row in rows]


def references_of(run: Run, ids: list[str]) -> pa.Table:
    """Images of those documents that no rule without a slider drops: id and measures."""
    from pyspark.sql import functions as F

    names = run.spark.createDataFrame([(i,) for i in ids], schema="id STRING")
    reasons = [f"file:{reason}" for reason in MOVABLE] + [str(ReferenceReason.LOW_SCORE)]
    is_open = F.col("drop_reason").isNull() | F.col("drop_reason").isin(reasons)
    matches = (
        run.table("matches").where(is_open).select("id", "node", "url", F.array_max("similarity").alias("best_score"))
    )
    mine = matches.join(F.broadcast(names), "id", how="left_semi")
    files = _images(run).where("ok").drop("place", "kept", "ok")
    return mine.join(files, "url", how="inner").orderBy("id", "node").toArrow()


def _is_judged() -> Column:
    from pyspark.sql import functions as F

    return F.col("measures").isNotNull() & ~F.coalesce(F.col("drop_reason"), F.lit("")).isin(*FINAL)


def _documents(run: Run) -> DataFrame:
    from pyspark.sql import functions as F

    has_text = F.exists("nodes", lambda n: n["text"].isNotNull() & n["drop_reason"].isNull())
    measures = [F.col(f"measures.{field.name}").cast("double").alias(field.name) for field in DOCUMENT_MEASURES]
    return run.table("documents").select(
        F.concat_ws(" ", *DOCUMENT_KEY).alias("place"),
        F.col("drop_reason").isNull().alias("kept"),
        (_is_judged() & has_text).alias("ok"),
        "language",
        "language_score",
        *measures,
    )


def _images(run: Run) -> DataFrame:
    return image_rows(run.table("images"), run.recipe)


def image_rows(images: DataFrame, recipe: Recipe) -> DataFrame:
    """The rows of the stage `images`: entropy and sharpness bind no picture rich in text, so it has none."""
    from pyspark.sql import functions as F

    rules, nsfw = recipe.images, recipe.nsfw
    formats = ["jpeg" if name == "jpg" else name for name in rules.formats]
    ok = (
        (F.col("status") == "ok")
        & F.col("format").isin(formats)
        & (F.col("width").cast("long") * F.col("height") <= rules.max_pixels)
        & (F.lit(rules.keep_animated) | ~F.coalesce("animated", F.lit(False)))
        & (F.col("text_share") >= rules.min_text_share)
        & (F.lit(not nsfw.scores) | F.col("nsfw_score").isNotNull())
        & (F.col("drop_reason").isNull() | F.col("drop_reason").isin([f"file:{reason}" for reason in MOVABLE]))
    )
    sides = F.least("width", "height").cast("double"), F.greatest("width", "height").cast("double")
    plain = F.col("text_share") < rules.text_rich
    return images.select(
        *("url", F.col("url").alias("place"), F.col("drop_reason").isNull().alias("kept")),
        F.coalesce(ok, F.lit(False)).alias("ok"),
        *(sides[0].alias("short_side"), sides[1].alias("long_side"), (sides[1] / sides[0]).alias("aspect")),
        *("colour_spread", "nsfw_score"),
        *(F.when(plain, F.col(name)).alias(name) for name in ("entropy", "sharpness")),
    )


def _references(run: Run) -> DataFrame:
    from pyspark.sql import functions as F

    reason = F.col("drop_reason")
    return run.table("matches").select(
        F.concat_ws(" ", "id", "node").alias("place"),
        reason.isNull().alias("kept"),
        (reason.isNull() | (reason == str(ReferenceReason.LOW_SCORE))).alias("ok"),
        F.array_max("similarity").alias("best_score"),
    )


def _decisions(run: Run) -> DataFrame:
    from pyspark.sql import functions as F

    reason = F.col("drop_reason")
    counted = [str(DocumentReason.NO_IMAGES), str(DocumentReason.TOO_MANY_IMAGES)]
    return run.table("decisions").select(
        F.col("id").alias("place"),
        reason.isNull().alias("kept"),
        (reason.isNull() | reason.isin(counted)).alias("ok"),
        F.col("num_images").cast("double").alias("num_images"),
    )


def _nothing(_columns: Columns, ranks: Any, ok: Any, _own: list[Slider]) -> Any:
    return ranks, ok
