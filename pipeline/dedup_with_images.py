"""Step 05, duplicates: documents that show the same images, and near-duplicates by text and images together.

Two documents are compared in both when text alone leaves a doubt: the same article between other adverts, menus or
comments shares most of its text and all of its pictures; a translation shares the pictures and none of the text. Each
band has `image_rows` rows of the image set's signature and the others of the text's, so the share of equal rows
estimates (1 - w) * J(text) + w * J(images) with w = image_rows / minhash.rows, without bias, and a pair becomes a
candidate only where both agree. A document's images are its pictures (`group_pictures`), whatever their sizes and
qualities; those of earlier runs are grouped with them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import xxhash

from filters import minhash
from pipeline import earlier_runs
from pipeline.dedup_documents import mark_best
from pipeline.near_duplicates import best_of_groups
from schemas.errors import ConfigError
from schemas.image import DUPLICATES
from schemas.reasons import DocumentReason

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyspark.sql import Column, DataFrame

    from pipeline.run import Run


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Recipe section [dedup_with_images]."""

    min_same_images: int = 0
    """Documents with the same set of at least so many images are one document; 0 = off (OBELICS: 1, there by URL). A
    translation goes too."""
    image_rows: int = 0
    """Rows of each band that compare images, of `minhash.rows`: their share is the weight of images; 0 = off."""
    threshold: float = 0.75
    """Weighted similarity from which two documents are one."""

    def __post_init__(self) -> None:
        if self.min_same_images < 0 or self.image_rows < 0:
            raise ConfigError("dedup_with_images.min_same_images and image_rows must not be negative")
        if not 0 < self.threshold <= 1:
            raise ConfigError(f"dedup_with_images.threshold={self.threshold}, want more than 0, at most 1")

    def check(self, text: minhash.Config) -> None:
        """Raise where there are not as many rows, or images alone would be enough.

        Raises:
            ConfigError: says which.
        """
        if self.image_rows >= text.rows:
            raise ConfigError(
                f"dedup_with_images.image_rows = {self.image_rows}, want less than {text.rows} minhash.rows"
            )
        if self.image_rows / text.rows >= self.threshold:
            raise ConfigError("dedup_with_images: images alone would reach the threshold: lower image_rows or raise it")


def make(run: Run) -> None:
    """Compare the documents that 02 kept by the images that they may show."""
    from pyspark.sql import functions as F

    config, text = run.recipe.dedup_with_images, run.recipe.minhash
    shown = run.table("references").where("drop_reason IS NULL AND picture IS NOT NULL").select("id", "picture")
    unique = run.table("unique").where("drop_reason IS NULL").select("id", "signature")
    captured = run.table("documents").select("id", "fetched_at", "num_words").dropDuplicates(["id"])
    described = unique.join(captured, "id", how="inner").join(image_sets(shown, text.num_perm), "id", how="inner")
    documents = described.withColumn("is_earlier", F.lit(False))
    signed, uses = earlier_runs.documents(run), earlier_runs.image_uses(run)
    if signed is not None and uses is not None:
        theirs = uses.join(run.table("pictures"), "sha256", how="inner").select("id", "picture")
        wanted = signed.select("id", "signature").join(image_sets(theirs, text.num_perm), "id", how="inner")
        documents = documents.unionByName(wanted.withColumn("is_earlier", F.lit(True)), allowMissingColumns=True)
    longest = [F.desc("num_words")] if run.recipe.dedup.keep == "best" else []
    order = [F.desc("is_earlier"), *longest, F.desc("fetched_at"), F.asc("id")]
    decided = mark(documents, config, text, order).where(~F.col("is_earlier"))
    run.write("05_matches/duplicates", DUPLICATES, decided)


def mark(documents: DataFrame, config: Config, text: minhash.Config, order: list[Column]) -> DataFrame:
    """Documents with `duplicate_of` and `drop_reason`; the first of each group by `order` is kept.

    Args:
        documents: id, signature, num_images, image_set, image_signature, is_earlier, and what `order` asks for.
        config: what counts as the same.
        text: bands and rows.
        order: ends in the id.
    """
    from pyspark.sql import functions as F
    from pyspark.sql.window import Window

    decided = documents.withColumns(
        {"drop_reason": F.lit(None).cast("string"), "duplicate_of": F.lit(None).cast("string")}
    )
    if config.min_same_images:
        same = Window.partitionBy("image_set").orderBy(*order)
        enough = documents.where(F.col("num_images") >= config.min_same_images)
        first = enough.withColumn("best", F.first("id").over(same)).where("id <> best").select("id", "best")
        decided = mark_best(decided, first, DocumentReason.SAME_IMAGES)
    if config.image_rows:
        alive = decided.where("drop_reason IS NULL AND signature IS NOT NULL AND num_images > 0")
        bands, rows, of_images = text.bands, text.rows, config.image_rows

        def mix(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
            for batch in batches:
                yield _mixed(batch, bands, rows, of_images)

        pairs = alive.select("id", "signature", "image_signature").mapInArrow(mix, "id STRING, signature BINARY")
        facts = alive.select("id", "is_earlier", "num_words", "fetched_at").join(pairs, "id", how="inner")
        compare = replace(text, num_perm=bands * rows, threshold=config.threshold, verify="estimated")
        decided = mark_best(decided, best_of_groups(facts, compare, order), DocumentReason.NEAR_DUPLICATE)
    return decided


def image_sets(shown: DataFrame, num_perm: int) -> DataFrame:
    """Rows (id, num_images, image_set, image_signature), one for each document of rows (id, picture)."""
    from pyspark.sql import functions as F

    sets = shown.groupBy("id").agg(F.array_sort(F.collect_set("picture")).alias("pictures"))

    def sign(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            yield _signed(batch, num_perm)

    return sets.mapInArrow(sign, "id STRING, num_images INT, image_set STRING, image_signature BINARY")


def _signed(batch: pa.RecordBatch, num_perm: int) -> pa.RecordBatch:
    hashes = batch.column("pictures").to_pylist()
    signatures = [minhash.signature(_values(names), num_perm).astype("<u4").tobytes() for names in hashes]
    columns = {
        "id": batch.column("id"),
        "num_images": pa.array([len(names) for names in hashes], pa.int32()),
        "image_set": pa.array([xxhash.xxh3_128_hexdigest("\n".join(names).encode()) for names in hashes], pa.string()),
        "image_signature": pa.array(signatures, pa.binary()),
    }
    return pa.RecordBatch.from_pydict(columns)


def _values(names: list[str]) -> npt.NDArray[np.uint64]:
    return np.array([xxhash.xxh3_64_intdigest(name.encode()) for name in names], dtype=np.uint64)


def _mixed(batch: pa.RecordBatch, bands: int, rows: int, of_images: int) -> pa.RecordBatch:
    """Signatures of `bands` bands, each of rows of the text and `of_images` rows of the image set."""

    def grid(name: str, width: int) -> npt.NDArray[np.uint32]:
        values = [np.frombuffer(value, dtype="<u4")[: bands * width] for value in batch.column(name).to_pylist()]
        return np.array(values, dtype=np.uint32).reshape(batch.num_rows, bands, width)

    both = np.concatenate([grid("signature", rows - of_images), grid("image_signature", of_images)], axis=2)
    stored = [row.astype("<u4").tobytes() for row in both]
    return pa.RecordBatch.from_pydict({"id": batch.column("id"), "signature": pa.array(stored, pa.binary())})
