"""Outputs of img2dataset: an image and its caption a document; what failed there keeps its caption and its address."""

from __future__ import annotations

import io
import tarfile

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.imports.corpus import Rejected
from pipeline.imports.img2dataset import documents

ROWS = [
    {"url": "http://a.example/1.jpg", "caption": "A tree.", "key": "000000000", "status": "success"},
    {"url": "http://a.example/2.jpg", "caption": "A house.", "key": "000000001", "status": "failed_to_download"},
    {"url": "http://a.example/3.jpg", "caption": None, "key": "000000002", "status": "success"},
    {"url": "not one", "caption": "x", "key": "000000003", "status": "success"},
]


@pytest.fixture
def shard(tmp_path):
    def write(rows=ROWS, **columns):
        path = tmp_path / "00000.parquet"
        pq.write_table(
            pa.Table.from_pylist([row | {k: v[n] for k, v in columns.items()} for n, row in enumerate(rows)]), path
        )
        return path

    return write


def with_tar(path, members):
    with tarfile.open(path.with_suffix(".tar"), "w") as tar:
        for key, data in members.items():
            for name, body in ((f"{key}.jpg", data), (f"{key}.txt", b"a caption")):
                info = tarfile.TarInfo(name)
                info.size = len(body)
                tar.addfile(info, io.BytesIO(body))


def test_tars_become_documents_and_what_failed_there_is_left_to_be_asked(shard, archived, png):
    path = shard()
    with_tar(path, {"000000000": png(0), "000000002": png(2)})
    tally, pages, images = archived(documents(path))
    assert pages == {
        "http://a.example/1.jpg": [("http://a.example/1.jpg",), "A tree."],
        "http://a.example/2.jpg": [("http://a.example/2.jpg",), "A house."],
        "http://a.example/3.jpg": [("http://a.example/3.jpg",)],
    }
    assert images == {"http://a.example/1.jpg": png(0), "http://a.example/3.jpg": png(2)}
    assert (tally.counts["images_by_address"], tally.counts["rejected"]) == (1, 1)


def test_bytes_in_the_parquet_and_in_a_folder_are_found(shard, png):
    inside = list(documents(shard(ROWS[:2], jpg=[png(1), None])))
    assert [list(item.images.values()) for item in inside] == [[png(1)], []]
    path = shard(ROWS[:1])
    path.with_suffix("").mkdir()
    (path.with_suffix("") / "000000000.jpg").write_bytes(png(4))
    (item,) = documents(path)
    assert list(item.images.values()) == [png(4)]


def test_a_tar_that_is_cut_costs_images_and_no_document(shard, png):
    path = shard(ROWS[:3])
    with_tar(path, {row["key"]: png(n) for n, row in enumerate(ROWS[:3])})
    tar = path.with_suffix(".tar")
    tar.write_bytes(tar.read_bytes()[:700])
    found = list(documents(path))
    assert sum(isinstance(item, Rejected) for item in found) == 1
    assert sorted(item.url for item in found if not isinstance(item, Rejected)) == [row["url"] for row in ROWS[:3]]


def test_a_shard_that_img2dataset_never_finished_is_named(tmp_path):
    path = tmp_path / "00000.parquet"
    path.write_bytes(b"PAR1 cut")
    (found,) = documents(path)
    assert isinstance(found, Rejected)
