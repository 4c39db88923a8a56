import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.commits import StepFolder
from pipeline.slices import Guard, _do, _split, run_keyed, run_listed
from schemas.errors import SchemaMismatch
from schemas.table import Table, column

NUMBERS = Table(
    name="numbers", version=1, doc="", key=("n",), columns=(column("n", pa.int64(), "a number"),), budget_bytes=8
)


def batch(**columns):
    return pa.RecordBatch.from_pydict(columns)


def double(work):
    for row in work.rows():
        work.journal.note(str(row["n"]))
        if row["n"] == 13:
            raise ValueError("thirteen")
        work.out.write(NUMBERS, [{"n": 2 * row["n"]}])
    work.extra["seen"] = True


def committed(folder):
    return sorted(number for path in folder.files("numbers") for number in pq.read_table(path).column("n").to_pylist())


def test_a_slice_is_written_and_committed_once(tmp_path):
    folder = StepFolder(tmp_path / "step")
    for _ in range(2):
        assert _do(folder, "s", iter([batch(n=[1, 2]), batch(n=[3])]), double, Guard()) is None
    assert committed(folder) == [2, 4, 6]
    commit = folder.commits()["s"]
    assert commit.extra == {"seen": True}
    assert commit.files[0].rows == 3
    assert commit.cost.peak_bytes > 0
    assert list((tmp_path / "step" / "_journal").iterdir()) == []


def test_an_error_comes_back_as_text_and_nothing_is_committed(tmp_path):
    folder = StepFolder(tmp_path / "step")
    error = _do(folder, "s", iter([batch(n=[1, 13])]), double, Guard())
    assert error is not None
    assert "thirteen" in error
    assert folder.commits() == {}


def test_rows_of_another_table_are_refused(tmp_path):
    def wrong(work):
        work.out.write_batch(NUMBERS, batch(m=[1]))

    error = _do(StepFolder(tmp_path / "step"), "s", iter([]), wrong, Guard())
    assert error is not None
    assert SchemaMismatch.__name__ in error


@given(st.lists(st.lists(st.integers(0, 3), max_size=5), max_size=5))
def test_runs_of_equal_names_come_out_whole_whatever_the_batches(names):
    flat = sorted(name for part in names for name in part)
    sizes = [len(part) for part in names]
    batches, start = [], 0
    for size in sizes:
        part = flat[start : start + size]
        batches.append(batch(slice=pa.array([str(n) for n in part], pa.string()), n=pa.array(part, pa.int64())))
        start += size
    seen = {name: [row["n"] for b in part for row in b.to_pylist()] for name, part in _split(iter(batches))}
    assert seen == {str(n): [n] * flat.count(n) for n in set(flat)}


@pytest.mark.spark
def test_slices_run_in_spark_and_only_what_is_missing_is_done(spark, tmp_path):
    folder = StepFolder(tmp_path / "step")

    def listed(work):
        for row in work.rows():
            numbers = json.loads(row["payload"])
            work.out.write(NUMBERS, [{"n": n} for n in numbers])

    items = [(f"s{i}", json.dumps([i])) for i in range(7)]
    assert run_listed(spark, folder, items[:3], listed, Guard()) == []
    first = folder.files("numbers")
    assert run_listed(spark, folder, items, listed, Guard()) == []
    assert committed(folder) == list(range(7))
    assert folder.files("numbers")[: len(first)] == first


@pytest.mark.spark
def test_an_error_in_one_slice_does_not_stop_the_others_and_is_reported(spark, tmp_path):
    folder = StepFolder(tmp_path / "step")
    rows = spark.createDataFrame([("a", 1), ("b", 13), ("c", 3)], "slice string, n long")
    errors = run_keyed(rows.repartition(2, "slice").sortWithinPartitions("slice"), folder, double, Guard())
    assert len(errors) == 1
    assert errors[0].startswith("slice b: ValueError('thirteen')")
    assert committed(folder) == [2, 6]


@pytest.mark.spark
def test_records_that_kill_their_worker_are_passed_over_and_the_slice_ends_well(spark, tmp_path):
    folder = StepFolder(tmp_path / "step")

    def deadly(work):
        import ctypes

        for row in work.rows():
            name = str(row["n"])
            work.journal.note(name)
            if name not in work.journal.blamed:
                if row["n"] == 2:
                    ctypes.string_at(0)
                if row["n"] == 4:
                    ctypes.PyDLL(None).usleep(60_000_000)
                if row["n"] == 5:
                    try:
                        bytes(10 << 30)
                    except MemoryError:
                        continue
                work.out.write(NUMBERS, [{"n": row["n"]}])

    rows = spark.createDataFrame([("a", n) for n in range(8)], "slice string, n long").coalesce(1)
    guard = Guard(record_seconds=3.0, worker_bytes=1 << 30)
    assert run_keyed(rows, folder, deadly, guard) == []
    assert committed(folder) == [0, 1, 3, 6, 7]
