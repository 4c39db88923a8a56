"""Step 05, embeddings: each image file that a document still shows is embedded once, whatever the documents."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from filters.clip import Config, load_cached
from filters.images.decode import decode
from pipeline.measure_images import by_prefix
from pipeline.slices import Guard, Work, run_keyed
from pipeline.store import Address, read_ranges
from schemas.image import EMBEDDINGS
from schemas.reasons import FileReason

if TYPE_CHECKING:
    from pipeline.run import Run

FILES_PER_SLICE = 2_000
MODEL_GUARD = Guard(record_seconds=1_800, worker_bytes=16 << 30)
"""A large model on one CPU core takes minutes for 64 pictures."""
FILES_AT_ONCE = 64
"""Pictures decoded at the same time: some 100 MB."""
CLIP_SIDE = 512
"""Least side in px of the picture that is handed to CLIP's own resizing; its inputs are 224 to 448 px."""


def make(run: Run) -> None:
    """Embed the files that have no embedding by this model yet; nothing where the recipe names none."""
    from pyspark.sql import functions as F

    config = run.recipe.clip
    if not config.scores:
        return
    folder = run.where("05_matches/embeddings")
    shown = run.table("references").where(F.col("drop_reason").isNull()).select("sha256").distinct()
    wanted = shown.join(run.table("embeddings").select("sha256"), "sha256", how="left_anti")
    files = run.table("files").select("sha256", "store_file", "store_offset", "store_length")
    missing = wanted.join(files, "sha256", how="inner")
    count = missing.count()
    if count == 0:
        return
    run.say(f"{count:,} image files to embed")
    sliced = by_prefix(
        missing, f"r{folder.next_round():04d}", max(1, math.ceil(count / FILES_PER_SLICE)), config.workers
    )
    process = embed_slice(config, str(run.folder))
    run.check("05_matches/embeddings", run_keyed(sliced, folder, process, MODEL_GUARD))


def embed_slice(config: Config, store: str) -> Any:
    """What a task does with one slice of files: read, decode, embed, write a row for each."""

    def process(work: Work) -> None:
        clip = load_cached(config)
        rows = {
            Address(row["store_file"], row["store_offset"], row["store_length"]): row["sha256"] for row in work.rows()
        }
        held: list[tuple[str, Any]] = []
        for address, data in read_ranges(store, rows):
            sha256 = rows[address]
            work.journal.note(sha256)
            picture = None if sha256 in work.journal.blamed else decode(data, draft_side=CLIP_SIDE)
            held.append((sha256, None if picture is None or isinstance(picture, FileReason) else picture.image))
            if len(held) >= work.at_once(FILES_AT_ONCE):
                work.together(held)
                work.out.write(EMBEDDINGS, _embedded(held, clip))
                held = []
        work.together(held)
        work.out.write(EMBEDDINGS, _embedded(held, clip))

    return process


def _embedded(held: list[tuple[str, Any]], clip: Any) -> list[dict[str, Any]]:
    vectors = iter(clip.embed_images([image for _, image in held if image is not None]))
    rows = []
    for sha256, image in held:
        vector = None if image is None else next(vectors)
        # Where the model's answer is no number the vector is zeros.
        embedding = vector.tolist() if vector is not None and vector.any() else []
        rows.append({"sha256": sha256, "embedding": embedding})
    return rows
