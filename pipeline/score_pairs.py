"""Step 05, matches: the images of a document scored against its texts, and each assigned a text.

Text is embedded in the task that scores it and not stored. The similarity matrix and the assignment (mmc4's) stand
beside the natural order; which of the two a model is trained on is chosen when the shards are read.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from filters.assignment import assign
from filters.clip import Config, cosines, load_cached
from pipeline.assemble import by_key, kept_texts
from pipeline.embed import MODEL_GUARD
from pipeline.slices import Work, run_keyed
from schemas.image import MATCHES
from schemas.reasons import ReferenceReason

if TYPE_CHECKING:
    from pipeline.run import Run

DOCUMENTS_PER_SLICE = 5_000
DOCUMENTS_AT_ONCE = 64


def make(run: Run) -> None:
    """Score what can be scored; everything else passes through with its reason."""
    from pyspark.sql import functions as F

    config = run.recipe.clip
    references = run.table("references")
    unscored = {
        "similarity": F.lit(None).cast("array<double>"),
        "matched_node": F.lit(None).cast("int"),
        "clip_score": F.lit(None).cast("double"),
    }
    folder = run.where("05_matches/matches")
    if not config.scores:
        run.write("05_matches/matches", MATCHES, references.withColumns(unscored))
        return
    kept = references.where(F.col("drop_reason").isNull())
    run.write(
        "05_matches/matches",
        MATCHES,
        references.where("drop_reason is not null").withColumns(unscored),
        "dropped",
    )
    texts = kept_texts(run).join(kept.select("id").distinct(), "id", how="left_semi")
    shown = kept.join(run.table("embeddings"), "sha256", how="left")
    image = F.struct("node", "url", "sha256", "count_in_corpus", "embedding")
    images = shown.groupBy("id").agg(F.sort_array(F.collect_list(image)).alias("images"))
    documents = images.join(texts, "id", how="left")
    slices = max(1, math.ceil(images.count() / DOCUMENTS_PER_SLICE))
    sliced = by_key(documents, "key", slices, config.workers)
    run.check("05_matches/matches", run_keyed(sliced, folder, score_slice(config), MODEL_GUARD))


def score_slice(config: Config) -> Any:
    """What a task does with one slice of documents: embed their texts in full batches, score, assign, write."""

    def process(work: Work) -> None:
        clip = load_cached(config)
        held: list[dict[str, Any]] = []
        for row in work.rows():
            work.journal.note(row["id"])
            if row["id"] in work.journal.blamed:
                row = {**row, "texts": []}  # not scored, and not dropped for it
            held.append(row)
            if len(held) >= work.at_once(DOCUMENTS_AT_ONCE):
                work.together(held)
                work.out.write(MATCHES, _scored(held, clip, config))
                held = []
        work.together(held)
        work.out.write(MATCHES, _scored(held, clip, config))

    return process


def _scored(documents: list[dict[str, Any]], clip: Any, config: Config) -> list[dict[str, Any]]:
    texts = [text["text"] for document in documents for text in document["texts"] or []]
    vectors = clip.embed_texts(texts) if texts else np.zeros((0, 1), np.float32)
    rows: list[dict[str, Any]] = []
    start = 0
    for document in documents:
        nodes = [text["node"] for text in document["texts"] or []]
        rows += match(document, nodes, vectors[start : start + len(nodes)], config.min_score)
        start += len(nodes)
    return rows


def match(document: dict[str, Any], text_nodes: list[int], texts: np.ndarray, min_score: float) -> list[dict[str, Any]]:
    """The rows of MATCHES of one document.

    Args:
        document: `id` and `images` in page order, each node, url, sha256, count_in_corpus, embedding (empty where the
            file could not be embedded).
        text_nodes: indices into the document's nodes, of its kept texts in page order.
        texts: float32 (texts, width), unit length.
        min_score: an image whose best text is below is dropped. An unscored image never is.
    """
    images = document["images"]
    scored = [image for image in images if image["embedding"] and len(text_nodes)]
    matrix = cosines(np.array([image["embedding"] for image in scored], np.float32), texts) if scored else []
    kept = [row for row in matrix if max(row) >= min_score]
    columns = iter(assign(kept))
    by_node = {image["node"]: row for image, row in zip(scored, matrix, strict=True)}
    rows = []
    for image in images:
        scores = by_node.get(image["node"])
        is_low = scores is not None and max(scores) < min_score
        column = next(columns) if scores is not None and not is_low else -1
        rows.append(
            {
                "id": document["id"],
                **{name: image[name] for name in ("node", "url", "sha256", "count_in_corpus")},
                "similarity": scores,
                "matched_node": None if column < 0 else text_nodes[column],
                "clip_score": None if scores is None or column < 0 else scores[column],
                "drop_reason": str(ReferenceReason.LOW_SCORE) if is_low else None,
            }
        )
    return rows
