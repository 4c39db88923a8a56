"""What stands in the pages that a report shows: read for chosen documents only, in one pass over the tables."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from pipeline.list_images import DOCUMENT_KEY
from schemas.image import LOOKS

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from pipeline.run import Run

SAMPLES = 36
"""Documents of the dataset that the page shows whole."""
NODES = 120
"""Nodes of a document that are shown."""
TEXT = 1_200
"""Characters of a text that are shown."""
Key = tuple[str, int]

_PAGE = (
    *("id", "url", "site", "title", "language", "language_score", "crawl", "fetched_at", "num_words", "num_tokens"),
    *("warc_record_length", "measures", "licence", "drop_reason"),
)


def read(run: Run, keys: Iterable[Key]) -> dict[Key, dict[str, Any]]:
    """By (warc_filename, warc_record_offset): the page's columns and its first nodes, texts cut."""
    from pyspark.sql import functions as F

    wanted = sorted(set(keys))
    if not wanted:
        return {}
    names = run.spark.createDataFrame(wanted, schema="warc_filename STRING, warc_record_offset BIGINT")
    nodes = F.transform(
        F.slice("nodes", 1, NODES),
        lambda n: F.struct(
            *[n[name].alias(name) for name in ("role", "image_url", "alt", "caption", "drop_reason")],
            F.substring(n["text"], 1, TEXT).alias("text"),
        ),
    )
    documents = run.table("documents").select(
        *DOCUMENT_KEY, *_PAGE, F.size("nodes").alias("num_nodes"), nodes.alias("nodes")
    )
    rows = documents.join(F.broadcast(names), DOCUMENT_KEY, how="left_semi").collect()
    return {(row["warc_filename"], row["warc_record_offset"]): row.asDict(recursive=True) for row in rows}


def heads(run: Run, ids: Iterable[str]) -> dict[str, dict[str, Any]]:
    """By document id: url and title, for examples that name the page they come from."""
    from pyspark.sql import functions as F

    wanted = sorted({i for i in ids if i})
    if not wanted:
        return {}
    names = run.spark.createDataFrame([(i,) for i in wanted], schema="id STRING")
    documents = run.table("documents").select("id", "url", "title", "drop_reason")
    rows = documents.join(F.broadcast(names), "id", how="left_semi").collect()
    return {row["id"]: row.asDict() for row in rows}


def choose_samples(run: Run, number: int = SAMPLES) -> list[dict[str, Any]]:
    """Documents of the dataset, the first in the order of a hash: id, key, and what 02 dropped of them."""
    from pyspark.sql import functions as F

    decisions = run.table("decisions").where(F.col("drop_reason").isNull()).select("id", "num_images", "num_texts")
    unique = run.table("unique").where(F.col("drop_reason").isNull()).select("id", *DOCUMENT_KEY, "dropped_nodes")
    some = decisions.orderBy(F.xxhash64("id"), "id").limit(number)
    rows = F.broadcast(some).join(unique, "id", how="inner").orderBy(F.xxhash64("id"), "id").collect()
    return [row.asDict(recursive=True) for row in rows]


def images_of(run: Run, ids: Iterable[str]) -> dict[str, dict[int, dict[str, Any]]]:
    """By document id and node: what became of each image, with its file's measures and address."""
    from pyspark.sql import functions as F

    wanted = sorted(set(ids))
    if not wanted:
        return {}
    names = run.spark.createDataFrame([(i,) for i in wanted], schema="id STRING")
    matches = run.table("matches").join(F.broadcast(names), "id", how="left_semi")
    columns = ["url", *LOOKS, "store_file", "store_offset", "store_length"]
    files: DataFrame = run.table("images").select(*columns)
    rows = matches.join(files, "url", how="left").collect()
    found: dict[str, dict[int, dict[str, Any]]] = {}
    for row in rows:
        facts = row.asDict(recursive=True)
        found.setdefault(facts["id"], {})[facts["node"]] = facts
    return found
