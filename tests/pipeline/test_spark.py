"""Tables that Spark writes itself: declared columns, in order, and one commit record."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.commits import StepFolder
from pipeline.spark import write_table
from schemas.errors import SchemaMismatch
from schemas.table import Table, column

PAIRS = Table(
    name="pairs",
    version=1,
    doc="",
    key=("name",),
    columns=(
        column("name", pa.string(), "who"),
        column("count", pa.int32(), "how many"),
        column("note", pa.string(), "what else", nullable=True),
    ),
    budget_bytes=10,
)


def test_columns_are_the_table_s_whatever_order_and_width_the_frame_has(spark, tmp_path):
    folder = StepFolder(tmp_path)
    rows = spark.createDataFrame(
        [(1, None, "a", 9), (2, "x", "b", 9)], "count long, note string, name string, more int"
    )
    write_table(folder, PAIRS, rows, "all")
    found = pa.concat_tables([pq.read_table(path) for path in folder.files("pairs")]).sort_by("name")
    assert found.schema.names == ["name", "count", "note"]
    assert found.schema.field("count").type == pa.int32()
    assert found.to_pylist() == [{"name": "a", "count": 1, "note": None}, {"name": "b", "count": 2, "note": "x"}]
    assert sum(file.rows for file in folder.commits()["all"].files) == 2
    before = folder.files("pairs")
    write_table(folder, PAIRS, rows.where("false"), "all")  # a retry finds the record
    assert folder.files("pairs") == before


def test_a_table_of_nothing_is_committed_without_files(spark, tmp_path):
    folder = StepFolder(tmp_path)
    write_table(folder, PAIRS, spark.createDataFrame([], "name string, count int, note string"), "all")
    assert folder.is_committed("all")
    assert folder.files("pairs") == []


def test_a_missing_column_or_a_forbidden_null_is_refused_and_nothing_committed(spark, tmp_path):
    folder = StepFolder(tmp_path)
    with pytest.raises(SchemaMismatch, match="pairs v1: no column count, note"):
        write_table(folder, PAIRS, spark.createDataFrame([("a",)], "name string"), "all")
    nulls = spark.createDataFrame([(None, 1, None), (None, 2, None)], "name string, count int, note string")
    with pytest.raises(SchemaMismatch, match=r"pairs.name: \d nulls, want none"):
        write_table(folder, PAIRS, nulls, "all")
    assert folder.commits() == {}
