"""Step 05, references: each image in each document, with what became of its URL and file, and repeats removed.

Three radii: the same picture earlier in the document, on many pages of the site, in many documents of the corpus; which
files show the same picture stands in `pictures`. Counts are taken before anything is removed here, over documents
whose image may be used; `count_in_corpus` is of equal bytes. The nodes that stay keep their order.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from filters.images.near import MAX_RADIUS
from filters.images.pdq import MIN_QUALITY, SAME
from pipeline import earlier_runs
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
    """A picture stands once in a document: its first place."""
    max_on_site: int = 0
    """Documents of one site that may show the same picture: logos and banners stand on many."""
    max_in_corpus: int = 10
    """Documents that may show the same picture, `dedup.against` counted; OBELICS drops over 10 (there by URL)."""
    excess: Literal["all", "rest"] = "all"
    """What goes where there are more: all (a picture that stands everywhere belongs to no document; OBELICS), or the
    rest after the first so many, in the order of the document ids."""
    radius: int = SAME
    """Bits of 256 up to which two PDQ hashes are one picture: 31 is its authors' bound (of the corpus's pairs up to it
    each is one picture, screens apart; from 32 on there are others), 0 equal hashes only, -1 equal bytes only."""
    text_radius: int = 8
    """As `radius`, where both pictures are rich in text (`images.text_rich`): screens that differ in the line that
    is marked are 10 and 12 bits apart."""
    min_quality: int = MIN_QUALITY
    """PDQ's quality below which a picture is flat, and only equal bytes make it the same."""

    max_in_document: int = 0
    """Images that a document keeps, the first ones in page order (KOSMOS-1: 5)."""

    def __post_init__(self) -> None:
        if min(self.max_on_site, self.max_in_corpus, self.max_in_document) < 0:
            raise ConfigError("dedup_images.max_on_site, max_in_corpus and max_in_document must not be negative")
        for name in ("radius", "text_radius"):
            if not -1 <= getattr(self, name) <= MAX_RADIUS:
                raise ConfigError(f"dedup_images.{name} = {getattr(self, name)}, want -1 to {MAX_RADIUS} bits")
        if not 0 <= self.min_quality <= 100:
            raise ConfigError(f"dedup_images.min_quality = {self.min_quality}, want 0 to 100")


def make(run: Run) -> None:
    """Join what is known of URLs and files to the references and judge repeats."""
    from pyspark.sql import functions as F

    links = run.table("links").select("url", F.concat(F.lit("url:"), "drop_reason").alias("url_reason"))
    images = run.table("images").select("url", "sha256", F.col("drop_reason").alias("image_reason"))
    pictures = run.table("pictures").select("sha256", "picture")
    nodes = image_nodes(run).join(links, "url", how="left").join(images, "url", how="left")
    opted_out = F.when(F.col("images_opted_out"), F.lit(str(ReferenceReason.OPTED_OUT)))
    known = nodes.withColumn("drop_reason", F.coalesce(opted_out, "url_reason", "image_reason"))
    shown = known.join(pictures, "sha256", how="left")
    earlier = earlier_runs.image_uses(run)
    uses = None if earlier is None else earlier.join(pictures, "sha256", how="inner").select("picture", "id", "site")
    judged = judge_repeats(shown, run.recipe.dedup_images, uses)
    run.write("05_matches/references", REFERENCES, judged)


def judge_repeats(references: DataFrame, config: Config, earlier: DataFrame | None = None) -> DataFrame:
    """References with their counts and the reason of those that repeat; counts are taken before anything goes.

    Args:
        references: id, site, node, url, sha256, picture, drop_reason (null = usable so far).
        config: how often is too often.
        earlier: picture, id, site of what documents of earlier runs show; it counts as repeats, not in
            `count_in_corpus`, and where the first so many are kept it comes first.
    """
    from pyspark.sql import functions as F
    from pyspark.sql.window import Window

    usable = F.col("drop_reason").isNull()
    seen = references.where(usable).select("sha256", "picture", "id", "site").distinct()
    files = seen.groupBy("sha256").agg(F.countDistinct("id").alias("count_in_corpus"))
    placed = seen.select("picture", "id", "site", F.lit(1).alias("turn"))
    if earlier is not None:
        shown = earlier.join(seen.select("picture").distinct(), "picture", how="left_semi")
        placed = placed.unionByName(shown.select("picture", "id", "site", F.lit(0).alias("turn")))
    placed = placed.groupBy("picture", "id", "site").agg(F.min("turn").alias("turn"))
    counted = placed.join(placed.groupBy("picture").agg(F.count("*").alias("picture_in_corpus")), "picture").join(
        placed.groupBy("picture", "site").agg(F.count("*").alias("picture_on_site")), ["picture", "site"]
    )
    of_site, of_corpus = "picture_on_site", "picture_in_corpus"
    if config.excess == "rest":
        of_site, of_corpus = "place_on_site", "place_in_corpus"
        counted = counted.withColumns(
            {
                of_site: F.row_number().over(Window.partitionBy("picture", "site").orderBy("turn", "id")),
                of_corpus: F.row_number().over(Window.partitionBy("picture").orderBy("turn", "id")),
            }
        )
    joined = references.join(files, "sha256", how="left").join(counted, ["picture", "id", "site"], how="left")
    in_document = Window.partitionBy(usable, "id", "picture").orderBy("node")
    ranked = joined.withColumn("rank", F.row_number().over(in_document))
    reason = F.coalesce(
        F.col("drop_reason"),
        _when(config.in_document, F.col("rank") > 1, ReferenceReason.DUPLICATE_IN_DOCUMENT),
        _when(config.max_on_site, F.col(of_site) > config.max_on_site, ReferenceReason.REPEATED_ON_SITE),
        _when(config.max_in_corpus, F.col(of_corpus) > config.max_in_corpus, ReferenceReason.REPEATED_IN_CORPUS),
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
