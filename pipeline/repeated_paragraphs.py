"""Part of step 02: paragraphs that repeat over a site leave its pages, and such a page is judged again.

OBELICS removes every paragraph that stands more than twice on one domain (its released code, step 09). Here a document
that would lose its core keeps them: every paragraph of it, or more of its words than `max_lost_words`. What is left is
judged from the measures that 01 stored with each node, as far as they are sums; no text is read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa

from filters.text.fields import DocumentMeasures, NodeMeasures
from filters.text.rule_sets import Config as TextConfig
from filters.text.rule_sets import document_rules
from filters.text.rules import DocumentRules, judge_document
from filters.text.surviving import from_nodes, sums_only
from pipeline.list_images import DOCUMENT_KEY
from schemas.reasons import DocumentReason

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyspark.sql import DataFrame


def repeated_nodes(documents: DataFrame, decided: DataFrame, max_repeats: int, max_lost_words: float) -> DataFrame:
    """Per document that has any: `dropped_nodes`, text nodes that stand on one site more than `max_repeats` times.

    Headings stay (the same heading over different texts is no repetition), and so does code: hashes know no
    punctuation, which is all that may tell two lines of code apart, and a command that each page of a manual repeats is
    part of each. A document that would lose its core has no `dropped_nodes` and their number as `spared_nodes`: its
    text is its own, however often it stands there.
    """
    from pyspark.sql import functions as F

    kept = decided.where(F.col("drop_reason").isNull()).select(*DOCUMENT_KEY)
    alive = documents.join(kept, DOCUMENT_KEY, how="left_semi")
    exploded = alive.select(*DOCUMENT_KEY, "site", F.posexplode("nodes").alias("node", "n"))
    is_paragraph = (
        F.col("n.text").isNotNull() & F.col("n.drop_reason").isNull() & ~F.col("n.role").startswith("heading")
    )
    paragraphs = exploded.where(is_paragraph).select(
        *DOCUMENT_KEY,
        "site",
        "node",
        F.when(F.col("n.role") != "code", F.col("n.text_hash")).alias("hash"),  # none: equal to nothing
        F.col("n.num_words").alias("words"),
    )
    counts = paragraphs.groupBy("site", "hash").agg(F.count("*").alias("times"))
    repeated = counts.where(F.col("times") > max_repeats if max_repeats else F.lit(False))
    found = paragraphs.join(repeated, ["site", "hash"], how="left")
    is_repeated = F.col("times").isNotNull()
    nodes = found.groupBy(*DOCUMENT_KEY).agg(
        F.sort_array(F.collect_list(F.when(is_repeated, F.col("node")))).alias("repeated"),
        F.count("*").alias("paragraphs"),
        F.coalesce(F.sum(F.when(is_repeated, F.col("words"))), F.lit(0)).alias("lost"),
        F.coalesce(F.sum("words"), F.lit(0)).alias("words"),
    )
    loses_core = (F.size("repeated") == F.col("paragraphs")) | (
        F.col("lost") > F.lit(float(max_lost_words)) * F.col("words")
    )
    return nodes.where(F.size("repeated") > 0).select(
        *DOCUMENT_KEY,
        F.when(loses_core, F.array().cast("array<int>")).otherwise(F.col("repeated")).alias("dropped_nodes"),
        F.when(loses_core, F.size("repeated")).otherwise(F.lit(0)).alias("spared_nodes"),
    )


def judged_again(documents: DataFrame, repeats: DataFrame, config: TextConfig) -> DataFrame:
    """Rows (key, again): why a document that lost nodes is dropped for what is left of it."""
    from pyspark.sql import functions as F

    losing = repeats.where(F.size("dropped_nodes") > 0).select(*DOCUMENT_KEY, "dropped_nodes")
    measured = documents.select(
        *DOCUMENT_KEY,
        "language",
        "measures",
        F.transform("nodes", lambda n: n["measures"]).alias("nodes"),
        F.transform("nodes", lambda n: n["drop_reason"].isNotNull()).alias("gone"),
    )
    key = ", ".join(f"{field.name} {field.dataType.simpleString()}" for field in documents.select(*DOCUMENT_KEY).schema)

    def judge(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        bounds = _Bounds(config)
        for batch in batches:
            again = [bounds.judge(row) for row in batch.to_pylist()]
            yield batch.select(DOCUMENT_KEY).append_column("again", pa.array(again, pa.string()))

    return measured.join(losing, DOCUMENT_KEY, how="inner").mapInArrow(judge, f"{key}, again STRING")


class _Bounds:
    """The bounds on sums of a recipe, by language."""

    def __init__(self, config: TextConfig) -> None:
        self._rules = config.resolve()
        self._surviving = config.judge_over == "surviving"
        self._of_language: dict[str | None, DocumentRules] = {}

    def judge(self, row: dict[str, Any]) -> str | None:
        """The reason for what is left of one document, or None."""
        if row["measures"] is None:  # never measured: nothing can be said
            return None
        name = row["language"]
        if name not in self._of_language:
            self._of_language[name] = sums_only(document_rules(self._rules, name))
        lost = set(row["dropped_nodes"])
        places = [place for place, measures in enumerate(row["nodes"]) if measures is not None and place not in lost]
        if all(row["gone"][place] for place in places):
            return str(DocumentReason.NO_TEXT)
        counted = [place for place in places if not (self._surviving and row["gone"][place])]
        whole = DocumentMeasures(**row["measures"])
        left = from_nodes(whole, [NodeMeasures(**row["nodes"][place]) for place in counted])
        reason = judge_document(left, self._of_language[name])
        return None if reason is None else str(reason)
