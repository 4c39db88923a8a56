"""Step 04, files: each distinct image that was fetched is read from the store once, measured, and scored for safety."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from filters.images.decode import decode
from filters.images.heads import Config as HeadConfig
from filters.images.heads import Scorer
from filters.images.heads import load_cached as load_scorer
from filters.images.measures import measure
from filters.nsfw import Config as NsfwConfig
from filters.nsfw import Detector
from filters.nsfw import load_cached as load_detector
from pipeline.slices import Guard, Work, run_keyed
from pipeline.store import Address, read_ranges
from schemas.image import FILES, LOOKS
from schemas.reasons import FileReason

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from pipeline.run import Run

FILES_PER_SLICE = 2_000
"""About 100 MB of pictures: some minutes of work, which is what a kill can lose."""

FILES_AT_ONCE = 64
"""Pictures decoded at the same time: some 40 MB."""
SCORED_SIDE = 320
"""Least side in px of the picture that models see: NudeNet looks at 320 x 320 (3.4, 320n.onnx), CLIP at 224 to 336."""
HEADS = ("nsfw_head", "watermark", "aesthetic")
"""Sections of the recipe that name a model by path; the score of each is a column."""

HEADS_GUARD = Guard(record_seconds=1_800, worker_bytes=16 << 30)
"""A large CLIP model under a head takes minutes for 64 pictures on one CPU core."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Models:
    """What scores the files."""

    nsfw: NsfwConfig
    heads: tuple[tuple[str, HeadConfig], ...] = ()

    def load(self) -> tuple[Detector | None, dict[str, Scorer]]:
        """The detector, and the scorer of each column; before the first record is noted, which is not to blame."""
        detector = load_detector(self.nsfw) if self.nsfw.scores else None
        return detector, {f"{name}_score": load_scorer(config) for name, config in self.heads}


def make(run: Run) -> None:
    """Measure the files that have no measures yet."""
    from pyspark.sql import functions as F

    folder = run.where("04_images/files")
    answered = (
        run.table("ledger")
        .where("status = 'ok'")
        .groupBy("sha256")
        .agg(F.min(F.struct("store_file", "store_offset", "store_length")).alias("at"))
    )
    missing = answered.join(run.table("files").select("sha256"), "sha256", how="left_anti").select("sha256", "at.*")
    count = missing.count()
    if count == 0:
        return
    run.say(f"{count:,} image files to measure")
    sliced = by_prefix(
        missing, f"r{folder.next_round():04d}", max(1, math.ceil(count / FILES_PER_SLICE)), run.recipe.nsfw.workers
    )
    sections = {name: getattr(run.recipe, name) for name in HEADS}
    models = Models(nsfw=run.recipe.nsfw, heads=tuple((n, c) for n, c in sections.items() if c.scores))
    process = measure_slice(models, str(run.folder))
    run.check("04_images/files", run_keyed(sliced, folder, process, HEADS_GUARD if models.heads else Guard()))


def by_prefix(files: DataFrame, name: str, slices: int, workers: int) -> DataFrame:
    """Rows with a `slice`, equal ranges of `sha256`, ordered within, over `workers` tasks (0: one a slice)."""
    from pyspark.sql import functions as F

    number = F.floor(F.conv(F.substring("sha256", 1, 8), 16, 10).cast("long") * slices / F.lit(1 << 32)).cast("int")
    named = files.withColumn("slice", F.format_string(f"{name}-%06d", number))
    spread = named.repartition(workers or slices, "slice").sortWithinPartitions("slice", "sha256")
    return spread.select("slice", *files.columns)


def measure_slice(models: Models, store: str) -> Any:
    """What a task does with one slice of files: read, measure, score, write a row for each."""

    def process(work: Work) -> None:
        loaded = models.load()
        rows = {
            Address(row["store_file"], row["store_offset"], row["store_length"]): row["sha256"] for row in work.rows()
        }
        held: list[tuple[dict[str, Any], bytes]] = []
        for address, data in read_ranges(store, rows):
            sha256 = rows[address]
            work.journal.note(sha256)
            failure = FileReason.CRASHED if sha256 in work.journal.blamed else None
            held.append((_measured(sha256, address, data, failure), data))
            if len(held) >= work.at_once(FILES_AT_ONCE):
                work.together(held)
                work.out.write(FILES, _scored(held, *loaded))
                held = []
        work.together(held)
        work.out.write(FILES, _scored(held, *loaded))

    return process


def _measured(sha256: str, address: Address, data: bytes, failure: FileReason | None) -> dict[str, Any]:
    """The row of a file, not yet scored."""
    row: dict[str, Any] = dict.fromkeys((*LOOKS, "failure"))
    row |= {
        "sha256": sha256,
        "store_file": address.file,
        "store_offset": address.offset,
        "store_length": address.length,
    }
    measures = failure or measure(data)
    if isinstance(measures, FileReason):
        return row | {"failure": str(measures)}
    return row | {name: getattr(measures, name) for name in LOOKS if hasattr(measures, name)}


def _scored(
    held: list[tuple[dict[str, Any], bytes]], detector: Detector | None, scorers: dict[str, Scorer]
) -> list[dict[str, Any]]:
    """The rows with the scores of the recipe's models, where the file could be decoded."""
    if detector is None and not scorers:
        return [row for row, _ in held]
    pictures = [(row, decode(data, draft_side=SCORED_SIDE)) for row, data in held if row["failure"] is None]
    readable = [(row, picture.image) for row, picture in pictures if not isinstance(picture, FileReason)]
    images = [image for _, image in readable]
    if detector is not None:
        for (row, _), score in zip(readable, detector.score(images), strict=True):
            if score is not None:
                row |= {"nsfw_score": score.nsfw_score, "num_faces": score.num_faces}
    for column, scorer in scorers.items():
        for (row, _), number in zip(readable, scorer.score(images), strict=True):
            row[column] = number
    return [row for row, _ in held]
