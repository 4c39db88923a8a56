"""Step 05, decisions: what each document is once texts and images were judged, and whether it goes into a shard.

Also the exact rule by which a key belongs to one of N equal ranges, in Spark's own integers.
"""

from __future__ import annotations

from dataclasses import dataclass, field
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
class Strict:
    """Bounds of the strict tier; what is kept and does not fulfil them is of the loose one. Inclusive."""

    min_images: int = 0
    max_images: int = MAX_IMAGES
    min_texts: int = 0
    max_texts: int = 1_000_000
    min_words: int = 0
    min_matched_share: float = 0.0
    """Least share of its images whose CLIP score with the matched text is `min_matched_score` or more."""
    min_matched_score: float = 0.25

    def __post_init__(self) -> None:
        if not 0 <= self.min_images <= self.max_images or not 0 <= self.min_texts <= self.max_texts:
            raise ConfigError("assemble.strict: 0 <= min <= max must hold for images and texts")
        if not 0 <= self.min_matched_share <= 1 or not -1 <= self.min_matched_score <= 1 or self.min_words < 0:
            raise ConfigError("assemble.strict: a share is in [0, 1], a score in [-1, 1], min_words not negative")


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Recipe section [assemble]. Bounds are inclusive."""

    min_images: int = 1
    max_images: int = 30
    """OBELICS keeps documents of 1 to 30 images (arXiv:2306.16527, A.1.4)."""
    min_texts: int = 1
    min_words_per_image: int = 0
    """Least number of words for each image, in documents of `words_from_images` or more."""
    words_from_images: int = 1
    single_image_share: float = 1.0
    """Share of the documents with one image that is kept, drawn by their ids (KOSMOS-1: half)."""
    tiers: bool = False
    """Say in each document whether it is of the strict or of the loose tier."""
    strict: Strict = field(default_factory=Strict)
    """Section [assemble.strict]."""

    def __post_init__(self) -> None:
        if not 0 <= self.min_images <= self.max_images <= MAX_IMAGES:
            raise ConfigError(
                f"assemble: 0 <= min_images={self.min_images} <= max_images={self.max_images} <= {MAX_IMAGES} must hold"
            )
        if self.min_texts < 0:
            raise ConfigError(f"assemble.min_texts={self.min_texts} must not be negative")
        if self.min_words_per_image < 0 or self.words_from_images < 1:
            raise ConfigError("assemble.min_words_per_image must not be negative, words_from_images at least 1")
        if not 0 <= self.single_image_share <= 1:
            raise ConfigError(f"assemble.single_image_share={self.single_image_share} must be in [0, 1]")


def make(run: Run) -> None:
    """Count what is left of each document and judge it as a whole."""
    from pyspark.sql import functions as F

    config = run.recipe.assemble
    matches = run.table("matches")
    sizes = run.table("images").select("url", "store_length", F.least("width", "height").alias("side"))
    # OBELICS judges safety in a later step than size: what a detector sees in an icon that stands on every page of a
    # site says nothing of those pages.
    is_large = F.coalesce(F.col("side") >= run.recipe.images.min_side, F.lit(True))
    is_nsfw = is_large & F.col("drop_reason").isin(f"file:{FileReason.NSFW}", f"file:{FileReason.NSFW_NOT_SCORED}")
    kept = F.col("drop_reason").isNull()
    images = (
        matches.join(sizes, "url", how="left")
        .groupBy("id")
        .agg(
            F.count_if(kept).cast("int").alias("num_images"),
            F.count("*").cast("int").alias("num_image_nodes"),
            F.sum(F.when(kept, F.col("store_length"))).alias("image_bytes"),
            F.max(is_nsfw).alias("has_nsfw"),
            F.count_if(kept & (F.col("clip_score") >= config.strict.min_matched_score)).alias("num_matched"),
        )
    )
    duplicates = run.table("duplicates").select("id", F.col("drop_reason").alias("duplicate"))
    documents = (
        _text_counts(run)
        .join(images, "id", how="left")
        .fillna(0, ["num_images", "num_image_nodes", "image_bytes", "num_matched"])
        .join(duplicates, "id", how="left")
    )
    size = (
        F.col("text_bytes") + F.col("num_texts") * NODE_BYTES + F.col("num_images") * IMAGE_BYTES + F.col("image_bytes")
    )
    drops_document = run.recipe.nsfw.action == "drop_document"
    reason = F.coalesce(
        _when(F.col("num_texts") < config.min_texts, DocumentReason.NO_TEXT),
        F.col("duplicate"),
        _when(F.lit(drops_document) & F.coalesce("has_nsfw", F.lit(False)), DocumentReason.NSFW),
        _when(F.col("num_images") < config.min_images, DocumentReason.NO_IMAGES),
        _when(F.col("num_images") > config.max_images, DocumentReason.TOO_MANY_IMAGES),
        _when(
            (F.col("num_images") >= config.words_from_images)
            & (F.col("num_words") < F.col("num_images") * config.min_words_per_image),
            DocumentReason.FEW_WORDS_PER_IMAGE,
        ),
        _when((F.col("num_images") == 1) & (_draw() >= config.single_image_share), DocumentReason.SAMPLED_OUT),
    )
    decided = documents.withColumns({"num_bytes": size, "tier": _tier(config), "drop_reason": reason})
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


def _draw() -> Column:
    """A number in [0, 1) for each document: of the end of its id, since the beginning says which shard it is in."""
    from pyspark.sql import functions as F

    return F.conv(F.substring("id", 25, 8), 16, 10).cast("double") / F.lit(float(1 << 32))


def _tier(config: Config) -> Column:
    """strict or loose; empty where the recipe has no tiers."""
    from pyspark.sql import functions as F

    if not config.tiers:
        return F.lit("")
    strict = config.strict
    is_strict = (
        F.col("num_images").between(strict.min_images, strict.max_images)
        & F.col("num_texts").between(strict.min_texts, strict.max_texts)
        & (F.col("num_words") >= strict.min_words)
        & (F.col("num_matched") >= F.col("num_images") * F.lit(strict.min_matched_share))
    )
    return F.when(is_strict, F.lit("strict")).otherwise(F.lit("loose"))


def _when(condition: Column, reason: DocumentReason) -> Column:
    from pyspark.sql import functions as F

    return F.when(condition, F.lit(str(reason)))
