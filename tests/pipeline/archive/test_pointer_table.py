"""A Parquet of pointers, in any order and over many row groups, is an entry for each archive."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.archive import pointer_table
from pipeline.archive.config import Config
from pipeline.archive.pointer_table import pointer_items
from schemas.errors import InputError


def table(rows: list[tuple[str | None, int | None, int | None]], **types: pa.DataType) -> pa.Table:
    names = ("warc_filename", "warc_record_offset", "warc_record_length")
    columns = list(zip(*rows, strict=True)) or [(), (), ()]
    defaults = {"warc_filename": pa.string(), "warc_record_offset": pa.int64(), "warc_record_length": pa.int32()}
    return pa.table({n: pa.array(c, (defaults | types)[n]) for n, c in zip(names, columns, strict=True)})


def test_pointers_of_many_row_groups_and_files_are_gathered_by_archive(tmp_path: Path) -> None:
    for name in ("a.warc.gz", "b.warc.gz"):
        (tmp_path / name).write_bytes(b"x")
    rows = [(("a.warc.gz", "b.warc.gz")[n % 2], 1000 - n, n + 1) for n in range(100)]
    folder = tmp_path / "p.parquet"
    folder.mkdir()
    base = Config(base=str(tmp_path))
    pq.write_table(table(rows[:60]), folder / "part-0.parquet", row_group_size=7)
    pq.write_table(table(rows[50:]), folder / "part-1.parquet", row_group_size=7)
    items = pointer_items(str(folder), base)
    assert [item.warc_filename for item in items] == ["a.warc.gz", "b.warc.gz"]
    for item in items:
        assert item.pointers is not None
        assert item.pointers.pairs() == sorted((o, length) for name, o, length in rows if name == item.warc_filename)


def test_dictionary_and_unsigned_columns_and_others_beside_them_are_fine(tmp_path: Path) -> None:
    (tmp_path / "a.warc.gz").write_bytes(b"x")
    types = {"warc_filename": pa.dictionary(pa.int32(), pa.string()), "warc_record_offset": pa.uint32()}
    wide = table([("a.warc.gz", 5, 6)], **types).append_column("url", pa.array(["https://example.com/"]))
    pq.write_table(wide, tmp_path / "p.parquet")
    (item,) = pointer_items(str(tmp_path / "p.parquet"), Config())
    assert item.pointers is not None
    assert item.pointers.pairs() == [(5, 6)]


@pytest.mark.parametrize(
    ("made", "sentence"),
    [
        (table([]), "holds no pointers"),
        (table([(None, 0, 1)]), "nulls"),
        (table([("a.warc.gz", None, 1)]), "nulls"),
        (table([("a.warc.gz", -1, 1)]), "negative offset"),
        (table([("a.warc.gz", 0, 0)]), "length below 1"),
        (table([("gone.warc.gz", 0, 1)]), "gone.warc.gz, which does not exist"),
        (pa.table({"warc_filename": ["a.warc.gz"]}), "no column warc_record_offset, warc_record_length"),
        (
            pa.table({"warc_filename": ["a"], "warc_record_offset": ["first"], "warc_record_length": [1]}),
            "whole numbers",
        ),
    ],
)
def test_a_table_that_makes_no_sense_is_refused(tmp_path: Path, made: pa.Table, sentence: str) -> None:
    (tmp_path / "a.warc.gz").write_bytes(b"x")
    pq.write_table(made, tmp_path / "p.parquet")
    with pytest.raises(InputError, match=sentence):
        pointer_items(str(tmp_path / "p.parquet"), Config())


def test_more_pointers_than_fit_are_refused_before_they_are_read(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(pointer_table, "MAX_POINTERS", 3)
    pq.write_table(table([("a", n, 1) for n in range(4)]), tmp_path / "p.parquet")
    with pytest.raises(InputError, match="more than 3 pointers; split"):
        pointer_items(str(tmp_path / "p.parquet"), Config())
