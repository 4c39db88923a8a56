"""Step 02: each document once. Same record, same URL, same text, near-duplicate text, paragraphs of a whole site.

All of it is plain DataFrame operations that spill; text is never read, only the keys, hashes and signatures of 01.
The latest capture wins, ties go to the smaller id, so the outcome depends on nothing but the documents.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from filters.minhash import Config as MinHashConfig
from filters.minhash import band_hashes
from pipeline.components import components
from schemas.document import UNIQUE
from schemas.errors import ConfigError
from schemas.reasons import DocumentReason

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyspark.sql import Column, DataFrame

    from pipeline.run import Run


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Recipe section [dedup]; what a near-duplicate is stands in [minhash]."""

    near_duplicates: bool = True
    max_paragraph_repeats: int = 2
    """A paragraph that stands more often on one site is removed from all of its pages; 0 = off (OBELICS 09: 2)."""

    def __post_init__(self) -> None:
        if self.max_paragraph_repeats < 0:
            raise ConfigError(f"dedup.max_paragraph_repeats={self.max_paragraph_repeats} must not be negative")


def make(run: Run) -> None:
    """Decide on each document that 01 kept."""
    from pyspark.sql import functions as F

    config = run.recipe.dedup
    documents = run.table("documents").where(F.col("drop_reason").isNull())
    keyed = documents.select(
        "id", "warc_filename", "warc_record_offset", "url_key", "site", "text_hash", "signature", "fetched_at"
    )
    decided = mark_exact(keyed)
    if config.near_duplicates:
        decided = mark_near(decided, run.recipe.minhash)
    repeats = repeated_nodes(documents, decided, config.max_paragraph_repeats)
    run.write(
        "02_unique",
        UNIQUE,
        decided.join(repeats, ["warc_filename", "warc_record_offset"], how="left").withColumn(
            "dropped_nodes", F.coalesce("dropped_nodes", F.array().cast("array<int>"))
        ),
    )


def mark_exact(documents: DataFrame) -> DataFrame:
    """Documents with `duplicate_of` and `drop_reason` for the same record, URL or text."""
    from pyspark.sql import functions as F

    record_order = [F.asc("warc_filename"), F.asc("warc_record_offset")]
    latest = [F.desc("fetched_at"), F.asc("id")]
    decided = documents.withColumns(
        {"drop_reason": F.lit(None).cast("string"), "duplicate_of": F.lit(None).cast("string")}
    )
    decided = _mark_same(decided, F.col("id"), record_order, DocumentReason.SAME_RECORD)
    decided = _mark_same(decided, F.col("url_key"), latest, DocumentReason.SAME_URL)
    return _mark_same(decided, F.col("text_hash"), latest, DocumentReason.SAME_TEXT)


def mark_near(decided: DataFrame, config: MinHashConfig) -> DataFrame:
    """Documents with `duplicate_of` and `drop_reason` for near-duplicate text as well.

    A bucket of n documents that share a band gives n - 1 edges, to its smallest id; an edge counts if the two
    signatures agree enough; groups are the connected components; the latest of a group is kept.
    """
    from pyspark.sql import functions as F
    from pyspark.sql.window import Window

    alive = decided.where(F.col("drop_reason").isNull() & F.col("signature").isNotNull())
    signatures = alive.select("id", "signature")
    bands, rows = config.bands, config.rows

    def explode_bands(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            yield _bands(batch, bands, rows)

    buckets = signatures.mapInArrow(explode_bands, "band BIGINT, id STRING")
    bucket = Window.partitionBy("band").orderBy("id")
    stars = buckets.withColumn("hub", F.first("id").over(bucket)).where("id <> hub").select("id", "hub").distinct()
    hubs = signatures.select(F.col("id").alias("hub"), F.col("signature").alias("hub_signature"))
    pairs = stars.join(signatures, "id", how="inner").join(hubs, "hub", how="inner")
    threshold = config.threshold

    def verify(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            yield _agreeing(batch, threshold)

    edges = pairs.mapInArrow(verify, "id STRING, hub STRING")
    groups = components(edges.withColumnsRenamed({"id": "a", "hub": "b"}))
    members = alive.select("id", "fetched_at").join(groups, "id", how="inner")
    order = Window.partitionBy("group").orderBy(F.desc("fetched_at"), F.asc("id"))
    best = members.withColumn("best", F.first("id").over(order)).where("id <> best").select("id", "best")
    joined = decided.join(best, "id", how="left")
    # An id may stand twice in `decided`, once as `same_record`: that row keeps its reason.
    is_near = F.col("best").isNotNull() & F.col("drop_reason").isNull()
    return joined.withColumns(
        {
            "duplicate_of": F.when(is_near, F.col("best")).otherwise(F.col("duplicate_of")),
            "drop_reason": F.when(is_near, F.lit(str(DocumentReason.NEAR_DUPLICATE))).otherwise(F.col("drop_reason")),
        }
    ).drop("best")


def repeated_nodes(documents: DataFrame, decided: DataFrame, max_repeats: int) -> DataFrame:
    """Per document the indices of text nodes that stand on one site more than `max_repeats` times.

    Headings stay (the same heading over different texts is no repetition), and so do all nodes of a document
    that would lose every paragraph: its text is its own, however often it stands there.
    """
    from pyspark.sql import functions as F

    kept = decided.where(F.col("drop_reason").isNull()).select("warc_filename", "warc_record_offset")
    key = ["warc_filename", "warc_record_offset"]
    exploded = documents.join(kept, key, how="left_semi").select(*key, "site", F.posexplode("nodes").alias("node", "n"))
    is_paragraph = (
        F.col("n.text").isNotNull() & F.col("n.drop_reason").isNull() & ~F.col("n.role").startswith("heading")
    )
    paragraphs = exploded.where(is_paragraph).select(*key, "site", "node", F.col("n.text_hash").alias("hash"))
    counts = paragraphs.groupBy("site", "hash").agg(F.count("*").alias("times"))
    repeated = counts.where(F.col("times") > max_repeats if max_repeats else F.lit(False))
    found = paragraphs.join(repeated, ["site", "hash"], how="left")
    is_repeated = F.col("times").isNotNull()
    nodes = found.groupBy(*key).agg(
        F.sort_array(F.collect_list(F.when(is_repeated, F.col("node")))).alias("dropped_nodes"),
        F.count("*").alias("paragraphs"),
    )
    return nodes.where((F.size("dropped_nodes") > 0) & (F.size("dropped_nodes") < F.col("paragraphs"))).select(
        *key, "dropped_nodes"
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


def _signatures(column: pa.Array) -> np.ndarray:
    """uint32 (documents, permutations) of a column of signatures."""
    return np.stack([np.frombuffer(value, dtype="<u4") for value in column.to_pylist()])


def _bands(batch: pa.RecordBatch, bands: int, rows: int) -> pa.RecordBatch:
    if not batch.num_rows:
        return pa.RecordBatch.from_pydict({"band": pa.array([], pa.int64()), "id": pa.array([], pa.string())})
    hashes = band_hashes(_signatures(batch.column("signature")), bands, rows)
    ids = batch.column("id").take(pa.array(np.repeat(np.arange(batch.num_rows), bands)))
    return pa.RecordBatch.from_pydict({"band": pa.array(hashes.reshape(-1), pa.int64()), "id": ids})


def _agreeing(batch: pa.RecordBatch, threshold: float) -> pa.RecordBatch:
    pairs = batch.select(["id", "hub"])
    if not batch.num_rows:
        return pairs
    same = _signatures(batch.column("signature")) == _signatures(batch.column("hub_signature"))
    return pairs.filter(pa.array(same.mean(axis=1) >= threshold))
