"""Work cut into slices that Spark tasks do and commit one by one (design, principle 9).

A slice is worked on by one task at a time: `process(work)` reads the slice's rows and writes its files through
`work`; the commit record follows. What a task gives back to the driver is a line for each slice, nothing more. An
error that Python can report comes back as text and fails the step at once; only the death of a worker is retried.
"""

from __future__ import annotations

import resource
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.commits import Commit, Cost, DataFile, StepFolder, new_attempt
from pipeline.journal import Journal
from schemas.errors import InputError
from schemas.table import Table

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

Batches = Iterator[pa.RecordBatch]

ROW_GROUP_BYTES = 32 << 20
"""Rows are held back until they are this large in memory; bounds what a writer holds."""

USERS = "InputError: "
"""Begins the error of a slice whose input cannot be had: a mistake of the user, or of a server."""
SEVERAL = "several"
"""What the journal has where many records are worked on together; no record is called so."""

RESULT_DDL = "slice STRING, error STRING"


class SliceWriter:
    """Writes the rows of one slice to Parquet files, one file a table."""

    def __init__(self, folder: StepFolder, slice_name: str, attempt: str) -> None:
        self.folder = folder
        self.slice = slice_name
        self.attempt = attempt
        self.files: list[DataFile] = []
        self._open: dict[str, _TableFile] = {}

    def write(self, table: Table, rows: list[dict[str, Any]]) -> None:
        """Append rows to the slice's file of `table`."""
        if rows:
            self.write_batch(table, table.batch(rows))

    def write_batch(self, table: Table, batch: pa.RecordBatch) -> None:
        """Append a batch, checked against `table`, to the slice's file of that table."""
        table.check(batch)
        if table.name not in self._open:
            path = self.folder.new_file(f"{table.name}-{self.slice}", self.attempt, ".parquet")
            self._open[table.name] = _TableFile(path, table)
        self._open[table.name].append(batch)

    def new_file(self, suffix: str) -> Path:
        """A path for a file of another kind; name it with `add` when it is complete."""
        return self.folder.new_file(self.slice, self.attempt, suffix)

    def add(self, path: Path, *, table: str, rows: int) -> None:
        """Count a complete file among the slice's."""
        self.files.append(self.folder.describe(path, table=table, rows=rows))

    def close(self) -> None:
        """Complete the Parquet files."""
        for name, file in self._open.items():
            self.add(file.close(), table=name, rows=file.rows)
        self._open.clear()


@dataclass(slots=True)
class Work:
    """One slice in the hands of a task."""

    slice: str
    batches: Batches
    out: SliceWriter
    journal: Journal
    extra: dict[str, Any] = field(default_factory=dict)

    def at_once(self, number: int) -> int:
        """How many records to work on together: one by one where an earlier attempt died."""
        return 1 if self.journal.is_retry else number

    def together(self, records: Sequence[Any]) -> None:
        """Say that the work that begins now is on several records: a death there is no single one's fault."""
        if len(records) > 1:
            self.journal.note(SEVERAL)

    def rows(self) -> Iterator[dict[str, Any]]:
        """The slice's input rows as dictionaries."""
        for batch in self.batches:
            yield from batch.to_pylist()


Process = Callable[[Work], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """What a record may take before its worker is ended."""

    record_seconds: float = 60.0
    worker_bytes: int = 2 << 30


def run_listed(
    spark: SparkSession, folder: StepFolder, items: Sequence[tuple[str, str]], process: Process, guard: Guard
) -> list[str]:
    """Do the slices of `items` (slice name, payload) that are not committed, one task each.

    Returns:
        What went wrong, a text a slice; empty when all is well.
    """
    todo = [item for item in items if not folder.is_committed(item[0])]
    if not todo:
        return []
    names, payloads = zip(*todo, strict=True)
    listed = pa.table({"slice": pa.array(names, pa.string()), "payload": pa.array(payloads, pa.string())})
    tasks = spark.createDataFrame(listed).repartitionByRange(len(todo), "slice")
    return _run(tasks, [name for name, _ in todo], folder, process, guard)


def run_keyed(rows: DataFrame, folder: StepFolder, process: Process, guard: Guard) -> list[str]:
    """Do the slices of a DataFrame whose column `slice` stands together and in order within each partition.

    Returns:
        What went wrong, a text a slice; empty when all is well.
    """
    names = [row["slice"] for row in rows.select("slice").distinct().collect()]
    return _run(rows, names, folder, process, guard)


def _run(rows: DataFrame, names: Sequence[str], folder: StepFolder, process: Process, guard: Guard) -> list[str]:
    path = folder.path

    def task(batches: Batches) -> Batches:
        for name, part in _split(batches):
            error = _do(StepFolder(path), name, part, process, guard)
            yield pa.RecordBatch.from_pydict({"slice": [name], "error": pa.array([error], pa.string())})

    results = rows.mapInArrow(task, RESULT_DDL).collect()
    errors = {row["slice"]: row["error"] for row in results if row["error"] is not None}
    # A worker that dies can look like one that had no rows: only a commit record says that a slice was done.
    for name in names:
        if not folder.is_committed(name):
            errors.setdefault(name, "no commit record: its worker died and nothing was left to say why")
    return [f"slice {name}: {error}" for name, error in sorted(errors.items())]


def _do(folder: StepFolder, name: str, batches: Batches, process: Process, guard: Guard) -> str | None:
    """Work on one slice and commit it; the error as text where there is one."""
    if folder.is_committed(name):
        for _ in batches:  # Spark wants its input read to the end
            pass
        return None
    started, cpu = time.monotonic(), time.process_time()
    pa.RecordBatch.from_pylist([{"warm": 1}])  # the first conversion imports pandas: no record should pay for that
    out = SliceWriter(folder, name, new_attempt())
    journal = Journal(folder.path / "_journal" / f"{name}.log", seconds=guard.record_seconds)
    try:
        with journal.watching(guard.worker_bytes):
            work = Work(name, batches, out, journal)
            process(work)
            for _ in batches:
                pass
            out.close()
        cost = Cost(
            seconds=round(time.monotonic() - started, 3),
            cpu_seconds=round(time.process_time() - cpu, 3),
            peak_bytes=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        )
        folder.commit(Commit(slice=name, files=tuple(out.files), cost=cost, extra=work.extra))
    except InputError as error:
        journal.close()
        return f"{USERS}{error}"
    except Exception as error:  # noqa: BLE001 - reported by the driver; raising would make Spark try again in vain
        journal.close()
        return f"{error!r}\n{traceback.format_exc(limit=-6)}"
    journal.finish()
    return None


def _split(batches: Batches) -> Iterator[tuple[str, Batches]]:
    """The runs of equal `slice`, each as batches without that column; a run must be read before the next."""

    def pieces() -> Iterator[tuple[str, pa.RecordBatch]]:
        for batch in batches:
            names = batch.column("slice").to_pylist()
            rest = batch.drop_columns(["slice"])
            start = 0
            for name, run in groupby(names):
                length = sum(1 for _ in run)
                yield name, rest.slice(start, length)
                start += length

    for name, run in groupby(pieces(), key=lambda piece: piece[0]):
        yield name, (batch for _, batch in run)


class _TableFile:
    """One Parquet file in the making: batches are held until they make a row group."""

    def __init__(self, path: Path, table: Table) -> None:
        self.path, self.rows = path, 0
        self._writer = pq.ParquetWriter(path, table.arrow, compression="zstd")
        self._held: list[pa.RecordBatch] = []
        self._held_bytes = 0

    def append(self, batch: pa.RecordBatch) -> None:
        self.rows += batch.num_rows
        self._held.append(batch)
        self._held_bytes += batch.nbytes
        if self._held_bytes >= ROW_GROUP_BYTES:
            self._flush()

    def close(self) -> Path:
        self._flush()
        self._writer.close()
        return self.path

    def _flush(self) -> None:
        if self._held:
            self._writer.write_table(pa.Table.from_batches(self._held))
            self._held, self._held_bytes = [], 0
