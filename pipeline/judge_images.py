"""Step 04, images: one row for each URL that 03 kept: its latest answer, the measures of its file, the decision.

Thresholds are judged here, on stored measures: moving one fetches, decodes and scores nothing. What is not safe, or
could not be scored where the recipe names a model, is erased from the store before the step is finished.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa

from filters.images import decontaminate
from filters.images.heads import is_outside
from filters.images.measures import Measures
from filters.images.near import Lookup
from filters.images.pdq import MIN_QUALITY, words
from filters.images.rules import judge, judge_faces
from filters.nsfw import Score
from filters.nsfw import judge as judge_safety
from pipeline.store import Address, erase
from schemas.image import IMAGES, LOOKS, SCORES
from schemas.reasons import FileReason

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyspark.sql import DataFrame

    from pipeline.recipe import Recipe
    from pipeline.run import Run

NOT_SAFE = (FileReason.NSFW, FileReason.NSFW_NOT_SCORED)


def make(run: Run) -> None:
    """Join links, answers and files, judge, erase what may not stay."""
    from pyspark.sql import functions as F
    from pyspark.sql.window import Window

    newest = Window.partitionBy("url").orderBy(F.desc("round"))
    ledger = run.table("ledger").withColumn("rank", F.row_number().over(newest)).where("rank = 1")
    answers = ledger.select("url", "status", "sha256")
    links = run.table("links").where(F.col("drop_reason").isNull()).select("url", "num_references")
    joined = links.join(answers, "url", how="inner").join(run.table("files"), "sha256", how="left")
    recipe, evaluation = run.recipe, decontaminate.hashes(run.recipe.decontaminate_images)

    def decide(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        known = Lookup(evaluation)
        for batch in batches:
            yield IMAGES.batch([_judged(row, recipe, known) for row in batch.to_pylist()])

    run.write("04_images/images", IMAGES, joined.mapInArrow(decide, IMAGES.ddl()))
    _erase(run, run.table("images"))


def _judged(row: dict[str, Any], recipe: Recipe, evaluation: Lookup) -> dict[str, Any]:
    """The row of IMAGES for a joined row."""
    failure = row.pop("failure")
    if row["status"] != "ok":
        reason: str | None = f"fetch:{row['status']}"
    else:
        found = FileReason(failure) if failure else _judge_file(row, recipe, evaluation)
        reason = None if found is None else f"file:{found}"
    return {**row, "drop_reason": reason}


def _judge_file(row: dict[str, Any], recipe: Recipe, evaluation: Lookup) -> FileReason | None:
    """Safety first: whatever else is wrong with it, a file that is not safe must be known as such."""
    is_scored = row["nsfw_score"] is not None
    score = Score(nsfw_score=row["nsfw_score"], num_faces=row["num_faces"]) if is_scored else None
    if (unsafe := judge_safety(score, recipe.nsfw)) is not None:
        return unsafe
    if recipe.nsfw_head.scores and row["nsfw_head_score"] is None:
        return FileReason.NSFW_NOT_SCORED
    if is_outside(row["nsfw_head_score"], recipe.nsfw_head):
        return FileReason.NSFW
    looks = {name: row[name] for name in LOOKS if name not in SCORES}
    measures = Measures(sha256=row["sha256"], num_bytes=row["store_length"], **looks)
    found = judge(measures, recipe.images) or judge_faces(row["num_faces"], recipe.images)
    if found is not None:
        return found
    if is_outside(row["watermark_score"], recipe.watermark):
        return FileReason.WATERMARK
    if is_outside(row["aesthetic_score"], recipe.aesthetic):
        return FileReason.AESTHETIC
    if measures.pdq_quality < MIN_QUALITY:
        return None
    nearest = evaluation.nearest(words([measures.pdq])[0], recipe.decontaminate_images.radius)
    return None if nearest is None else FileReason.CONTAMINATED


def _erase(run: Run, images: DataFrame) -> None:
    """Overwrite the bytes of files that are not safe: the addresses are few and small beside the store."""
    from pyspark.sql import functions as F

    reasons = [f"file:{reason}" for reason in NOT_SAFE]
    unscored = F.lit(False)
    for config, score in ((run.recipe.nsfw, "nsfw_score"), (run.recipe.nsfw_head, "nsfw_head_score")):
        unscored = unscored | (F.lit(config.scores) & (F.col("status") == "ok") & F.col(score).isNull())
    unsafe = images.where(F.col("drop_reason").isin(reasons) | unscored).select("sha256").distinct()
    place = ["sha256", "store_file", "store_offset", "store_length"]
    stored = (
        run.table("ledger").where("status = 'ok'").select(*place).unionByName(run.table("data_images").select(*place))
    )
    copies = stored.join(unsafe, "sha256", how="left_semi")
    addresses = copies.where("store_file IS NOT NULL").select("store_file", "store_offset", "store_length").distinct()
    store = str(run.folder)
    erased = erase(store, (Address(*row) for row in addresses.toLocalIterator()))
    if erased:
        run.say(f"{erased:,} image files that are not safe, or could not be scored, are erased from the store")
