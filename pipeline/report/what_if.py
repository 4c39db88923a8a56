"""What if a threshold stood elsewhere: exact counts for one slider, a sample for several together.

Exact: for each slider, how many things that break no *other* rule are kept at each of its positions; numpy counts ranks
in each partition, Spark adds them up. Several at once: the ranks of 20,000 documents (and image URLs) go into the page,
whose script counts again; the difference to the run, scaled up, is an estimate with a standard error.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import reduce
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipeline.report.safe_text import visible
from pipeline.report.sliders import ALPHABET, Slider, encode, sliders
from pipeline.report.what_if_tables import Columns, Special, Stage, documents, references_of, stages

if TYPE_CHECKING:
    from pipeline.run import Run

SAMPLE = 20_000
"""Documents, and image URLs, whose ranks are embedded."""
NAMED = 1_500
"""Documents of the sample whose titles are embedded, so that what changes can be named."""
_COUNTS = "stage STRING, slider INT, position INT, things BIGINT"
Matrix = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
Batches = Iterator[pa.RecordBatch]


def what_if(run: Run) -> dict[str, Any]:
    """Everything that the page's script needs."""
    found = sliders(run.recipe)
    own = {stage: [s for s in found if s.stage == stage.name] for stage in stages(run)}
    moved = {stage: mine for stage, mine in own.items() if mine}
    counts = _exact(moved)
    by_stage = {
        stage.name: {"name": stage.name, "unit": stage.unit, **counts[stage.name], **_sample(stage, mine)}
        for stage, mine in moved.items()
    }
    return {
        "alphabet": ALPHABET,
        "sliders": [slider.as_json() for slider in found],
        "stages": by_stage,
        "joint": joint(run, found),
        "drops_document": run.recipe.nsfw.action == "drop_document",
        "min_images": run.recipe.assemble.min_images,
        "max_images": run.recipe.assemble.max_images,
    }


def judge(columns: Columns, special: Special, own: list[Slider]) -> tuple[Matrix, Flags]:
    """(ranks, ok): ranks (rows, sliders), and which rows no rule drops that has no slider.

    A row that its sliders would keep and that was dropped all the same was dropped by a rule that is not known here:
    it counts as dropped whatever the sliders say.
    """
    ranks = np.stack([slider.ranks(columns[slider.measure]) for slider in own], axis=1)
    ok = columns["ok"].astype(bool)
    ranks, ok = special(columns, ranks, ok, own)
    passes = (ranks > current(own)).all(axis=1)
    return ranks, ok & (columns["kept"].astype(bool) | ~passes)


def current(own: list[Slider]) -> Matrix:
    """The positions of the recipe, from the loosest; -1 = off."""
    return np.array([slider.current for slider in own], np.int64)


def count(ranks: Matrix, ok: Flags, own: list[Slider]) -> list[Matrix]:
    """For each slider how many rows, that break no other rule, have rank 0, 1, ..."""
    broken = ranks <= current(own)
    total = broken.sum(axis=1)
    return [
        np.bincount(ranks[ok & (total - broken[:, i] == 0), i], minlength=len(slider.positions) + 1)
        for i, slider in enumerate(own)
    ]


def as_numpy(batch: pa.RecordBatch) -> dict[str, npt.NDArray[Any]]:
    """The columns: numbers as float64 with NaN for null, booleans, texts as objects."""
    found: dict[str, npt.NDArray[Any]] = {}
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        if pa.types.is_boolean(column.type):
            found[name] = column.fill_null(False).to_numpy(zero_copy_only=False)
        elif pa.types.is_string(column.type):
            found[name] = column.to_numpy(zero_copy_only=False)
        else:
            found[name] = column.cast(pa.float64()).to_numpy(zero_copy_only=False)
    return found


def _exact(moved: dict[Stage, list[Slider]]) -> dict[str, dict[str, Any]]:
    """By stage: `kept` now of `total`, and for each slider the counts by rank; all stages in one query."""
    from pyspark.sql import DataFrame
    from pyspark.sql import functions as F

    parts = [
        stage.rows.drop("place", "url").mapInArrow(_tally(stage.name, stage.special, own), _COUNTS)
        for stage, own in moved.items()
    ]
    counted = reduce(DataFrame.unionByName, parts).groupBy("stage", "slider", "position").agg(F.sum("things"))
    found: dict[str, dict[str, Any]] = {}
    for stage, own in moved.items():
        empty = {slider.key: [0] * (len(slider.positions) + 1) for slider in own}
        found[stage.name] = {"kept": 0, "total": 0, "histograms": empty}
    keys = {stage.name: [slider.key for slider in own] for stage, own in moved.items()}
    for name, number, position, things in counted.collect():
        if number < 0:
            found[name][("kept", "total")[position]] += int(things)
        else:
            found[name]["histograms"][keys[name][number]][position] = int(things)
    return found


def _tally(name: str, special: Special, own: list[Slider]) -> Callable[[Batches], Batches]:
    """What a task does: rows of a stage become counts; closed over plain values, as rows cannot go to a worker."""

    def tally(batches: Batches) -> Batches:
        sums = [np.zeros(len(slider.positions) + 1, np.int64) for slider in own]
        kept = total = 0
        for batch in batches:
            total += batch.num_rows
            if batch.num_rows:
                columns = as_numpy(batch)
                kept += int(columns["kept"].sum())
                for mine, more in zip(sums, count(*judge(columns, special, own), own), strict=True):
                    mine += more
        rows = [(i, rank, int(n)) for i, mine in enumerate(sums) for rank, n in enumerate(mine) if n]
        rows += [(-1, 0, kept), (-1, 1, total)]
        columns_of = list(zip(*rows, strict=True))
        yield pa.RecordBatch.from_arrays(
            [
                pa.array([name] * len(rows), pa.string()),
                pa.array(columns_of[0], pa.int32()),
                pa.array(columns_of[1], pa.int32()),
                pa.array(columns_of[2], pa.int64()),
            ],
            names=["stage", "slider", "position", "things"],
        )

    return tally


def _sample(stage: Stage, own: list[Slider]) -> dict[str, Any]:
    """The ranks of the first rows by hash; a row that no slider can save is an empty text."""
    from pyspark.sql import functions as F

    rows = stage.rows.orderBy(F.xxhash64("place"), "place").limit(SAMPLE).drop("place", "url").toArrow()
    table = rows.combine_chunks()
    if not table.num_rows:
        return {"sample": []}
    ranks, ok = judge(as_numpy(table.to_batches()[0]), stage.special, own)
    return {"sample": [text if good else "" for text, good in zip(encode(ranks), ok, strict=True)]}


def joint(run: Run, found: list[Slider]) -> dict[str, Any]:
    """For each document of the sample, in the order of `stages.documents.sample`: its fate, tokens and images.

    The fate is `k` (went on to the end: its images are known), `d` (a duplicate), `x` (nothing saves it), `n` (dropped
    by thresholds in step 01: what would become of it later is not known).
    """
    rows = documents(run, SAMPLE)
    fates = [_fate(row) for row in rows]
    image_sliders = [slider for slider in found if slider.stage in ("images", "references")]
    images = references_of(run, [row["id"] for row, fate in zip(rows, fates, strict=True) if fate == "k"])
    ranks: dict[str, list[str]] = {}
    if images.num_rows:
        columns = as_numpy(images.combine_chunks().to_batches()[0])
        coded = encode(np.stack([slider.ranks(columns[slider.measure]) for slider in image_sliders], axis=1))
        for document, text in zip(columns["id"], coded, strict=True):
            ranks.setdefault(document, []).append(text)
    return {
        "fates": "".join(fates),
        "images": [
            "".join(ranks.get(row["id"], ())) if fate == "k" else "" for row, fate in zip(rows, fates, strict=True)
        ],
        "tokens": [row["num_tokens"] or 0 for row in rows],
        "kept": sum(1 for row in rows if row["is_in_shards"]),
        "names": [_name(row) for row in rows[:NAMED]],
        "image_sliders": [slider.key for slider in image_sliders],
    }


def _fate(row: dict[str, Any]) -> str:
    if row["drop_reason"] is not None:
        return "n" if row["has_measures"] else "x"
    if row["duplicate_reason"] is not None:
        return "d"
    return "k" if row["decided"] in (None, "no_images", "too_many_images", "nsfw") else "x"


def _name(row: dict[str, Any]) -> list[str]:
    hidden = not row["has_measures"]
    return ["", ""] if hidden else [visible(row["title"], 90), visible(row["site"], 60)]
