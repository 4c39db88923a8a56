"""Groups of near-duplicates from signatures: bands make candidates, verification makes edges, components make groups.

A bucket of n documents that share a band gives n - 1 edges, to its smallest id: no bucket costs the square of its
size. All of it is DataFrame operations that spill; no task holds more than a batch.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from filters.minhash import Config, band_hashes, jaccard, sketched_jaccard
from pipeline.components import components

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyspark.sql import Column, DataFrame

Similar = Callable[[list[bytes], list[bytes]], npt.NDArray[np.bool_]]
"""Which pairs of a batch are near-duplicates."""


def best_of_groups(documents: DataFrame, config: Config, order: list[Column]) -> DataFrame:
    """Rows (id, best) of the documents that are near-duplicates of a better one, the first of their group by `order`.

    Args:
        documents: id, signature, the columns that `order` asks for, and shingles where verification looks at them.
        config: bands, threshold and verification.
        order: which of a group is best; must end in the id, so that nothing is left to chance.
    """
    from pyspark.sql import functions as F
    from pyspark.sql.window import Window

    compared = "signature" if config.verify == "estimated" else "shingles"
    groups = components(edges(documents.select("id", "signature", F.col(compared).alias("compared")), config))
    members = documents.drop("signature", "shingles").join(groups, "id", how="inner")
    ranked = members.withColumn("best", F.first("id").over(Window.partitionBy("group").orderBy(*order)))
    return ranked.where("id <> best").select("id", "best")


def edges(documents: DataFrame, config: Config) -> DataFrame:
    """Rows (a, b) of documents that share a band and are similar enough; the bands alone where the threshold is 0.

    Args:
        documents: id, signature, and what is compared as `compared`.
        config: bands, threshold and verification.
    """
    from pyspark.sql import functions as F
    from pyspark.sql.window import Window

    bands, rows = config.bands, config.rows

    def explode_bands(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            yield _bands(batch, bands, rows)

    buckets = documents.select("id", "signature").mapInArrow(explode_bands, "band BIGINT, id STRING")
    bucket = Window.partitionBy("band").orderBy("id")
    stars = buckets.withColumn("hub", F.first("id").over(bucket)).where("id <> hub").select("id", "hub").distinct()
    if config.threshold == 0:
        return stars.select(F.col("id").alias("a"), F.col("hub").alias("b"))
    own = documents.select("id", "compared")
    hubs = documents.select(F.col("id").alias("hub"), F.col("compared").alias("hub_compared"))
    pairs = stars.join(own, "id", how="inner").join(hubs, "hub", how="inner")
    similar = _similar(config)

    def verify(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            yield _agreeing(batch, similar)

    return pairs.mapInArrow(verify, "id STRING, hub STRING").withColumnsRenamed({"id": "a", "hub": "b"})


def _similar(config: Config) -> Similar:
    """The test of a pair; closed over plain values, so that a task needs nothing else."""
    threshold, size = config.threshold, config.sketch_size

    def estimated(a: list[bytes], b: list[bytes]) -> npt.NDArray[np.bool_]:
        return np.asarray((_signatures(a) == _signatures(b)).mean(axis=1) >= threshold)

    def exact(one: bytes, other: bytes) -> bool:
        return jaccard(_values(one), _values(other)) >= threshold

    def sketched(one: bytes, other: bytes) -> bool:
        return sketched_jaccard(_values(one), _values(other), size) >= threshold

    if config.verify == "estimated":
        return estimated
    compare = exact if config.verify == "exact" else sketched

    def each(a: list[bytes], b: list[bytes]) -> npt.NDArray[np.bool_]:
        """One text on very many pages has equal bytes: no sets are made for those."""
        pairs = zip(a, b, strict=True)
        return np.array([bool(x) if x == y else compare(x, y) for x, y in pairs], dtype=np.bool_)

    return each


def _values(stored: bytes | None) -> npt.NDArray[np.uint32]:
    return np.frombuffer(stored or b"", dtype="<u4")


def _signatures(column: list[bytes]) -> npt.NDArray[np.uint32]:
    """uint32 (documents, permutations) of a column of signatures."""
    return np.stack([_values(value) for value in column])


def _bands(batch: pa.RecordBatch, bands: int, rows: int) -> pa.RecordBatch:
    if not batch.num_rows:
        return pa.RecordBatch.from_pydict({"band": pa.array([], pa.int64()), "id": pa.array([], pa.string())})
    hashes = band_hashes(_signatures(batch.column("signature").to_pylist()), bands, rows)
    ids = batch.column("id").take(pa.array(np.repeat(np.arange(batch.num_rows), bands)))
    return pa.RecordBatch.from_pydict({"band": pa.array(hashes.reshape(-1), pa.int64()), "id": ids})


def _agreeing(batch: pa.RecordBatch, similar: Similar) -> pa.RecordBatch:
    pairs = batch.select(["id", "hub"])
    if not batch.num_rows:
        return pairs
    columns = (batch.column(name).to_pylist() for name in ("compared", "hub_compared"))
    return pairs.filter(pa.array(similar(*columns)))
