"""Step 01 without Spark: one archive through its stages, and archives with pages that kill whoever reads them."""

from __future__ import annotations

import base64
import gzip
import hashlib
import subprocess
import sys
import textwrap

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from demo.pages import make_page
from pipeline.archive.inputs import expand
from pipeline.commits import StepFolder
from pipeline.documents import input_bytes, input_slices, read_slice
from pipeline.recipe import load
from pipeline.slices import Guard, _do
from pipeline.store import Address, read_ranges

JPEG = make_page(3, 0).images
PICTURE = next(picture.data for picture in JPEG.values() if picture.content_type == "image/jpeg")


def test_bytes_of_inputs_are_summed_and_unknown_where_one_is(tmp_path):
    (tmp_path / "a.warc").write_bytes(b"WARC/1.0")
    (tmp_path / "b.warc").write_bytes(b"WARC/1.0\r\n")
    slices = input_slices(expand([str(tmp_path / "*.warc")]))
    assert input_bytes(slices) == 18
    assert input_bytes(()) == 0
    assert input_bytes((*slices, ("x", '{"size_bytes": null}'))) is None


def write_archive(path, pages):
    """Pages (url, html, more header lines) as responses, each a gzip member of its own."""
    members = []
    for url, html, headers in pages:
        lines = ["HTTP/1.1 200 OK", "Content-Type: text/html; charset=utf-8", *headers, "", ""]
        block = "\r\n".join(lines).encode() + html
        fields = {
            "WARC-Type": "response",
            "WARC-Target-URI": url,
            "WARC-Date": "2024-05-18T04:10:07Z",
            "Content-Type": "application/http; msgtype=response",
            "Content-Length": str(len(block)),
        }
        head = "WARC/1.0\r\n" + "".join(f"{name}: {value}\r\n" for name, value in fields.items()) + "\r\n"
        members.append(gzip.compress(head.encode() + block + b"\r\n\r\n", mtime=0))
    path.write_bytes(b"".join(members))
    return path


def rows(folder, table):
    return [row for path in folder.files(table) for row in pq.read_table(path).to_pylist()]


def read(archive, root, *overrides):
    """What step 01 writes of an archive, in this process."""
    folder = StepFolder(root / "01_documents" / "k")
    ((name, payload),) = input_slices(expand([str(archive)]))
    batch = pa.RecordBatch.from_pydict({"payload": [payload]})
    process = read_slice(load("tiny", ["clip.model=none", *overrides]), folder.data_prefix(root))
    assert _do(folder, name, iter([batch]), process, Guard()) is None
    return folder


def test_archives_of_one_name_on_two_servers_are_two_slices_and_those_of_a_list_go_by_their_name(tmp_path):
    def names(*paths: str) -> set[str]:
        return {name for name, _ in input_slices(expand([*paths]))}

    assert names("https://a.example/x.warc.gz") != names("https://b.example/x.warc.gz")
    lists = []
    for mirror in ("one", "two"):
        lists.append(tmp_path / f"{mirror}.paths")
        lists[-1].write_text("crawl-data/CC-MAIN-2024-18/warc/x.warc.gz\n")
    assert names(str(lists[0])) == names(str(lists[1]))


def test_each_page_of_an_archive_is_a_row_and_everything_else_is_counted(small_crawl, tmp_path):
    folder = read(small_crawl.warcs[0], tmp_path)
    documents, (tally,) = rows(folder, "documents"), rows(folder, "inputs")
    assert len(documents) == small_crawl.pages  # not what answered 301 or 404
    assert tally["num_records"] == small_crawl.records == sum(count["records"] for count in tally["counts"])
    assert tally["num_pages"] == len(documents)
    assert len({row["id"] for row in documents}) == len(documents)
    first = make_page(3, 0)
    (found,) = [row for row in documents if row["url"] == first.url]
    assert found["title"] == first.title
    assert found["language"] == first.language
    assert found["drop_reason"] is None
    assert found["num_words"] == sum(n["num_words"] for n in found["nodes"] if n["text"] and not n["drop_reason"])
    shown = {node[1] for node in first.truth.nodes if node[0] == "image"}
    assert shown <= {node["image_url"] for node in found["nodes"]}
    assert len(found["signature"]) == 4 * load("tiny").minhash.num_perm


def test_a_page_that_opts_out_leaves_no_text_and_one_that_opts_its_images_out_no_bytes(tmp_path):
    encoded = base64.b64encode(PICTURE).decode()
    page = make_page(3, 0)
    image = f'</p><p><img src="data:image/jpeg;base64,{encoded}" alt="inside"></p>'.encode()
    html = page.html.replace(b"</p>", image, 1)
    no_ai = html.replace(b"<head>", b'<head><meta name="robots" content="noai">')
    no_image_ai = html.replace(b"<head>", b'<head><meta name="robots" content="noimageai">')
    pages = [
        ("http://a.example/open", html, ()),
        ("http://b.example/meta", no_ai, ()),
        ("http://c.example/header", html, ("X-Robots-Tag: noai",)),
        ("http://d.example/images", no_image_ai, ()),
    ]
    folder = read(write_archive(tmp_path / "a.warc.gz", pages), tmp_path)
    opened, *closed, images = rows(folder, "documents")
    name = f"data:sha256,{hashlib.sha256(PICTURE).hexdigest()}"
    assert (opened["drop_reason"], opened["images_opted_out"]) == (None, False)
    assert name in {node["image_url"] for node in opened["nodes"]}
    for row in closed:
        assert (row["drop_reason"], row["nodes"], row["title"], row["dropped_images"]) == ("opted_out", [], None, [])
        assert row["consent"]
        assert page.title not in str(row)
    assert (images["drop_reason"], images["images_opted_out"]) == (None, True)
    assert name in {node["image_url"] for node in images["nodes"]}
    (kept,) = rows(folder, "data_images")  # one page may show it: it is stored once
    assert kept["url"] == name
    address = Address(kept["store_file"], kept["store_offset"], kept["store_length"])
    assert dict(read_ranges(tmp_path, [address])) == {address: PICTURE}


def test_what_no_file_takes_costs_its_own_row_at_most(tmp_path):
    html = make_page(3, 0).html
    half = rb'<head><script type="application/ld+json">{"@type": "Article", "headline": "a \ud800 title"}</script>'
    archive = write_archive(tmp_path / "a.warc", [("http://a.example/", html.replace(b"<head>", half, 1), ())])
    nodes = (rb'{"text": "half \udfff"}', b'{"image_url": "http://a.example/", "width": 9999999999}')
    for number, node in enumerate(nodes):
        body = b'{"title": null, "nodes": [%s], "missing": []}' % node
        head = f"WARC/1.0\r\nWARC-Type: conversion\r\nWARC-Target-URI: http://b.example/{number}\r\n"
        head += "WARC-Date: 2024-05-18T04:10:07Z\r\nContent-Type: application/vnd.weft.nodes+json\r\n"
        head += f"Content-Length: {len(body)}\r\n\r\n"
        with archive.open("ab") as out:
            out.write(gzip.compress(head.encode() + body + b"\r\n\r\n"))
    found, *bad = rows(read(archive, tmp_path), "documents")
    assert (found["drop_reason"], found["nodes"] != []) == (None, True)
    assert [(row["url"], row["drop_reason"], row["nodes"]) for row in bad] == [
        (f"http://b.example/{number}", "extract_failed", []) for number in range(2)
    ]


def test_an_image_inside_a_page_that_is_on_a_hash_list_is_never_written(tmp_path):
    encoded = base64.b64encode(PICTURE).decode()
    html = make_page(3, 0).html.replace(b"</p>", f'</p><p><img src="data:image/jpeg;base64,{encoded}"></p>'.encode(), 1)
    (tmp_path / "list").write_text(hashlib.md5(PICTURE, usedforsecurity=False).hexdigest() + "\n")
    archive = write_archive(tmp_path / "a.warc.gz", [("http://a.example/", html, ())])
    folder = read(archive, tmp_path, f"fetch.block_lists=['{tmp_path / 'list'}']")
    sha256 = hashlib.sha256(PICTURE).hexdigest()
    assert rows(folder, "data_images") == [
        {"url": f"data:sha256,{sha256}", "sha256": sha256, "blocked": "md5 is on a block list"}
        | dict.fromkeys(("store_file", "store_offset", "store_length"))
    ]
    assert not any(PICTURE[-200:] in path.read_bytes() for path in folder.path.rglob("*") if path.is_file())


def test_the_slice_of_an_input_depends_on_its_name_and_size_and_not_on_its_place(tmp_path):
    page = ("http://a.example/", b"<p>text</p>", ())

    def slice_of(place, name, *pages):
        (tmp_path / place).mkdir(exist_ok=True)
        ((found, _),) = input_slices(expand([str(write_archive(tmp_path / place / name, pages))]))
        return found

    assert slice_of("here", "a.warc.gz", page) == slice_of("there", "a.warc.gz", page)
    assert slice_of("here", "a.warc.gz", page) != slice_of("here", "b.warc.gz", page)
    assert slice_of("here", "a.warc.gz", page) != slice_of("there", "a.warc.gz", page, page)


ATTEMPT = """
import ctypes, sys, time
from pathlib import Path
import pyarrow as pa
from pipeline.archive.inputs import expand
from pipeline.commits import StepFolder
from pipeline.documents import input_bytes, input_slices, read_slice
from pipeline.recipe import load
from pipeline.slices import Guard, _do

def planted(draft):
    name = draft.page.url.rpartition("/")[2]
    if name == "segfault":
        ctypes.string_at(0)
    if name == "hang":
        ctypes.PyDLL(None).usleep(120_000_000)
    if name == "eat":
        bytes(64 << 30)
    if name == "refuse":
        raise MemoryError

root = Path(sys.argv[2])
((name, payload),) = input_slices(expand([sys.argv[1]]))
process = read_slice(load("tiny", ["clip.model=none"]), "data", more=[planted])
batch = pa.RecordBatch.from_pydict({"payload": [payload]})
print(_do(StepFolder(root), name, iter([batch]), process, Guard(record_seconds=8.0, worker_bytes=2 << 30)))
"""


@pytest.mark.slow
def test_pages_that_crash_hang_or_starve_their_worker_are_rows_and_all_others_are_there(tmp_path, root):
    html = make_page(3, 0).html
    names = ["first", "segfault", "between", "hang", "eat", "refuse", "last"]
    archive = write_archive(tmp_path / "a.warc.gz", [(f"http://a.example/{name}", html, ()) for name in names])
    command = [sys.executable, "-c", textwrap.dedent(ATTEMPT), str(archive), str(tmp_path / "step")]
    codes = []
    for _ in range(3):  # one death each for the segmentation fault and the hang, then the end
        done = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=120, check=False)
        codes.append(done.returncode)
    assert (codes[-1], done.stdout) == (0, "None\n"), (codes, done.stderr)
    assert all(code != 0 for code in codes[:2])
    folder = StepFolder(tmp_path / "step")
    found = {row["url"].rpartition("/")[2]: row for row in rows(folder, "documents")}
    assert {name: row["drop_reason"] for name, row in found.items()} == {
        "first": None,
        "segfault": "crashed",
        "between": None,
        "hang": "over_time",
        "eat": "over_memory",
        "refuse": "over_memory",
        "last": None,
    }
    assert [found[name]["nodes"] for name in ("segfault", "hang", "eat", "refuse")] == [[]] * 4
    assert found["last"]["nodes"]
    (tally,) = rows(folder, "inputs")
    assert tally["num_pages"] == len(names)
    assert sorted(trouble["reason"] for trouble in tally["troubles"]) == ["crashed", "over_time"]
    assert not list((tmp_path / "step" / "_journal").iterdir())


@pytest.mark.parametrize("bad", [b"not an archive at all\n" * 50, b"WARC/1.0\r\nWARC-Type: response\r\n"])
def test_a_file_of_rubbish_beside_an_archive_is_counted_and_no_error(tmp_path, bad):
    (tmp_path / "in").mkdir()
    write_archive(tmp_path / "in" / "good.warc.gz", [("http://a.example/", b"<p>x</p>", ())])
    (tmp_path / "in" / "bad.warc").write_bytes(bad)
    items = input_slices(expand([str(tmp_path / "in")]))
    folder = StepFolder(tmp_path / "step")
    for name, payload in items:
        batch = pa.RecordBatch.from_pydict({"payload": [payload]})
        assert _do(folder, name, iter([batch]), read_slice(load("tiny", ["clip.model=none"]), "d"), Guard()) is None
    tallies = {row["warc_filename"]: row for row in rows(folder, "inputs")}
    assert tallies["bad.warc"]["num_pages"] == 0
    assert tallies["bad.warc"]["troubles"]
    assert tallies["good.warc.gz"]["num_pages"] == 1


TEA = "Pour boiling water over the leaves of the pot, wait for three minutes, and taste the tea before guests arrive."
KAFFEE = "Man mahlt die Bohnen erst kurz vor dem Aufbruch und nimmt f\xfcr jede Tasse einen L\xf6ffel voll, nicht mehr."


def test_lists_evaluation_sets_and_languages_of_nodes_reach_the_rows(tmp_path):
    html = f"<html lang=en><body><h1>Tea</h1>{f'<p>{TEA}</p>' * 9}<p>{KAFFEE}</p></body></html>".encode()
    pages = [("http://a.example/casino-night", html, []), ("http://b.example/", html, [])]
    archive = write_archive(tmp_path / "a.warc.gz", pages)
    (tmp_path / "words").write_text("casino\n")
    (tmp_path / "quiz.txt").write_text("wait for three minutes, and taste the tea before guests arrive\n")
    chosen = [
        f"page_urls.blocklists=['{tmp_path / 'words'}']",
        f"decontaminate.paths=['{tmp_path / 'quiz.txt'}']",
        "language.node_languages=true",
        "text.rules=none",
        "minhash.keep_shingles=true",
    ]
    blocked, found = rows(read(archive, tmp_path, *chosen), "documents")
    assert (blocked["drop_reason"], blocked["nodes"]) == ("blocked", [])
    assert (found["drop_reason"], found["contaminated_runs"]) == ("contaminated", 9)
    assert [(part["language"], part["share"] > 0.05) for part in found["language_shares"]] == [
        ("en", True),
        ("de", True),
    ]
    assert len(found["shingles"]) % 4 == 0 < len(found["shingles"])
    loose = rows(read(archive, tmp_path / "loose", *chosen, "decontaminate.max_runs=9"), "documents")[1]
    assert loose["drop_reason"] is None
    plain = rows(read(archive, tmp_path / "plain", "text.rules=none"), "documents")[1]
    assert (plain["contaminated_runs"], plain["language_shares"]) == (None, [])
    assert 0 < len(plain["shingles"]) <= 4 * 512
    bare = rows(read(archive, tmp_path / "bare", "minhash.sketch_size=0", "minhash.verify=estimated"), "documents")[1]
    assert bare["shingles"] is None
