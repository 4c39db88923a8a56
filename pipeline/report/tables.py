"""What several sections of the report stand on: documents and images of the dataset, as DataFrames of small columns."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.list_images import DOCUMENT_KEY

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from pipeline.run import Run


def kept_documents(run: Run) -> DataFrame:
    """Documents that go into the shards: id, page columns without text, and what `decisions` counted."""
    from pyspark.sql import functions as F

    decisions = run.table("decisions").where(F.col("drop_reason").isNull())
    unique = run.table("unique").where(F.col("drop_reason").isNull()).select(*DOCUMENT_KEY)
    pages = run.table("documents").select(
        "id", "language", "language_score", "site", "fetched_at", "crawl", "not_scored", "measures", *DOCUMENT_KEY
    )
    return (
        pages.join(unique, DOCUMENT_KEY, how="left_semi")
        .drop(*DOCUMENT_KEY)
        .join(
            decisions.select("id", "num_images", "num_texts", "num_words", "num_tokens"),
            "id",
            how="inner",
        )
    )


def kept_references(run: Run) -> DataFrame:
    """Images of the documents that go into the shards: id, node, url, sha256, clip_score, phash, nsfw_score."""
    from pyspark.sql import functions as F

    decisions = run.table("decisions").where(F.col("drop_reason").isNull()).select("id")
    matches = run.table("matches").where(F.col("drop_reason").isNull()).join(decisions, "id", how="left_semi")
    return matches.join(run.table("images").select("url", "phash", "nsfw_score"), "url", how="inner")
