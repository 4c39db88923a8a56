"""What several sections stand on: documents and images of the dataset, small columns only, joined once a report."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.list_images import DOCUMENT_KEY

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from pipeline.run import Run


@dataclass(frozen=True, slots=True)
class Kept:
    """What goes into the shards."""

    documents: DataFrame
    """id, language, language_score, site, fetched_at, crawl, not_scored, perplexity, quality, and what was counted."""
    references: DataFrame
    """Images of those documents: id, node, url, sha256, clip_score, phash, nsfw_score."""


@contextmanager
def held(run: Run) -> Iterator[Kept]:
    """The tables, joined once: a dozen aggregations read them."""
    kept = Kept(_documents(run).persist(), _references(run).persist())
    try:
        yield kept
    finally:
        kept.documents.unpersist()
        kept.references.unpersist()


def _documents(run: Run) -> DataFrame:
    from pyspark.sql import functions as F

    decisions = run.table("decisions").where(F.col("drop_reason").isNull())
    unique = run.table("unique").where(F.col("drop_reason").isNull()).select(*DOCUMENT_KEY)
    pages = run.table("documents").select(
        *("id", "language", "language_score", "site", "fetched_at", "crawl", "not_scored", *DOCUMENT_KEY),
        F.col("measures.perplexity").alias("perplexity"),
        F.col("measures.quality").alias("quality"),
    )
    mine = pages.join(unique, DOCUMENT_KEY, how="left_semi").drop(*DOCUMENT_KEY)
    return mine.join(decisions.select("id", "num_images", "num_texts", "num_words", "num_tokens"), "id", how="inner")


def _references(run: Run) -> DataFrame:
    from pyspark.sql import functions as F

    decisions = run.table("decisions").where(F.col("drop_reason").isNull()).select("id")
    matches = run.table("matches").where(F.col("drop_reason").isNull()).join(decisions, "id", how="left_semi")
    looks = run.table("images").select("url", "phash", "nsfw_score")
    return matches.select("id", "node", "url", "sha256", "clip_score").join(looks, "url", how="inner")
