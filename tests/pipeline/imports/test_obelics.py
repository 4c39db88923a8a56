"""Files with OBELICS's schema: pointers that weft run takes, and documents as published."""

from __future__ import annotations

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.archive.config import Config
from pipeline.archive.inputs import expand
from pipeline.imports.corpus import Rejected
from pipeline.imports.obelics import documents, write_pointers
from schemas.errors import InputError


def row(number, **facts):
    general = {
        "url": f"http://a.example/{number}",
        "warc_filename": "crawl.warc.gz",
        "warc_record_offset": 100 * number,
        "warc_record_length": 90,
    }
    return {
        "images": [None, "http://a.example/1.jpg", None],
        "metadata": json.dumps([None, {"alt_text": "a tree", "src": "http://a.example/1.jpg"}, None]),
        "general_metadata": json.dumps(general | facts),
        "texts": ["First.\n\nSecond.", None, "Third. END_OF_DOCUMENT_TOKEN_TO_BE_REPLACED"],
    }


@pytest.fixture
def parquet(tmp_path):
    def write(*rows):
        path = tmp_path / "train-00000-of-01439.parquet"
        pq.write_table(pa.Table.from_pylist(list(rows)), path)
        return path

    return write


def test_pointers_are_an_input_of_a_run_and_bad_ones_are_named(parquet, tmp_path):
    wrong = [row(5, warc_record_offset=-1), row(6, warc_record_length="90"), {**row(7), "general_metadata": "{}"}]
    tally = write_pointers(tmp_path / "p.parquet", parquet(row(2), row(1), *wrong))
    assert dict(tally.counts) == {"documents": 2, "rejected": 3}
    assert "row 4: no warc_filename" in tally.troubles[2]
    (tmp_path / "crawl.warc.gz").write_bytes(b"x")
    (item,) = expand([str(tmp_path / "p.parquet")], Config())
    assert item.pointers.pairs() == [(100, 90), (200, 90)]
    assert pq.read_table(tmp_path / "p.parquet").column("url").to_pylist() == [f"http://a.example/{n}" for n in (2, 1)]


def test_documents_as_published_have_their_paragraphs_and_images_in_order(parquet, archived):
    tally, pages, images = archived(documents(parquet(row(1))))
    assert pages == {"http://a.example/1": ["First.", "Second.", ("http://a.example/1.jpg",), "Third."]}
    assert images == {}
    assert tally.counts["images_by_address"] == 1


def test_lists_that_do_not_fit_and_metadata_that_is_none_cost_themselves(parquet):
    uneven = {**row(1), "images": [None]}
    nameless = {**row(2), "general_metadata": "not json"}
    bare = {**row(3), "metadata": "[", "images": [None, "mailto:x", None]}
    first, second, third = documents(parquet(uneven, nameless, bare))
    assert isinstance(first, Rejected)
    assert isinstance(second, Rejected)
    assert (third.missing, len(third.nodes)) == (["mailto:x"], 3)


def test_another_file_is_refused(tmp_path):
    path = tmp_path / "x.parquet"
    path.write_bytes(b"PAR1")
    with pytest.raises(InputError, match="no readable Parquet"):
        list(documents(path))
    pq.write_table(pa.table({"a": [1]}), path)
    with pytest.raises(InputError, match="no column images, texts"):
        list(documents(path))
