"""Step 02: each document once. Same record, same URL, same text, near-duplicate text, paragraphs of a whole site.

All of it is plain DataFrame operations that spill; text is never read, only the keys, hashes and signatures of 01, and
of earlier runs where the recipe names some. What an earlier run put out comes first; then the latest capture wins, or
the best one of near-duplicates where the recipe says so; ties go to the smaller id, so the outcome depends on nothing
but the documents. Images are compared once they are there: `pipeline.dedup_with_images`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from filters.minhash import Config as MinHashConfig
from pipeline import earlier_runs
from pipeline.near_duplicates import best_of_groups
from pipeline.repeated_paragraphs import judged_again, repeated_nodes
from schemas.document import UNIQUE
from schemas.errors import ConfigError
from schemas.reasons import DocumentReason

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

    from pipeline.run import Run

KEYS = ("id", "warc_filename", "warc_record_offset", "url_key", "site", "text_hash", "signature", "shingles")


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Recipe section [dedup]; what a near-duplicate is stands in [minhash]."""

    near_duplicates: bool = True
    keep: Literal["latest", "best"] = "latest"
    """Which of a group of near-duplicates: the latest capture, or the one with most words after its nodes were judged
    (a page cut by a pay wall, a print view without its captions); the latest of those."""
    max_paragraph_repeats: int = 2
    """A paragraph that stands more often on one site is removed from all of its pages; 0 = off (OBELICS 09: 2)."""
    max_lost_words: float = 0.5
    """A document keeps its repeated paragraphs where more of its words would go; 1 = only where all would."""
    against: tuple[str, ...] = field(default=(), metadata={"operational": True})  # what they hold counts
    """Output folders of earlier runs: what they put out is not put out again."""

    def __post_init__(self) -> None:
        if self.max_paragraph_repeats < 0:
            raise ConfigError(f"dedup.max_paragraph_repeats={self.max_paragraph_repeats} must not be negative")
        if not 0 <= self.max_lost_words <= 1:
            raise ConfigError(f"dedup.max_lost_words={self.max_lost_words}, want 0 to 1")


def make(run: Run) -> None:
    """Decide on each document that 01 kept."""
    from pyspark.sql import functions as F

    config = run.recipe.dedup
    documents = run.table("documents").where(F.col("drop_reason").isNull())
    keyed = documents.select(*KEYS, "fetched_at", "num_words").withColumn("is_earlier", F.lit(False))
    earlier = earlier_runs.documents(run)
    if earlier is not None:
        keyed = keyed.unionByName(earlier.select(*KEYS).withColumn("is_earlier", F.lit(True)), allowMissingColumns=True)
    decided = mark_exact(keyed)
    if config.near_duplicates:
        decided = mark_near(decided, run.recipe.minhash, config.keep)
    decided = decided.where(~F.col("is_earlier"))
    key = ["warc_filename", "warc_record_offset"]
    repeats = repeated_nodes(documents, decided, config.max_paragraph_repeats, config.max_lost_words)
    again = judged_again(documents, repeats, run.recipe.text)
    joined = decided.join(repeats, key, how="left").join(again, key, how="left")
    run.write(
        "02_unique",
        UNIQUE,
        joined.withColumns(
            {
                "dropped_nodes": F.coalesce("dropped_nodes", F.array().cast("array<int>")),
                "spared_nodes": F.coalesce("spared_nodes", F.lit(0)),
                "drop_reason": F.coalesce("drop_reason", "again"),
            }
        ),
    )


def mark_exact(documents: DataFrame) -> DataFrame:
    """Documents with `duplicate_of` and `drop_reason` for the same record, URL or text."""
    from pyspark.sql import functions as F

    record_order = [F.desc("is_earlier"), F.asc("warc_filename"), F.asc("warc_record_offset")]
    latest = [F.desc("is_earlier"), F.desc("fetched_at"), F.asc("id")]
    decided = documents.withColumns(
        {"drop_reason": F.lit(None).cast("string"), "duplicate_of": F.lit(None).cast("string")}
    )
    decided = _mark_same(decided, F.col("id"), record_order, DocumentReason.SAME_RECORD)
    decided = _mark_same(decided, F.col("url_key"), latest, DocumentReason.SAME_URL)
    return _mark_same(decided, F.col("text_hash"), latest, DocumentReason.SAME_TEXT)


def mark_near(decided: DataFrame, config: MinHashConfig, keep: Literal["latest", "best"] = "latest") -> DataFrame:
    """Documents with `duplicate_of` and `drop_reason` for near-duplicate text as well; one of each group is kept."""
    from pyspark.sql import functions as F

    alive = decided.where(F.col("drop_reason").isNull() & F.col("signature").isNotNull())
    longest = [F.desc("num_words")] if keep == "best" else []
    order = [F.desc("is_earlier"), *longest, F.desc("fetched_at"), F.asc("id")]
    columns = ["id", "signature", "shingles", "is_earlier", "num_words", "fetched_at"]
    best = best_of_groups(alive.select(*columns), config, order)
    return mark_best(decided, best, DocumentReason.NEAR_DUPLICATE)


def mark_best(decided: DataFrame, best: DataFrame, reason: DocumentReason) -> DataFrame:
    """The documents of `best` (id, best) that are still kept get `reason`.

    An id may stand twice in `decided`, once as `same_record`: that row keeps its reason.
    """
    from pyspark.sql import functions as F

    is_worse = F.col("best").isNotNull() & F.col("drop_reason").isNull()
    return (
        decided.join(best, "id", how="left")
        .withColumns(
            {
                "duplicate_of": F.when(is_worse, F.col("best")).otherwise(F.col("duplicate_of")),
                "drop_reason": F.when(is_worse, F.lit(str(reason))).otherwise(F.col("drop_reason")),
            }
        )
        .drop("best")
    )


def _mark_same(decided: DataFrame, by: Column, order: list[Column], reason: DocumentReason) -> DataFrame:
    """Among the documents still kept, all but the first of each value of `by` get `reason`."""
    from pyspark.sql import functions as F
    from pyspark.sql.window import Window

    alive = F.col("drop_reason").isNull()
    groups = Window.partitionBy(alive, by).orderBy(*order)
    ranked = decided.withColumns({"rank": F.row_number().over(groups), "best": F.first("id").over(groups)})
    is_same = alive & (F.col("rank") > 1)
    return ranked.withColumns(
        {
            "duplicate_of": F.when(is_same, F.col("best")).otherwise(F.col("duplicate_of")),
            "drop_reason": F.when(is_same, F.lit(str(reason))).otherwise(F.col("drop_reason")),
        }
    ).drop("rank", "best")
