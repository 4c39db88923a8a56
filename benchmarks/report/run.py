"""How long the report of a large run takes, and how large its page is: tables made up here, no page and no picture.

    python benchmarks/report/run.py [--documents 10000000] [--out DIR] [--master local[*]] [--keep]

Writes the tables of a finished run (texts of a line, links as skewed as those of the web, measures from plausible
distributions), commits them as steps do, makes the report and prints bytes of the tables, seconds and CPU
seconds of the report, peak memory, bytes of the page.
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.commits import Commit, Cost, DataFile
from pipeline.flow import FLOW
from pipeline.recipe import load
from pipeline.report import report
from pipeline.run import Run
from pipeline.session import build_session
from schemas.document import DECISIONS, DOCUMENTS, INPUTS, NODE, UNIQUE
from schemas.image import FILES, IMAGES, LEDGER, LINKS, MATCHES, REFERENCES
from schemas.measures import DOCUMENT_MEASURES
from schemas.table import Table

BATCH = 200_000
TEXT = "The ferry leaves at nine from the old pier, and the children wave until it has passed the lighthouse."
SLICE = "in0"


def column(table: Table, name: str, values: object) -> pa.Array:
    """Values as the column's type."""
    return pa.array(values, table.arrow.field(name).type)


def filled(table: Table, rows: int, known: dict[str, object]) -> pa.Table:
    """The table's columns: those that are known, null or empty for the rest."""
    columns = []
    for field in table.arrow:
        if field.name in known:
            value = known[field.name]
            columns.append(value if isinstance(value, pa.Array) else pa.array(value, field.type))
        elif field.nullable:
            columns.append(pa.nulls(rows, field.type))
        else:
            columns.append(pa.array([_nothing(field.type)] * rows, field.type))
    return pa.Table.from_arrays(columns, schema=table.arrow)


def _nothing(dtype: pa.DataType) -> object:
    if pa.types.is_list(dtype):
        return []
    if pa.types.is_timestamp(dtype):
        return datetime(2024, 5, 18, tzinfo=UTC)
    return 0 if pa.types.is_integer(dtype) else {pa.string(): "", pa.bool_(): False, pa.float64(): 0.0}[dtype]


class Made:
    """The made-up run: ids by number, image URLs by number, everything else drawn."""

    def __init__(self, documents: int, seed: int = 7) -> None:
        self.documents = documents
        self.urls = documents * 3 // 2
        self.dice = np.random.default_rng(seed)

    def batches(self) -> Iterator[tuple[np.ndarray, list[str], np.ndarray]]:
        """(numbers, ids, images of each)."""
        for start in range(0, self.documents, BATCH):
            numbers = np.arange(start, min(self.documents, start + BATCH))
            hashes = (numbers.astype(np.uint64) + 1) * np.uint64(0x9E3779B97F4A7C15)
            ids = [
                f"{value:016x}{number:016x}" for value, number in zip(hashes.tolist(), numbers.tolist(), strict=True)
            ]
            yield numbers, ids, 1 + numbers * 7 % 4

    def links_of(self, numbers: np.ndarray, images: np.ndarray) -> np.ndarray:
        """The image URLs of documents, few of them on very many pages (a power of a uniform number)."""
        places = np.repeat(numbers, images).astype(np.float64) * 4 + _within(images)
        uniform = (places * 0.6180339887498949) % 1
        return np.minimum((uniform**3 * self.urls).astype(np.int64), self.urls - 1)


def _within(images: np.ndarray) -> np.ndarray:
    ends = np.cumsum(images)
    return np.arange(ends[-1]) - np.repeat(ends - images, images)


def url_names(numbers: np.ndarray) -> list[str]:
    """The URLs of those numbers."""
    return [f"http://h{n % 50_000}.example/i/{n}.jpg" for n in numbers.tolist()]


def dropped(numbers: np.ndarray) -> pa.Array:
    """Why step 01 drops a document: one in eight is too short, one in fifty in a language that is not sure."""
    names = np.where(numbers % 8 == 3, "too_few_words", np.where(numbers % 50 == 6, "language_score", ""))
    return pa.array([name or None for name in names.tolist()], pa.string())


def document_batch(made: Made, numbers: np.ndarray, ids: list[str], images: np.ndarray) -> pa.Table:
    """Rows of DOCUMENTS."""
    rows, dice = len(numbers), made.dice
    words = np.where(numbers % 8 == 3, 5, 30 + dice.geometric(1 / 400, rows)).astype(np.int32)
    measures = {field.name: np.round(dice.beta(1, 60, rows), 4) for field in DOCUMENT_MEASURES}
    measures |= {"num_words": words, "mean_word_length": np.full(rows, 5.0), "alphabetic_words": np.full(rows, 0.98)}
    measures |= {
        "stop_words": np.round(dice.beta(8, 12, rows), 4),
        "punctuation": np.round(dice.beta(6, 60, rows) + 0.02, 4),
    }
    struct = pa.StructArray.from_arrays(
        [pa.array(measures[field.name]).cast(field.type, safe=False) for field in DOCUMENT_MEASURES],
        fields=list(DOCUMENT_MEASURES),
    )
    known: dict[str, object] = {
        "id": ids,
        "url": [f"http://s{n % 90_000}.example/p/{n}" for n in numbers.tolist()],
        "site": [f"s{int(90_000 * (n * 0.6180339887498949 % 1) ** 2)}.example" for n in numbers.tolist()],
        "warc_filename": ["crawl.warc.gz"] * rows,
        "warc_record_offset": numbers,
        "title": [f"Page {n}" for n in numbers.tolist()],
        "language": dice.choice(["en", "de", "fr", "ja", "ru"], rows, p=[0.5, 0.2, 0.1, 0.1, 0.1]).tolist(),
        "language_score": np.where(numbers % 50 == 6, 0.3, np.round(0.7 + 0.3 * dice.random(rows), 4)),
        "num_words": words,
        "num_tokens": (words * 1.4).astype(np.int32),
        "measures": struct,
        "nodes": nodes(made, numbers, images),
        "drop_reason": dropped(numbers),
    }
    return filled(DOCUMENTS, rows, known)


def nodes(made: Made, numbers: np.ndarray, images: np.ndarray) -> pa.ListArray:
    """A text, then the images of each document."""
    sizes = images + 1
    is_text = _within(sizes) == 0
    urls = np.full(int(sizes.sum()), None, object)
    urls[~is_text] = url_names(made.links_of(numbers, images))
    known = {
        "role": pa.array(np.where(is_text, "paragraph", "image")),
        "text": pa.array(np.where(is_text, TEXT, None)),
        "image_url": pa.array(urls, pa.string()),
        "num_words": pa.array(np.where(is_text, 19, 0).astype(np.int32)),
        "num_tokens": pa.array(np.where(is_text, 23, 0).astype(np.int32)),
    }
    arrays = [known.get(field.name, pa.nulls(len(urls), field.type)) for field in NODE]
    offsets = pa.array(np.concatenate([[0], np.cumsum(sizes)]).astype(np.int32))
    return pa.ListArray.from_arrays(offsets, pa.StructArray.from_arrays(arrays, fields=list(NODE)))


def image_tables(made: Made, kept: np.ndarray, counts: np.ndarray) -> Iterator[tuple[Table, pa.Table]]:
    """LINKS, LEDGER and IMAGES of the URLs that are referenced: one in ten is dead, one in twelve too small."""
    for start in range(0, len(kept), BATCH):
        part = kept[start : start + BATCH]
        rows, urls = len(part), url_names(part)
        dead, small = part % 10 == 1, part % 12 == 5
        side = np.where(small, 60, 200 + part % 1_800).astype(np.int32)
        references = counts[part]
        sha256 = [None if d else f"{n // 2:064x}" for n, d in zip(part.tolist(), dead.tolist(), strict=True)]
        status = np.where(dead, "http_4xx", "ok").tolist()
        reason = [
            ("fetch:http_4xx" if d else "file:too_small" if s else None) for d, s in zip(dead, small, strict=True)
        ]
        yield LINKS, filled(LINKS, rows, {"url": urls, "num_references": references})
        answer = {
            "url": urls,
            "status": status,
            "sha256": sha256,
            "http_status": np.where(dead, 404, 200).astype(np.int32),
        }
        yield LEDGER, filled(LEDGER, rows, answer)
        looks = {name: made.dice.beta(2, 5, rows).round(4) for name in ("nsfw_score",)}
        looks["nsfw_score"] = looks["nsfw_score"] * 0.2
        known: dict[str, object] = {"url": urls, "num_references": references, "status": status, "sha256": sha256}
        known |= {"width": side, "height": (side * 0.8).astype(np.int32) + 30, "format": ["jpeg"] * rows, **looks}
        known |= {"colour_spread": np.full(rows, 90, np.int32), "entropy": np.full(rows, 6.5), "sharpness": side * 1.5}
        known |= {
            "phash": [f"{n // 3:016x}" for n in part.tolist()],
            "drop_reason": reason,
            "store_length": side.astype(np.int64) * 90,
        }
        yield IMAGES, filled(IMAGES, rows, known)


class Writer:
    """Writes tables as a finished step has them: files under data/, one commit record, the step's own `done`."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._open: dict[str, tuple[str, Path, pq.ParquetWriter, int]] = {}

    def write(self, step: str, table: Table, rows: pa.Table) -> None:
        """Append rows."""
        if table.name not in self._open:
            path = self._run.where(step).new_file(f"{SLICE}-{table.name}", "made", ".parquet")
            self._open[table.name] = (step, path, pq.ParquetWriter(path, table.arrow, compression="zstd"), 0)
        step, path, out, number = self._open[table.name]
        out.write_table(rows)
        self._open[table.name] = (step, path, out, number + rows.num_rows)

    def close(self) -> int:
        """Commit all; the bytes written."""
        by_step: dict[str, list[DataFile]] = {}
        for name, (step, path, out, rows) in self._open.items():
            out.close()
            by_step.setdefault(step, []).append(self._run.where(step).describe(path, table=name, rows=rows))
        for step, files in by_step.items():
            cost = Cost(seconds=1, cpu_seconds=1, peak_bytes=1)
            slice_name = "r0000-x" if step == "04_images/ledger" else SLICE if step == "01_documents" else "all"
            self._run.where(step).commit(Commit(slice=slice_name, files=tuple(files), cost=cost))
        return sum(file.num_bytes for files in by_step.values() for file in files)


def make_run(folder: Path, documents: int, master: str) -> tuple[Run, int]:
    """The run, and the bytes of its tables."""
    recipe = load("weft", ["clip.model=none"])
    session = build_session(recipe.spark, master)
    run = Run(folder=folder, recipe=recipe, steps=FLOW, inputs=((SLICE, "{}"),), start_session=lambda: session)
    made, writer = Made(documents), Writer(run)
    counts = np.zeros(made.urls, np.int64)
    for numbers, ids, images in made.batches():
        writer.write("01_documents", DOCUMENTS, document_batch(made, numbers, ids, images))
        keep = np.asarray([reason is None for reason in dropped(numbers).to_pylist()])
        key = {"warc_filename": ["crawl.warc.gz"] * int(keep.sum()), "warc_record_offset": numbers[keep]}
        mine = [i for i, k in zip(ids, keep, strict=True) if k]
        twice = [("near_duplicate" if n % 20 == 9 else None) for n in numbers[keep].tolist()]
        of = [(ids[0] if why else None) for why in twice]
        writer.write(
            "02_unique", UNIQUE, filled(UNIQUE, len(mine), key | {"id": mine, "drop_reason": twice, "duplicate_of": of})
        )
        one = np.asarray([why is None for why in twice])
        shown, some = numbers[keep][one], images[keep][one]
        links = made.links_of(shown, some)
        np.add.at(counts, links, 1)
        whose = np.repeat(np.asarray(mine)[one], some).tolist()
        reason = [
            ("fetch:http_4xx" if n % 10 == 1 else "file:too_small" if n % 12 == 5 else None) for n in links.tolist()
        ]
        known: dict[str, object] = {"id": whose, "node": (_within(some) + 1).astype(np.int32), "url": url_names(links)}
        known |= {"sha256": [None if n % 10 == 1 else f"{n // 2:064x}" for n in links.tolist()], "drop_reason": reason}
        known |= {
            "count_in_corpus": [None if why else 1 + n % 7 for n, why in zip(links.tolist(), reason, strict=True)]
        }
        writer.write("05_matches/references", REFERENCES, filled(REFERENCES, len(links), known))
        writer.write("05_matches/matches", MATCHES, filled(MATCHES, len(links), known))
        good = np.add.reduceat(np.asarray([why is None for why in reason], np.int32), np.cumsum(some) - some)
        none = [(None if n else "no_images") for n in good.tolist()]
        known = {
            "id": np.asarray(mine)[one].tolist(),
            "num_images": good.astype(np.int32),
            "num_texts": np.ones(len(shown), np.int32),
        }
        known |= {
            "num_words": np.full(len(shown), 19, np.int32),
            "num_tokens": 23 * (1 + shown % 90).astype(np.int32),
            "drop_reason": none,
        }
        writer.write("05_matches/decisions", DECISIONS, filled(DECISIONS, len(shown), known))
    for table, rows in image_tables(made, np.flatnonzero(counts), counts):
        steps = {"links": "03_links", "ledger": "04_images/ledger", "images": "04_images/images"}
        writer.write(steps[table.name], table, rows)
    writer.write("04_images/files", FILES, filled(FILES, 0, {}))
    count = {
        "record_type": "response",
        "status": 200,
        "content_type": "text/html",
        "drop_reason": None,
        "records": documents,
    }
    known = {
        "warc_filename": ["crawl.warc.gz"],
        "num_bytes": [documents * 25_000],
        "num_pages": [documents],
        "counts": [[count]],
    }
    writer.write("01_documents", INPUTS, filled(INPUTS, 1, known))
    size = writer.close()
    finish(run)
    return run, size


def finish(run: Run) -> None:
    """A manifest and the record of one shard, from the decisions."""
    from pyspark.sql import functions as F

    kept = run.table("decisions").where("drop_reason is null")
    row = kept.agg(
        F.count("*"), F.sum("num_images"), F.sum("num_words"), F.sum("num_tokens"), F.sum("num_texts")
    ).first()
    assert row is not None
    totals = dict(zip(("documents", "images", "words", "tokens", "texts"), map(int, row), strict=True))
    shard = {
        "name": "weft-000000.tar",
        "bytes": 0,
        "sha256": "",
        "documents": totals["documents"],
        "images": totals["images"],
    }
    run.where("shards").commit(
        Commit(slice="weft-000000", files=(), extra={"shard": shard, "dropped": {}, "totals": totals})
    )
    (run.folder / "shards").mkdir(exist_ok=True)
    manifest = {"totals": totals | {"tokenizer": "made up"}, "shards": [shard], "num_shards": 1}
    (run.folder / "shards" / "manifest.json").write_text(json.dumps(manifest))


def java_cost(run: Run) -> tuple[float, int]:
    """CPU seconds and peak bytes of Spark's Java process so far, from /proc."""
    gateway = run.spark.sparkContext._gateway
    process = Path("/proc") / str(gateway.proc.pid) if gateway is not None and hasattr(gateway, "proc") else None
    if process is None or not process.exists():
        return 0.0, 0
    ticks = process.joinpath("stat").read_text().rsplit(")", 1)[1].split()
    peak = next(line for line in process.joinpath("status").read_text().splitlines() if line.startswith("VmHWM"))
    return (int(ticks[11]) + int(ticks[12])) / 100, int(peak.split()[1]) * 1024


def main() -> None:
    """Make, report, print."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--documents", type=int, default=10_000_000)
    options.add_argument("--out", type=Path, help="default: a temporary folder")
    options.add_argument("--master", default="local[*]")
    options.add_argument("--keep", action="store_true", help="do not delete the tables")
    given = options.parse_args()
    folder = given.out or Path(tempfile.mkdtemp(prefix="weft-report-"))
    folder.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    run, size = make_run(folder.resolve(), given.documents, given.master)
    print(f"{given.documents:,} documents: {size:,} bytes of tables in {time.monotonic() - started:.0f} s", flush=True)
    before, started, own = java_cost(run)[0], time.monotonic(), time.process_time()
    report(run)
    seconds, cpu = time.monotonic() - started, time.process_time() - own
    java, peak = java_cost(run)
    page = (folder / "report" / "index.html").stat().st_size
    mine = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(f"report: {seconds:.0f} s wall, {java - before:.0f} s CPU of Java and its {cpu:.0f} s of the driver")
    print(f"peak: {peak:,} bytes of Java, {mine:,} of the driver; page: {page:,} bytes")
    if not given.keep:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
