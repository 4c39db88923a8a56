"""Connected components of a graph of edges, in DataFrames: alternating large-star and small-star.

Source: Kiveris et al. 2014, "Connected components in MapReduce and beyond", SoCC, section 3. Edges shrink to stars
whose centre is the smallest name of the component; each round is one shuffle of the edges.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyspark.sql import DataFrame

SMALL = 2_000_000
"""Edges that one task joins in memory, about 1 GB: a round of stars costs some seconds whatever the number of edges."""
MAX_ROUNDS = 50
"""The bound is log^2 of the number of nodes; text duplicates need 2 to 6."""


def components(edges: DataFrame, small: int = SMALL) -> DataFrame:
    """Rows (id, group) for each end of an edge; `group` is the smallest id of its component.

    Args:
        edges: columns `a`, `b`; loops and repeats are ignored.
        small: up to so many edges are joined by one task, without rounds.
    """
    from pyspark.sql import functions as F

    stars = edges.where("a <> b").select(F.greatest("a", "b").alias("child"), F.least("a", "b").alias("parent"))
    # A round's edges are a few bytes a node; the checkpoint cuts the lineage, which would else double each round.
    stars = stars.distinct().localCheckpoint()
    before = _sum(stars)
    if before[0] <= small:
        return stars.coalesce(1).mapInArrow(_in_one_task, "id STRING, group STRING")
    for _ in range(MAX_ROUNDS):
        stars = _small_star(_large_star(stars)).localCheckpoint()
        after = _sum(stars)
        if after == before:
            break
        before = after
    children = stars.select(F.col("child").alias("id"), F.col("parent").alias("group"))
    return children.unionByName(stars.select(F.col("parent").alias("id"), F.col("parent").alias("group"))).distinct()


def union_find(edges: Iterator[tuple[str, str]]) -> dict[str, str]:
    """The smallest name of the component of each end of an edge."""
    parent: dict[str, str] = {}

    def find(name: str) -> str:
        root = name
        while (above := parent.setdefault(root, root)) != root:
            root = above
        while parent[name] != root:
            parent[name], name = root, parent[name]
        return root

    for a, b in edges:
        low, high = sorted((find(a), find(b)))
        parent[high] = low
    return {name: find(name) for name in parent}


def _in_one_task(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    pairs = (
        pair
        for batch in batches
        for pair in zip(batch.column("child").to_pylist(), batch.column("parent").to_pylist(), strict=True)
    )
    groups = union_find(pairs)
    yield pa.RecordBatch.from_pydict(
        {"id": pa.array(groups.keys(), pa.string()), "group": pa.array(groups.values(), pa.string())}
    )


def _large_star(stars: DataFrame) -> DataFrame:
    """Link every larger neighbour of a node to the smallest among the node and its neighbours."""
    from pyspark.sql import functions as F
    from pyspark.sql.window import Window

    both = stars.select(F.col("child").alias("node"), F.col("parent").alias("near")).unionByName(
        stars.select(F.col("parent").alias("node"), F.col("child").alias("near"))
    )
    smallest = F.least("node", F.min("near").over(Window.partitionBy("node")))
    linked = both.withColumn("parent", smallest).where("near > node")
    return linked.select(F.col("near").alias("child"), "parent").distinct()


def _small_star(stars: DataFrame) -> DataFrame:
    """Link a node and its smaller neighbours to the smallest of them."""
    from pyspark.sql import functions as F
    from pyspark.sql.window import Window

    smallest = stars.withColumn("least", F.min("parent").over(Window.partitionBy("child")))
    parents = smallest.select(F.col("parent").alias("child"), F.col("least").alias("parent"))
    itself = smallest.select("child", F.col("least").alias("parent"))
    return parents.unionByName(itself).where("child <> parent").distinct()


def _sum(stars: DataFrame) -> tuple[int, int]:
    """Number of edges and an order-free checksum: equal before and after a round means that nothing moved."""
    from pyspark.sql import functions as F

    checksum = F.coalesce(F.sum(F.xxhash64("child", "parent").cast("decimal(38,0)")), F.lit(0))
    row = stars.agg(F.count("*").alias("edges"), checksum.alias("sum")).first()
    return (int(row["edges"]), int(row["sum"])) if row else (0, 0)
