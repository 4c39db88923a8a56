"""Rows of step 01 judged again under other thresholds: no HTML is read, and text only where nothing else will do.

A commit record of step 01 says which measures its rows hold (`Run.measured`). A slice that is wanted under new
thresholds and was measured before is copied column by column, with new decisions. Its text is read for two things: the
tokens of nodes that were dropped before, and measures over surviving nodes that are no sums (`Judge.measured_again`).
A slice is left to be read from its archive where a page comes back whose `data:` images were never stored.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from filters.text import tokens, word_lists
from filters.text.fields import DocumentMeasures, NodeMeasures
from filters.text.models import load as load_models
from filters.text.rule_sets import document_rules
from filters.text.surviving import no_sums
from pipeline.commits import Commit, StepFolder
from pipeline.judge_text import Judge, Judged, judge_of
from pipeline.slices import Guard, Process, Work, run_listed
from schemas.document import DOCUMENTS, INPUTS
from schemas.errors import InputError
from schemas.image import DATA_IMAGES

if TYPE_CHECKING:
    from pipeline.recipe import Recipe
    from pipeline.run import Run

STEP = "01_documents"
MEASURED = "measured"
"""The key of a commit record's `extra` that stands for the measures of its rows."""
FROM_TEXT = "from_text"
"""The key under which a slice that was judged again says what it read text for."""
ROWS_AT_ONCE = 200
TABLES = (DOCUMENTS, INPUTS, DATA_IMAGES)


class NeedsArchive(Exception):
    """A page comes back, and what was not stored of it is wanted."""


def make(run: Run) -> None:
    """Step 01 of `weft rejudge`: stored rows only.

    Raises:
        InputError: there are slices whose archives are needed.
    """
    from_stored(run, Guard(worker_bytes=run.recipe.extract.worker_bytes))
    left = [name for name, _ in run.inputs if not run.where(STEP).is_committed(name)]
    if left:
        raise InputError(
            f"{len(left)} of {len(run.inputs)} slices cannot be judged from what is stored (never measured so, or pages"
            " with data: images come back): weft run with the same --set reads their archives"
        )


def from_stored(run: Run, guard: Guard) -> None:
    """Judge again what was measured before under other thresholds; slices that need their archive are left."""
    items = stored(run)
    if not items:
        return
    run.say(f"{STEP}: {len(items)} of {len(run.inputs)} slices were measured before and are judged again")
    errors = run_listed(run.spark, run.where(STEP), items, rejudge_slice(run.recipe, run.measured(STEP)), guard)
    run.check(STEP, [error for error in errors if NeedsArchive.__name__ not in error])


def stored(run: Run) -> list[tuple[str, str]]:
    """(slice, payload) of the inputs that are not done, but were measured alike under other thresholds."""
    current = run.where(STEP)
    wanted = {name for name, _ in run.inputs if not current.is_committed(name)}
    found: dict[str, str] = {}
    folders = sorted(path for path in current.path.parent.glob("*") if path.is_dir() and path != current.path)
    for path in folders if wanted else ():
        for name, commit in StepFolder(path).commits().items():
            if name in wanted and commit.extra.get(MEASURED) == run.measured(STEP):
                found[name] = json.dumps(_paths(StepFolder(path), commit))
    return sorted(found.items())


def from_text(run: Run) -> dict[str, int]:
    """What the run's rejudged slices read text for: nodes whose tokens, documents whose measures were taken."""
    sums: dict[str, int] = {}
    for commit in run.commits(STEP):
        for name, count in commit.extra.get(FROM_TEXT, {}).items():
            sums[name] = sums.get(name, 0) + count
    return sums


def bounds_on_text(recipe: Recipe) -> list[str]:
    """The bounds of the recipe that look at measures over surviving nodes which are no sums."""
    if recipe.text.judge_over != "surviving":
        return []
    rules = recipe.text.resolve()
    every = [rules.document, *(document_rules(rules, code) for code in rules.of_language)]
    return sorted({bound for bounds in every for bound in no_sums(bounds)})


def rejudge_slice(recipe: Recipe, measured: str) -> Process:
    """What a task does with one slice: its rows with new decisions."""

    def process(work: Work) -> None:
        paths = json.loads(next(work.rows())["payload"])
        judge = judge_of(recipe.language, recipe.text, recipe.decontaminate, _lists(), load_models(recipe.text.models))
        known = {row["url"] for path in paths[DATA_IMAGES.name] for row in pq.read_table(path).to_pylist()}
        count_tokens = _Counter()
        shown: set[str] = set()
        for path in paths[DOCUMENTS.name]:
            for batch in pq.ParquetFile(path).iter_batches(ROWS_AT_ONCE):
                again = rejudge_batch(batch, judge, count_tokens)
                shown |= _data_urls(again, known)
                work.out.write_batch(DOCUMENTS, again)
        for path in paths[INPUTS.name]:
            work.out.write(INPUTS, pq.read_table(path).to_pylist())
        for path in paths[DATA_IMAGES.name]:
            work.out.write(DATA_IMAGES, [row for row in pq.read_table(path).to_pylist() if row["url"] in shown])
        work.extra[MEASURED] = measured
        work.extra[FROM_TEXT] = {"tokens of nodes": count_tokens.counted, "measures of documents": judge.measured_again}

    return process


def rejudge_batch(batch: pa.RecordBatch, judge: Judge, count_tokens: Callable[[str], int]) -> pa.RecordBatch:
    """Rows of DOCUMENTS with decisions and what follows from them anew; pages that were never measured stay."""
    nodes = batch.column("nodes")
    starts = nodes.offsets.to_pylist()
    fields = dict(zip([field.name for field in nodes.type.value_type], nodes.values.flatten(), strict=True))
    rows = batch.select(["language", "language_score", "measures", "contaminated_runs", "drop_reason"]).to_pylist()
    reasons, counts = fields["drop_reason"].to_pylist(), fields["num_tokens"].to_pylist()
    words = fields["num_words"].to_pylist()
    node_measures = fields["measures"].to_pylist()
    texts = fields["text"]
    drops, num_words, num_tokens = [], [], []
    for row, start, end in zip(rows, starts, starts[1:], strict=False):
        places = [place for place in range(start, end) if node_measures[place] is not None]
        if row["measures"] is None:
            drops.append(row["drop_reason"])
        else:
            known = _known(row, [node_measures[place] for place in places], texts, places)
            drop, why = judge.page(known)
            drops.append(None if drop is None else str(drop))
            for place, reason in zip(places, why, strict=True):
                reasons[place] = None if reason is None else str(reason)
                if drop is not None or reason is not None:
                    counts[place] = None
                elif counts[place] is None:
                    counts[place] = count_tokens(texts[place].as_py())
        num_words.append(sum(words[place] for place in places if reasons[place] is None))
        num_tokens.append(sum(counts[place] or 0 for place in places))
    fields["drop_reason"] = pa.array(reasons, pa.string())
    fields["num_tokens"] = pa.array(counts, pa.int32())
    struct = pa.StructArray.from_arrays(list(fields.values()), fields=list(nodes.type.value_type))
    new = {
        "nodes": pa.ListArray.from_arrays(nodes.offsets, struct, type=DOCUMENTS.arrow.field("nodes").type),
        "num_words": pa.array(num_words, pa.int32()),
        "num_tokens": pa.array(num_tokens, pa.int32()),
        "drop_reason": pa.array(drops, pa.string()),
    }
    columns = [new.get(name, batch.column(name)) for name in DOCUMENTS.arrow.names]
    return pa.RecordBatch.from_arrays(columns, schema=DOCUMENTS.arrow)


class _Counter:
    """Counts tokens, and how often it was asked."""

    def __init__(self) -> None:
        self.counted = 0

    def __call__(self, text: str) -> int:
        self.counted += 1
        return _tokenizer().count(text)


def _known(row: dict[str, Any], measures: Sequence[dict[str, Any]], texts: pa.Array, places: Sequence[int]) -> Judged:
    return Judged(
        language=row["language"],
        score=row["language_score"],
        measures=DocumentMeasures(**row["measures"]),
        nodes=[NodeMeasures(**one) for one in measures],
        texts=lambda: texts.take(pa.array(places)).to_pylist(),
        contaminated_runs=row["contaminated_runs"],
    )


def _data_urls(after: pa.RecordBatch, known: set[str]) -> set[str]:
    """The data: images of pages that are kept.

    Raises:
        NeedsArchive: bytes of one were never stored, as its page was dropped.
    """
    kept = pc.and_(pc.is_null(after.column("drop_reason")), pc.invert(after.column("images_opted_out")))
    urls = pc.struct_field(pc.list_flatten(after.filter(kept).column("nodes")), "image_url")
    shown = {url for url in urls.unique().to_pylist() if url is not None and url.startswith("data:")}
    if missing := shown - known:
        raise NeedsArchive(f"{len(missing)} data: images of pages that come back were not stored")
    return shown


def _paths(folder: StepFolder, commit: Commit) -> dict[str, list[str]]:
    return {
        table.name: [str(folder.path / file.path) for file in commit.files if file.table == table.name]
        for table in TABLES
    }


@cache
def _lists() -> word_lists.Lists:
    return word_lists.load()


@cache
def _tokenizer() -> tokens.Tokenizer:
    return tokens.load()
