import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import SchemaMismatch
from schemas.table import Table, column, inner

POINT = pa.struct([inner("x", pa.int32(), "across", unit="px"), inner("y", pa.int32(), "down", unit="px")])
SAMPLE = Table(
    name="sample",
    version=2,
    doc="A sample.",
    key=("id",),
    columns=(
        column("id", pa.string(), "who"),
        column("points", pa.list_(POINT), "where"),
        column("note", pa.string(), "why", nullable=True),
    ),
    budget_bytes=100,
)


def test_ddl_names_every_column_in_order_with_its_spark_type():
    assert SAMPLE.ddl() == "id STRING, points ARRAY<STRUCT<x: INT, y: INT>>, note STRING"


def test_markdown_lists_nested_fields_with_units():
    assert "| `points.x` | `int32` | yes | across [px] |" in SAMPLE.markdown()


def test_a_batch_with_columns_in_another_order_is_refused():
    batch = SAMPLE.batch([{"id": "a", "points": [], "note": None}])
    with pytest.raises(SchemaMismatch, match="points"):
        SAMPLE.check(batch.select(["points", "id", "note"]))


def test_a_null_where_none_may_be_is_refused_by_name():
    with pytest.raises(SchemaMismatch, match=r"sample.id: 1 nulls"):
        SAMPLE.batch([{"id": None, "points": [], "note": None}])


@pytest.mark.parametrize("row", [{"id": "a", "points": []}, {"id": "a", "points": [], "note": None, "more": 1}])
def test_a_row_with_other_keys_is_refused(row):
    with pytest.raises(SchemaMismatch, match=r"note|more"):
        SAMPLE.batch([row])


def test_nested_types_that_lost_their_nullability_in_parquet_still_fit():
    loose = pa.list_(pa.field("element", pa.struct([("x", pa.int32()), ("y", pa.int32())])))
    schema = pa.schema([("id", pa.string()), ("points", loose), ("note", pa.string())])
    SAMPLE.check(pa.RecordBatch.from_pylist([{"id": "a", "points": [{"x": 1, "y": 2}], "note": None}], schema=schema))


def test_a_type_that_spark_does_not_have_is_refused():
    with pytest.raises(SchemaMismatch, match="no Spark type"):
        Table(name="t", version=1, doc="", key=(), columns=(column("a", pa.float16(), ""),), budget_bytes=1).ddl()


rows = st.lists(
    st.fixed_dictionaries(
        {
            "id": st.text(max_size=5),
            "points": st.lists(st.fixed_dictionaries({"x": st.integers(-9, 9), "y": st.integers(-9, 9)}), max_size=3),
            "note": st.none() | st.text(max_size=5),
        }
    ),
    max_size=5,
)


@given(rows)
def test_rows_come_back_as_they_went_in(given_rows):
    assert SAMPLE.batch(given_rows).to_pylist() == given_rows
