"""Groups of hashes that are near each other, in DataFrames: buckets, exact pairs, leaders (`filters.images.near`).

Equal hashes are one hash here: a picture that stands in a million files takes part once. A bucket's rows are compared
by one task in NumPy; nothing but keys and hashes is shuffled, 40 bytes a row.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from filters.images import near
from filters.images.pdq import BITS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyspark.sql import DataFrame

ROWS_PER_TASK = 1_000_000
"""Rows of buckets that a task holds at a time, about 300 MB with their pairs."""
SMALL = 2_000_000
"""Pairs whose leaders one task finds in memory, about 500 MB; more go through rounds first."""
MAX_ROUNDS = 20
"""Of more than `SMALL` pairs; each decides every hash that has no undecided one before it."""

_PAIR = "a BINARY, b BINARY, apart INT"


def groups(hashes: DataFrame, radius: int, small: int = SMALL) -> DataFrame:
    """Rows (hash, leader, apart) for each distinct hash; a leader leads itself, at 0 bits.

    Args:
        hashes: column `hash`, binary of 32 bytes; repeats are ignored.
        radius: bits up to which a hash is of its leader's group, inclusive.
        small: pairs that one task takes.
    """
    from pyspark.sql import functions as F

    distinct = hashes.select("hash").distinct().localCheckpoint()
    pairs = near_pairs(distinct, radius).localCheckpoint()
    leads = _leaders(pairs, small)
    both = pairs.unionByName(pairs.select(F.col("b").alias("a"), F.col("a").alias("b"), "apart"))
    member = both.join(leads.withColumnRenamed("hash", "a"), "a", how="left_semi").join(
        leads.withColumnRenamed("hash", "b"), "b", how="left_anti"
    )
    nearest = member.groupBy("b").agg(F.min(F.struct("apart", "a")).alias("to"))
    led = nearest.select(F.col("b").alias("hash"), F.col("to.a").alias("leader"), F.col("to.apart").alias("apart"))
    joined = distinct.join(led, "hash", how="left")
    return joined.select(
        "hash", F.coalesce("leader", "hash").alias("leader"), F.coalesce("apart", F.lit(0)).alias("apart")
    )


def near_pairs(distinct: DataFrame, radius: int) -> DataFrame:
    """Rows (a, b, apart) of the pairs within `radius` that the tables bring together, each once, a before b."""
    count = distinct.count()
    chosen = near.tables(count, radius)

    def to_buckets(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            hashes = _words(batch.column("hash"))
            keys = near.keys(hashes, chosen)
            rows = batch.column("hash").take(pa.array(np.repeat(np.arange(batch.num_rows), chosen.number)))
            yield pa.RecordBatch.from_arrays([pa.array(keys.reshape(-1)), rows], names=["key", "hash"])

    def compare(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        held = [batch for batch in batches if batch.num_rows]
        if held:
            table = pa.Table.from_batches(held).combine_chunks()
            yield from _near(table.column("key").to_numpy(), _words(table.column("hash")), radius)

    tasks = max(1, math.ceil(count * chosen.number / ROWS_PER_TASK))
    buckets = distinct.mapInArrow(to_buckets, "key BIGINT, hash BINARY").repartition(tasks, "key")
    return buckets.mapInArrow(compare, _PAIR).distinct()


def _near(keys: np.ndarray, hashes: np.ndarray, radius: int) -> Iterator[pa.RecordBatch]:
    first, second, apart = near.pairs(keys, hashes, radius)
    for start in range(0, len(first), ROWS_PER_TASK):
        part = slice(start, start + ROWS_PER_TASK)
        columns = [_binary(hashes[first[part]]), _binary(hashes[second[part]]), pa.array(apart[part].astype(np.int32))]
        yield pa.RecordBatch.from_arrays(columns, names=["a", "b", "apart"])


def _leaders(pairs: DataFrame, small: int) -> DataFrame:
    """The hashes of pairs that lead: the first, and each one that no leader before it is near to."""
    from pyspark.sql import functions as F

    left = pairs.select("a", "b")
    found: list[DataFrame] = []
    for _ in range(MAX_ROUNDS):
        if left.count() <= small:
            break
        first = left.select(F.col("a").alias("hash")).distinct()
        leads = first.join(left.select(F.col("b").alias("hash")), "hash", how="left_anti").localCheckpoint()
        led = left.join(leads.withColumnRenamed("hash", "a"), "a", how="left_semi").select("b").distinct()
        rest = left.join(led, "b", how="left_anti").join(led.withColumnRenamed("b", "a"), "a", how="left_anti")
        found.append(leads)
        # A hash whose earlier neighbours are all led stands in no pair with them any more, and may lead by itself.
        alone = left.select(F.explode(F.array("a", "b")).alias("hash")).distinct()
        alone = alone.join(led.withColumnRenamed("b", "hash"), "hash", how="left_anti")
        alone = alone.join(rest.select(F.explode(F.array("a", "b")).alias("hash")), "hash", how="left_anti")
        found.append(alone.join(leads, "hash", how="left_anti").localCheckpoint())
        left = rest.localCheckpoint()
    found.append(left.coalesce(1).mapInArrow(_in_one_task, "hash BINARY"))
    every = found[0]
    for part in found[1:]:
        every = every.unionByName(part)
    return every


def _in_one_task(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    held = [batch for batch in batches if batch.num_rows]
    if not held:
        return
    table = pa.Table.from_batches(held)
    ends = pa.concat_arrays([*table.column("a").chunks, *table.column("b").chunks]).dictionary_encode()
    ordered = pa.compute.sort_indices(ends.dictionary).to_numpy()
    rank = np.empty(len(ordered), np.int64)
    rank[ordered] = np.arange(len(ordered))
    numbers = rank[ends.indices.to_numpy()]
    leads = near.leaders(numbers[: table.num_rows], numbers[table.num_rows :], len(ordered))
    yield pa.RecordBatch.from_arrays([ends.dictionary.take(pa.array(ordered[leads]))], names=["hash"])


def _words(column: pa.Array) -> np.ndarray:
    """uint64 (rows, 4) of a column of hashes."""
    data = b"".join(column.to_pylist())
    return np.frombuffer(data, dtype=">u8").astype(np.uint64).reshape(-1, BITS // 64)


def _binary(words: np.ndarray) -> pa.Array:
    """A column of hashes of uint64 (rows, 4)."""
    fixed = pa.FixedSizeBinaryArray.from_buffers(
        pa.binary(BITS // 8), len(words), [None, pa.py_buffer(np.ascontiguousarray(words.astype(">u8")))]
    )
    return fixed.cast(pa.binary())
