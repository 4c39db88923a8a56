"""Up to 20 examples of each reason, by step and unit, chosen by a hash and so always the same.

The choice carries keys only; Spark cuts each reason to its first rows before anything is shuffled. What stands in pages
is read afterwards, for the chosen few, in one pass (`pipeline.report.pages`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline.list_images import DOCUMENT_KEY
from pipeline.report.pages import NODES
from schemas.image import LOOKS
from schemas.reasons import NodeReason

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from pipeline.run import Run

PER_REASON = 20
NODES_FROM = 200_000
"""Examples of dropped nodes come from about so many documents: nodes are many, and reasons among them frequent."""
TEXT = 400
"""Characters of a dropped text."""

Examples = dict[tuple[str, str], dict[str, list[dict[str, Any]]]]
"""(step, unit): reason: rows."""


def choose(run: Run) -> Examples:
    """The chosen rows; documents carry their key, images their address, texts what they say."""
    found: Examples = {}
    for (step, unit), rows in _sources(run).items():
        by_reason: dict[str, list[dict[str, Any]]] = {}
        for row in first_of_each(rows).collect():
            facts = row.asDict(recursive=True)
            by_reason.setdefault(facts.pop("drop_reason"), []).append(facts)
        found[step, unit] = by_reason
    _add_answers(run, found)
    return found


def first_of_each(rows: DataFrame, number: int = PER_REASON) -> DataFrame:
    """The first rows of each `drop_reason` in the order of a hash of `place`, which is left out of the result."""
    from pyspark.sql import functions as F
    from pyspark.sql.window import Window

    by_hash = Window.partitionBy("drop_reason").orderBy(F.xxhash64("place"), "place")
    dropped = rows.where(F.col("drop_reason").isNotNull())
    ranked = dropped.withColumn("rank", F.row_number().over(by_hash)).where(F.col("rank") <= number)
    return ranked.orderBy("drop_reason", "rank").drop("rank", "place")


def _sources(run: Run) -> dict[tuple[str, str], DataFrame]:
    from pyspark.sql import functions as F

    page = F.concat_ws(" ", *DOCUMENT_KEY)
    documents = run.table("documents").select(*DOCUMENT_KEY, "drop_reason", page.alias("place"))
    unique = run.table("unique").select(*DOCUMENT_KEY, "duplicate_of", "drop_reason", page.alias("place"))
    kept = run.table("unique").where(F.col("drop_reason").isNull()).select("id", *DOCUMENT_KEY)
    decisions = (
        run.table("decisions")
        .where(F.col("drop_reason").isNotNull())
        .select("id", "num_images", "num_image_nodes", "num_texts", "drop_reason")
        .join(kept, "id", how="inner")
        .withColumn("place", page)
        .drop("id")
    )
    links = run.table("links").select("url", "num_references", "drop_reason", F.col("url").alias("place"))
    texts, images = _nodes(run)
    return {
        ("01_documents", "document"): documents,
        ("01_documents", "node"): texts,
        ("01_documents", "reference"): images,
        ("02_unique", "document"): unique,
        ("02_unique", "node"): _repeated(run),
        ("03_links", "url"): links.withColumn("drop_reason", F.concat(F.lit("url:"), "drop_reason")),
        ("04_images", "url"): _images(run),
        ("05_matches", "reference"): _references(run),
        ("shards", "document"): decisions,
    }


def _repeated(run: Run) -> DataFrame:
    """Texts that step 02 dropped, by page and number; only those near the top, which `pages.read` reads."""
    from pyspark.sql import functions as F

    kept = run.table("unique").where(F.col("drop_reason").isNull())
    numbers = kept.select("id", *DOCUMENT_KEY, F.explode("dropped_nodes").alias("node")).where(F.col("node") < NODES)
    why = F.lit(str(NodeReason.REPEATED_ON_SITE)).alias("drop_reason")
    return numbers.select("*", why, F.concat_ws(" ", *DOCUMENT_KEY, "node").alias("place"))


def _images(run: Run) -> DataFrame:
    from pyspark.sql import functions as F

    columns = ["url", "sha256", "num_references", *LOOKS, "store_file", "store_offset", "store_length"]
    return run.table("images").select(*columns, "drop_reason", F.col("url").alias("place"))


def _references(run: Run) -> DataFrame:
    """Images that were dropped in step 05, with their file; those of earlier steps are told there by URL."""
    from pyspark.sql import functions as F

    late = ~F.col("drop_reason").rlike("^(url:|fetch:|file:)") & (F.col("drop_reason") != "opted_out")
    matches = run.table("matches").where(late)
    chosen = first_of_each(
        matches.select(
            "url", "id", "count_in_corpus", "similarity", "drop_reason", F.concat_ws(" ", "id", "node").alias("place")
        )
    )
    best = F.array_max("similarity").alias("best_score")
    files = _images(run).drop("drop_reason", "place", "num_references")
    joined = F.broadcast(chosen.select("url", "id", "count_in_corpus", best, "drop_reason")).join(files, "url")
    return joined.withColumn("place", F.col("id"))


def _nodes(run: Run) -> tuple[DataFrame, DataFrame]:
    """Dropped texts and dropped images of a part of the pages that were kept."""
    from pyspark.sql import functions as F

    documents = run.table("documents").where(F.col("drop_reason").isNull())
    total = sum(
        file.rows for commit in run.commits("01_documents") for file in commit.files if file.table == "documents"
    )
    part = max(1, total // NODES_FROM)
    some = documents.where(F.pmod(F.xxhash64("id"), F.lit(part)) == 0)
    nodes = some.select("id", F.posexplode(F.filter("nodes", lambda n: n["drop_reason"].isNotNull())).alias("i", "n"))
    place = F.concat_ws(" ", "id", "i").alias("place")
    texts = nodes.where(F.col("n.text").isNotNull()).select(
        "id",
        F.col("n.role").alias("role"),
        F.substring("n.text", 1, TEXT).alias("text"),
        F.col("n.measures").alias("measures"),
        F.col("n.drop_reason").alias("drop_reason"),
        place,
    )
    image = ["id", "url", "alt", "drop_reason", "place"]
    placed = nodes.where(F.col("n.image_url").isNotNull()).select(
        "id", F.col("n.image_url").alias("url"), F.col("n.alt").alias("alt"), "n.drop_reason", place
    )
    never = some.select("id", F.posexplode("dropped_images").alias("i", "n")).select(
        "id", F.col("n.url").alias("url"), F.lit(None).cast("string").alias("alt"), "n.drop_reason", place
    )
    return texts, placed.select(*image).unionByName(never.select(*image))


def _add_answers(run: Run, found: Examples) -> None:
    """What the server said, for the chosen image URLs."""
    from pyspark.sql import functions as F

    urls = [row["url"] for rows in found["04_images", "url"].values() for row in rows]
    ledger = run.table("ledger").where(F.col("url").isin(urls)).orderBy("round") if urls else None
    said = {row["url"]: row for row in ledger.collect()} if ledger is not None else {}
    for rows in found["04_images", "url"].values():
        for row in rows:
            answer = said.get(row["url"])
            for name in ("http_status", "detail", "content_type", "num_bytes", "attempts"):
                row[name] = answer[name] if answer is not None else None
