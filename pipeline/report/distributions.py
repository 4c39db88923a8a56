"""Distributions of the dataset's documents and images, and of what the web answered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline.report.tally import Scale, counts, histograms

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from pipeline.report.tables import Kept
    from pipeline.run import Run

IMAGES = Scale(name="num_images", label="Images a document", low=0, high=31, bins=31, whole=True)
TOKENS = Scale(name="num_tokens", label="Tokens a document", unit="tokens", low=8, high=131_072, bins=28, log=True)
DOCUMENT = (
    IMAGES,
    TOKENS,
    Scale(name="tokens_an_image", label="Tokens an image", unit="tokens", low=4, high=65_536, bins=28, log=True),
    Scale(name="num_words", label="Words a document", unit="words", low=8, high=131_072, bins=28, log=True),
    Scale(name="language_score", label="Language score", low=0, high=1, bins=25),
    Scale(name="perplexity", label="Perplexity", low=1, high=100_000, bins=30, log=True),
    Scale(name="quality", label="Quality score", low=0, high=1, bins=25),
)
FILE = (
    Scale(name="short_side", label="Shorter side", unit="px", low=8, high=8_192, bins=30, log=True),
    Scale(name="aspect", label="Width / height", low=0.125, high=8, bins=30, log=True),
    Scale(name="store_length", label="Size of the file", unit="B", low=256, high=16_777_216, bins=32, log=True),
    Scale(name="sharpness", label="Sharpness (variance of the Laplacian)", low=1, high=32_768, bins=30, log=True),
    Scale(name="entropy", label="Entropy", unit="bits", low=0, high=8, bins=32),
    Scale(name="nsfw_score", label="NSFW score", low=0, high=1, bins=25),
    Scale(name="num_faces", label="Faces an image", low=0, high=10, bins=10, whole=True),
)
CLIP = (Scale(name="clip_score", label="CLIP score with the matched text", low=-0.2, high=0.6, bins=32),)
TOP = 50
"""Languages and hosts that are listed by name."""
TOPS = (1, 10, 100, 1_000)


def distributions(run: Run, kept: Kept) -> dict[str, Any]:
    """Histograms with means and medians, the heat map of images by tokens, hosts, languages, dates, answers."""
    from pyspark.sql import functions as F

    pages = kept.documents
    documents = pages.select(
        "num_images",
        "num_tokens",
        "num_words",
        "language_score",
        (F.col("num_tokens") / F.when(F.col("num_images") > 0, F.col("num_images"))).alias("tokens_an_image"),
        "perplexity",
        "quality",
    )
    files = run.table("images").select(
        F.least("width", "height").alias("short_side"),
        (F.col("width") / F.col("height")).alias("aspect"),
        *("store_length", "sharpness", "entropy", "nsfw_score", "num_faces", "drop_reason", "format"),
    )
    measured = files.where(F.col("short_side").isNotNull())
    return {
        "documents": histograms(documents, DOCUMENT),
        "images": histograms(measured, FILE, group=F.col("drop_reason").isNull()),
        "clip": histograms(kept.references, CLIP) if run.recipe.clip.scores else {},
        "heat": heat(documents),
        "formats": counts(measured.where("drop_reason is null"), "format"),
        "languages": languages(pages),
        "hosts": concentration(pages),
        "crawls": counts(pages, "crawl", TOP),
        "months": dict(sorted(counts(pages.select(F.date_format("fetched_at", "yyyy-MM").alias("m")), "m").items())),
        "answers": answers(run),
    }


def heat(documents: DataFrame) -> dict[str, Any]:
    """Documents by bin of images (columns) and bin of tokens (rows): OBELICS's figure 2."""
    from pyspark.sql import functions as F

    x, y = IMAGES.bin(F.col("num_images")), TOKENS.bin(F.col("num_tokens"))
    cells = documents.select(x.alias("x"), y.alias("y")).where("x is not null and y is not null")
    return {
        "x_edges": IMAGES.edges(),
        "y_edges": [round(edge, 3) for edge in TOKENS.edges()],
        "cells": sorted([row["x"], row["y"], int(row["count"])] for row in cells.groupBy("x", "y").count().collect()),
    }


def languages(kept: DataFrame) -> list[dict[str, Any]]:
    """Documents, images and tokens of the most frequent languages."""
    from pyspark.sql import functions as F

    grouped = kept.groupBy("language").agg(
        F.count("*").alias("documents"), F.sum("num_images").alias("images"), F.sum("num_tokens").alias("tokens")
    )
    return [row.asDict() for row in grouped.orderBy(F.desc("documents"), "language").limit(TOP).collect()]


def concentration(kept: DataFrame) -> dict[str, Any]:
    """The largest hosts (registrable domains), and the share of documents that the largest n have together."""
    from pyspark.sql import functions as F

    hosts = kept.groupBy("site").agg(F.count("*").alias("documents"), F.sum("num_images").alias("images"))
    top = [row.asDict() for row in hosts.orderBy(F.desc("documents"), "site").limit(TOP).collect()]
    # How many hosts have n documents: as many rows as there are different n, however many hosts.
    sizes = [(int(row[0]), int(row[1])) for row in hosts.groupBy("documents").agg(F.count("*")).collect()]
    return {"top": top, **shares(sizes)}


def shares(sizes: list[tuple[int, int]]) -> dict[str, Any]:
    """Number of hosts, share of the largest 1, 10, 100, 1,000, and how many hosts hold half of the documents.

    Args:
        sizes: (documents, hosts that have so many).
    """
    total = sum(size * number for size, number in sizes)
    found = {}
    for top in TOPS:
        left, held = top, 0
        for size, number in sorted(sizes, reverse=True):
            taken = min(left, number)
            held, left = held + taken * size, left - taken
        found[str(top)] = held / total if total else 0.0
    half, need = 0, total / 2
    for size, number in sorted(sizes, reverse=True):
        filled = min(number, -(-need // size)) if need > 0 else 0
        half += int(filled)
        need -= filled * size
    return {"count": sum(number for _, number in sizes), "share_of_top": found, "hosts_of_half": half}


def answers(run: Run) -> list[dict[str, Any]]:
    """What became of the image URLs that were asked: status, class of the HTTP answer, how many, seconds on average."""
    from pyspark.sql import functions as F
    from pyspark.sql.window import Window

    newest = Window.partitionBy("url").orderBy(F.desc("round"))
    latest = run.table("ledger").withColumn("rank", F.row_number().over(newest)).where("rank = 1")
    grouped = latest.groupBy("status", F.floor(F.col("http_status") / 100).alias("http_class")).agg(
        F.count("*").alias("urls"), F.round(F.avg("seconds"), 6).alias("seconds"), F.sum("num_bytes").alias("bytes")
    )
    return [row.asDict() for row in grouped.orderBy(F.desc("urls"), "status").collect()]
