"""Images that are at hand are taken from there: archives, outputs of img2dataset, stores of earlier runs."""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from pipeline.archive.config import Config as ArchiveConfig
from pipeline.archive.inputs import expand
from pipeline.documents import input_slices
from pipeline.fetch import Config
from pipeline.fetch.block_lists import BlockLists
from pipeline.fetch_images import _unanswered
from pipeline.fetch_known import _find_in, from_archive, judged, make
from pipeline.fetch_rounds import STEP
from pipeline.store import Address, StoreWriter, read_ranges
from schemas.document import INPUTS
from schemas.errors import ConfigError
from schemas.image import DATA_IMAGES, LEDGER, LINKS
from schemas.reasons import FetchStatus


def png(shade):
    out = io.BytesIO()
    Image.new("RGB", (8, 8), (shade, 20, 30)).save(out, format="PNG")
    return out.getvalue()


def links(fill, row_of, run, *urls):
    fill(run, "03_links", (LINKS, [row_of(LINKS, url=url, num_references=1) for url in urls]))


def taken(run):
    """URL -> (status, bytes or None), after what needs no network."""
    make(run, lambda: _unanswered(run))
    found = {}
    for row in run.table("ledger").collect():
        assert row["url"] not in found, "an answer twice"
        data = None
        if row["store_file"]:
            at = Address(row["store_file"], row["store_offset"], row["store_length"])
            data = dict(read_ranges(run.folder, [at]))[at]
            assert hashlib.sha256(data).hexdigest() == row["sha256"]
        assert row["attempts"] == 0
        found[row["url"]] = (row["status"], data)
    return found


def test_bounds_objections_and_lists_count_for_bytes_at_hand_too():
    data, config = png(1), Config()
    assert judged("http://a/1", data, config, None, "x").status is FetchStatus.OK
    for status, answer in {
        FetchStatus.NOT_AN_IMAGE: judged("http://a/1", b"<html>", config, None, "x"),
        FetchStatus.TOO_LARGE: judged("http://a/1", data, Config(max_bytes=len(data) - 1), None, "x"),
        FetchStatus.OPTED_OUT: judged("http://a/1", data, config, None, "x", objected="noai"),
        FetchStatus.BLOCKED_BY_LIST: judged("http://a.example/1", data, config, BlockLists(["a.example"]), "x"),
    }.items():
        assert (answer.status, answer.data, answer.sha256) == (status, None, None)


def test_images_that_the_crawl_captured_are_taken_from_its_archive(spark, run_of, fill, row_of, tmp_path):
    path = tmp_path / "crawl.warc.gz"
    with path.open("wb") as out:
        writer = WARCWriter(out, gzip=True)
        for url, headers, body in [
            ("http://a.example/", [("Content-Type", "text/html")], b"<html><p>x"),
            ("http://a.example/1.png", [("Content-Type", "image/png")], png(1)),
            ("http://a.example/2.png", [("Content-Type", "image/png"), ("X-Robots-Tag", "noai")], png(2)),
            ("http://a.example/unused.png", [("Content-Type", "image/png")], png(3)),
            ("http://a.example/1.png", [("Content-Type", "image/png")], png(4)),
        ]:
            http = StatusAndHeaders("200 OK", headers, protocol="HTTP/1.1")
            writer.write_record(writer.create_warc_record(url, "response", payload=io.BytesIO(body), http_headers=http))
    inputs = input_slices(expand([str(path)]))
    run = run_of(spark=spark, inputs=inputs)
    counts = [
        {"record_type": "response", "status": 200, "content_type": kind, "drop_reason": None, "records": 1}
        for kind in ("text/html", "image/png")
    ]
    fill(
        run,
        "01_documents",
        (INPUTS, [row_of(INPUTS, warc_filename="crawl.warc.gz", counts=counts)]),
        slice_name=inputs[0][0],
    )
    links(fill, row_of, run, "http://a.example/1.png", "http://a.example/2.png", "http://a.example/asked.png")
    assert taken(run) == {
        "http://a.example/1.png": ("ok", png(1)),  # the first capture
        "http://a.example/2.png": ("opted_out", None),
    }


def test_images_inside_pages_are_looked_for_on_lists_that_came_later_too(spark, run_of, fill, row_of, tmp_path):
    (tmp_path / "list").write_text(hashlib.sha256(png(1)).hexdigest())
    run = run_of(f"fetch.block_lists=['{tmp_path / 'list'}']", spark=spark)
    store = StoreWriter(str(run.where("01_documents").path / "data"), "s")
    prefix, rows, places = run.where("01_documents").data_prefix(run.folder), [], []
    for data in (png(1), png(1), png(2)):
        at, sha256 = store.append(data, name="x"), hashlib.sha256(data).hexdigest()
        place = {"store_file": f"{prefix}/{at.file}", "store_offset": at.offset, "store_length": at.length}
        rows.append(row_of(DATA_IMAGES, url=f"data:sha256,{sha256}", sha256=sha256, **place))
        places.append(Address(*place.values()))
    store.close()
    rows.append(row_of(DATA_IMAGES, url="data:sha256,known", sha256="known", blocked="md5 is on a block list"))
    fill(run, "01_documents", (DATA_IMAGES, rows))
    links(fill, row_of, run, *{row["url"] for row in rows})
    make(run, lambda: _unanswered(run))
    found = {row["url"]: row for row in run.table("ledger").collect()}
    assert {url: (row["status"], row["detail"]) for url, row in found.items()} == {
        rows[0]["url"]: ("blocked_by_list", "sha256 is on a block list"),
        rows[2]["url"]: ("ok", None),
        "data:sha256,known": ("blocked_by_list", "md5 is on a block list"),
    }
    assert [found[rows[n]["url"]]["sha256"] for n in (0, 3)] == [rows[0]["sha256"], "known"]
    assert all(row["store_file"] is None for row in found.values() if row["status"] != "ok")
    assert [dict(read_ranges(run.folder, [at]))[at] for at in places] == [bytes(len(png(1)))] * 2 + [png(2)]


def arc(records):
    """An ARC file of version 1, each record a gzip member of its own: (URL, type of the answer, its bytes)."""
    head = b"1 0 weft\nURL IP-address Archive-date Content-type Archive-length\n"
    members = [f"filedesc://crawl.arc 0.0.0.0 20080430204825 text/plain {len(head)}\n".encode() + head + b"\n"]
    for url, kind, headers, body in records:
        answer = f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\n{headers}\r\n".encode() + body
        members.append(f"{url} 192.0.2.1 20080430204826 {kind} {len(answer)}\n".encode() + answer + b"\n")
    return members


@pytest.mark.parametrize("packed", [False, True])
def test_images_that_stand_in_an_arc_file_are_taken_from_it(tmp_path, packed):
    members = arc([
        ("http://a.example/", "text/html", "", b"<html><p>x"),
        ("http://a.example/1.png", "image/png", "", png(1)),
        ("http://a.example/2.png", "image/png", "X-Robots-Tag: noai\r\n", png(2)),
        ("http://a.example/3.png", "image/png", "", b"<html>"),
    ])  # fmt: skip
    path = tmp_path / ("crawl.arc.gz" if packed else "crawl.arc")
    path.write_bytes(b"".join(gzip.compress(member, mtime=0) if packed else member for member in members))
    (item,) = expand([str(path)])
    asked = iter([pa.RecordBatch.from_pydict({"payload": [item.to_json()]})])
    places = [row for batch in _find_in(ArchiveConfig(), 1)(asked) for row in batch.to_pylist()]
    assert [row["url"][-5:] for row in places] == ["1.png", "2.png", "3.png"]
    found = {answer.url[-5:]: answer for answer in from_archive(ArchiveConfig(), Config())(places)}
    assert {url: (answer.status, answer.data) for url, answer in found.items()} == {
        "1.png": (FetchStatus.OK, png(1)),
        "2.png": (FetchStatus.OPTED_OUT, None),
        "3.png": (FetchStatus.NOT_AN_IMAGE, None),
    }
    assert found["1.png"].fetched_at.year == 2008


def test_an_output_of_img2dataset_is_taken_and_what_failed_there_is_left_to_be_asked(
    spark, run_of, fill, row_of, tmp_path
):
    given = tmp_path / "with blank"
    given.mkdir()
    rows = [
        {"url": "http://a/1", "key": "000000000", "status": "success", "error_message": None},
        {"url": "http://a/2", "key": "000000001", "status": "failed_to_download", "error_message": "timed out"},
        {"url": "http://a/unused", "key": "000000002", "status": "success", "error_message": None},
    ]
    pq.write_table(pa.Table.from_pylist(rows), given / "00000.parquet")
    with tarfile.open(given / "00000.tar", "w") as tar:
        for key, data in {"000000000": png(1), "000000002": png(2)}.items():
            info = tarfile.TarInfo(f"{key}.jpg")
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    run = run_of(f'fetch.from=["{given}"]', spark=spark)
    links(fill, row_of, run, "http://a/1", "http://a/2")
    assert taken(run) == {"http://a/1": ("ok", png(1))}


def test_the_store_of_an_earlier_run_is_taken_but_not_what_was_erased_from_it(spark, run_of, fill, row_of, tmp_path):
    earlier = run_of(spark=spark)
    store = StoreWriter(str(earlier.where(STEP).path / "data"), "s")
    prefix, rows = earlier.where(STEP).data_prefix(earlier.folder), []
    for number, data in enumerate((png(1), bytes(len(png(1))))):
        at = store.append(data, name="x")
        sha256 = hashlib.sha256(png(1 + number)).hexdigest()
        place = {"store_file": f"{prefix}/{at.file}", "store_offset": at.offset, "store_length": at.length}
        rows.append(row_of(LEDGER, url=f"http://a/{number}", status="ok", sha256=sha256, **place))
    store.close()
    fill(earlier, STEP, (LEDGER, rows), slice_name="r0000-0")
    earlier.folder.rename(tmp_path / "earlier")
    run = run_of(f'fetch.from=["{tmp_path / "earlier"}"]', spark=spark)
    links(fill, row_of, run, "http://a/0", "http://a/1", "http://a/2")
    assert taken(run) == {"http://a/0": ("ok", png(1))}


def test_a_folder_of_something_else_is_an_error(spark, run_of, fill, row_of, tmp_path):
    run = run_of(f'fetch.from=["{tmp_path}"]', spark=spark)
    links(fill, row_of, run, "http://a/0")
    with pytest.raises(ConfigError, match="neither an output of img2dataset"):
        taken(run)
