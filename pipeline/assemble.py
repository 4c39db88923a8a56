"""Step 05, decisions: what each document is once texts and images were judged, and whether it goes into a shard.

Also the exact rule by which a key belongs to one of N equal ranges, in Spark's own integers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.list_images import DOCUMENT_KEY
from schemas.document import DECISIONS
from schemas.errors import ConfigError
from schemas.reasons import DocumentReason, FileReason

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

    from pipeline.run import Run

MAX_IMAGES = 1_000
"""The shard format numbers the images of a document with three digits."""
NODE_BYTES = 40
"""What a node takes in the JSON beside its text; only the number of shards depends on it."""
IMAGE_BYTES = 1_200
"""What an image takes in the JSON and in tar headers beside its bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Recipe section [assemble]. Bounds are inclusive."""

    min_images: int = 1
    max_images: int = 30
    """OBELICS keeps documents of 1 to 30 images (arXiv:2306.16527, A.1.4)."""
    min_texts: int = 1

    def __post_init__(self) -> None:
        if not 0 <= self.min_images <= self.max_images <= MAX_IMAGES:
            raise ConfigError(
                f"assemble: 0 <= min_images={self.min_images} <= max_images={self.max_images} <= {MAX_IMAGES} must hold"
            )
        if self.min_texts < 0:
            raise ConfigError(f"assemble.min_texts={self.min_texts} must not be negative")


def make(run: Run) -> None:
    """Count what is left of each document and judge it as a whole."""
    from pyspark.sql import functions as F

    config = run.recipe.assemble
    matches = run.table("matches")
    sizes = run.table("images").select("url", "store_length")
    is_nsfw = F.col("drop_reason").isin(f"file:{FileReason.NSFW}", f"file:{FileReason.NSFW_NOT_SCORED}")
    kept = F.col("drop_reason").isNull()
    images = (
        matches.join(sizes, "url", how="left")
        .groupBy("id")
        .agg(
            F.count_if(kept).cast("int").alias("num_images"),
            F.count("*").cast("int").alias("num_image_nodes"),
            F.sum(F.when(kept, F.col("store_length"))).alias("image_bytes"),
            F.max(is_nsfw).alias("has_nsfw"),
        )
    )
    documents = (
        _text_counts(run).join(images, "id", how="left").fillna(0, ["num_images", "num_image_nodes", "image_bytes"])
    )
    size = (
        F.col("text_bytes") + F.col("num_texts") * NODE_BYTES + F.col("num_images") * IMAGE_BYTES + F.col("image_bytes")
    )
    drops_document = run.recipe.nsfw.action == "drop_document"
    reason = F.coalesce(
        _when(F.col("num_texts") < config.min_texts, DocumentReason.NO_TEXT),
        _when(F.lit(drops_document) & F.coalesce("has_nsfw", F.lit(False)), DocumentReason.NSFW),
        _when(F.col("num_images") < config.min_images, DocumentReason.NO_IMAGES),
        _when(F.col("num_images") > config.max_images, DocumentReason.TOO_MANY_IMAGES),
    )
    decided = documents.withColumns({"num_bytes": size, "tier": F.lit(""), "drop_reason": reason})
    run.write("05_matches/decisions", DECISIONS, decided)


def kept_documents(run: Run, *columns: str) -> DataFrame:
    """Documents that 02 kept: id, the named columns, and `nodes` with `dropped_nodes` of 02."""
    from pyspark.sql import functions as F

    unique = run.table("unique").where(F.col("drop_reason").isNull()).select(*DOCUMENT_KEY, "dropped_nodes")
    documents = run.table("documents").select("id", *dict.fromkeys((*columns, *DOCUMENT_KEY)), "nodes")
    return documents.join(unique, DOCUMENT_KEY, how="inner")


def kept_texts(run: Run) -> DataFrame:
    """Rows (id, texts) of the documents that 02 kept; texts = array of (node, text) in page order."""
    from pyspark.sql import functions as F

    documents = kept_documents(run)
    numbered = F.transform(
        "nodes",
        lambda n, i: F.struct(i.alias("node"), n["text"].alias("text"), n["drop_reason"].alias("why")),
    )
    texts = F.filter(
        numbered,
        lambda n: n["text"].isNotNull() & n["why"].isNull() & ~F.array_contains("dropped_nodes", n["node"]),
    )
    return documents.select("id", F.transform(texts, lambda n: F.struct(n["node"], n["text"])).alias("texts"))


def shard_number(shards: int) -> Column:
    """int(id, 16) * shards >> 128 for the column `id`, exact for up to 2^20 shards: limbs of 40 bits and carries."""
    from pyspark.sql import functions as F

    def limb(start: int, digits: int) -> Column:
        return F.conv(F.substring("id", start, digits), 16, 10).cast("long") * F.lit(shards)

    carry = F.shiftright(limb(31, 2), 8)
    for start in (21, 11, 1):
        carry = F.shiftright(limb(start, 10) + carry, 40)
    return carry.cast("int")


def by_key(documents: DataFrame, name: str, slices: int, workers: int) -> DataFrame:
    """Documents with a `slice` NAME-000000, equal ranges of the id, ordered, over `workers` tasks (0: one each)."""
    from pyspark.sql import functions as F

    named = documents.withColumn("slice", F.format_string(f"{name}-%06d", shard_number(slices)))
    spread = named.repartition(workers or slices, "slice").sortWithinPartitions("slice", "id")
    return spread.select("slice", *documents.columns)


def _text_counts(run: Run) -> DataFrame:
    """Rows (id, num_texts, num_words, num_tokens, text_bytes) over the text nodes that are left."""
    from pyspark.sql import functions as F

    nodes = kept_documents(run).select("id", "dropped_nodes", F.posexplode_outer("nodes").alias("node", "n"))
    is_left = (
        F.col("n.text").isNotNull()
        & F.col("n.drop_reason").isNull()
        & ~F.array_contains("dropped_nodes", F.col("node"))
    )
    counts = nodes.groupBy("id").agg(
        F.count_if(is_left).cast("int").alias("num_texts"),
        F.sum(F.when(is_left, F.col("n.num_words"))).cast("int").alias("num_words"),
        F.sum(F.when(is_left, F.col("n.num_tokens"))).cast("int").alias("num_tokens"),
        F.sum(F.when(is_left, F.octet_length("n.text"))).cast("long").alias("text_bytes"),
    )
    return counts.fillna(0)


def _when(condition: Column, reason: DocumentReason) -> Column:
    from pyspark.sql import functions as F

    return F.when(condition, F.lit(str(reason)))
