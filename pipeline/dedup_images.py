"""Step 05, references: each image in each document, with what became of its URL and file, and repeats removed.

Three radii: the same picture earlier in the document, on many pages of the site, in many documents of the corpus.
`count_in_corpus` is taken before anything is removed here, over documents whose image may be used.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.list_images import image_nodes
from schemas.errors import ConfigError
from schemas.image import REFERENCES
from schemas.reasons import ReferenceReason

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

    from pipeline.run import Run


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Recipe section [dedup_images]. Bounds are inclusive; 0 = off."""

    in_document: bool = True
    max_on_site: int = 0
    """Documents of one site that may show the same bytes: logos and banners stand on many."""
    max_in_corpus: int = 10
    """Documents of the run that may show the same bytes; OBELICS drops over 10 (there by URL)."""

    max_in_document: int = 0
    """Images that a document keeps, the first ones in page order (KOSMOS-1: 5)."""

    def __post_init__(self) -> None:
        if min(self.max_on_site, self.max_in_corpus, self.max_in_document) < 0:
            raise ConfigError("dedup_images.max_on_site, max_in_corpus and max_in_document must not be negative")


def make(run: Run) -> None:
    """Join what is known of URLs and files to the references and judge repeats."""
    from pyspark.sql import functions as F

    links = run.table("links").select("url", F.concat(F.lit("url:"), "drop_reason").alias("url_reason"))
    images = run.table("images").select("url", "sha256", "phash", F.col("drop_reason").alias("image_reason"))
    nodes = image_nodes(run).join(links, "url", how="left").join(images, "url", how="left")
    opted_out = F.when(F.col("images_opted_out"), F.lit(str(ReferenceReason.OPTED_OUT)))
    known = nodes.withColumn("drop_reason", F.coalesce(opted_out, "url_reason", "image_reason"))
    run.write("05_matches/references", REFERENCES, judge_repeats(known, run.recipe.dedup_images))


def judge_repeats(references: DataFrame, config: Config) -> DataFrame:
    """References with `count_in_corpus` and the reason of those that repeat.

    Args:
        references: id, site, node, url, sha256, phash, drop_reason (null = usable so far).
    """
    from pyspark.sql import functions as F
    from pyspark.sql.window import Window

    usable = F.col("drop_reason").isNull()
    seen = references.where(usable).select("sha256", "id", "site").distinct()
    in_corpus = seen.groupBy("sha256").agg(F.countDistinct("id").alias("count_in_corpus"))
    on_site = seen.groupBy("sha256", "site").agg(F.countDistinct("id").alias("count_on_site"))
    counted = references.join(in_corpus, "sha256", how="left").join(on_site, ["sha256", "site"], how="left")
    # The perceptual hash is that of the picture: other sizes and qualities of it share it, other bytes or not.
    picture = Window.partitionBy(usable, "id", F.coalesce("phash", "sha256")).orderBy("node")
    ranked = counted.withColumn("rank", F.row_number().over(picture))
    reason = F.coalesce(
        F.col("drop_reason"),
        _when(config.in_document, F.col("rank") > 1, ReferenceReason.DUPLICATE_IN_DOCUMENT),
        _when(config.max_on_site, F.col("count_on_site") > config.max_on_site, ReferenceReason.REPEATED_ON_SITE),
        _when(
            config.max_in_corpus,
            F.col("count_in_corpus") > config.max_in_corpus,
            ReferenceReason.REPEATED_IN_CORPUS,
        ),
    )
    return first_of_document(ranked.withColumn("drop_reason", reason), config.max_in_document)


def first_of_document(references: DataFrame, limit: int) -> DataFrame:
    """References of which each document keeps the first `limit` in page order; 0 keeps all."""
    from pyspark.sql import functions as F
    from pyspark.sql.window import Window

    if not limit:
        return references
    place = F.row_number().over(Window.partitionBy(F.col("drop_reason").isNull(), "id").orderBy("node"))
    surplus = F.when(F.col("place_in_document") > limit, F.lit(str(ReferenceReason.SURPLUS)))
    placed = references.withColumn("place_in_document", place)
    return placed.withColumn("drop_reason", F.coalesce("drop_reason", surplus)).drop("place_in_document")


def _when(active: bool | int, condition: Column, reason: ReferenceReason) -> Column:
    from pyspark.sql import functions as F

    return F.when(condition, F.lit(str(reason))) if active else F.lit(None).cast("string")
