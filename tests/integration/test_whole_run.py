"""One run of the demo's recipe: books, shards, readers of other people, a second run that has nothing to do."""

from __future__ import annotations

import json
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from vlm.loader import read_documents

pytestmark = [pytest.mark.spark, pytest.mark.slow, pytest.mark.timeout(3600)]


def documents(folder: Path) -> dict[str, dict]:
    found = {}
    for path in sorted((folder / "shards").glob("*.tar")):
        with tarfile.open(path) as tar:
            for member in tar:
                key, _, name = member.name.partition(".")
                if name == "json":
                    found[key] = json.loads(tar.extractfile(member).read())
    return found


def report(folder: Path) -> dict:
    return json.loads((folder / "report" / "report.json").read_text())


def test_the_books_balance_in_every_step_and_unit(finished):
    steps = report(finished)["steps"]
    assert {entry["unit"] for entry in steps} == {"record", "document", "node", "reference", "url", "file"}
    last: dict[str, int] = {}
    for entry in steps:
        assert entry["in"] == entry["out"] + sum(entry["dropped"].values()), entry
        assert last.get(entry["unit"], entry["in"]) == entry["in"], entry
        last[entry["unit"]] = entry["out"]
    assert all(join["left"] == join["right"] for join in report(finished)["joins"])


def test_totals_are_those_of_the_shards(finished):
    totals, found = report(finished)["totals"], documents(finished)
    assert totals["documents"] == len(found) > 10
    assert totals["images"] == sum(name is not None for d in found.values() for name in d["images"]) > 20
    assert sum(totals["languages"].values()) == len(found)
    assert totals["unique_images"]["by_phash"] <= totals["unique_images"]["by_bytes"]


def test_opted_out_pages_leave_no_text_anywhere(finished, crawl):
    import pyarrow.parquet as pq

    truth = [json.loads(line) for line in (crawl.folder / "truth.jsonl").read_text("utf-8").splitlines()]
    out = {page["url"] for page in truth if page["verdict"] == "opted_out"}
    rows = [
        row
        for path in (finished / "01_documents").rglob("documents-*.parquet")
        for row in pq.read_table(path).to_pylist()
    ]
    closed = [row for row in rows if row["drop_reason"] == "opted_out"]
    assert {row["url"] for row in closed} == out
    assert out
    assert all(row["nodes"] == [] and row["title"] is None for row in closed)


def test_images_stand_where_the_page_has_them(finished, crawl):
    truth = {}
    for line in (crawl.folder / "truth.jsonl").read_text("utf-8").splitlines():
        page = json.loads(line)
        truth[page["url"]] = [node[1] for node in page["nodes"] if node[0] == "image"]
    for document in documents(finished).values():
        shown = [image["url"] for image in document["metadata"] if image]
        wanted = iter(truth[document["general_metadata"]["url"]])
        assert all(url in wanted for url in shown), document["general_metadata"]["url"]


def test_scores_stand_beside_the_natural_order(finished):
    scored = [d for d in documents(finished).values() if d["similarity_matrix"]]
    assert scored
    for document in scored:
        texts = sum(text is not None for text in document["texts"])
        assert all(len(row) == texts for row in document["similarity_matrix"])
        assert all(document["texts"][at] is not None for at in document["matched_text_index"] if at >= 0)


@pytest.mark.shared
def test_an_independent_reading_of_the_format_finds_nothing(finished, shared):
    done = subprocess.run(
        [sys.executable, shared / "tools" / "check_shards.py", finished / "shards"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_plain_webdataset_reads_every_document_and_image(finished):
    wds = pytest.importorskip("webdataset")
    shards = sorted(str(path) for path in (finished / "shards").glob("*.tar"))
    samples = {sample["__key__"]: sample for sample in wds.WebDataset(shards, shardshuffle=False, empty_check=False)}
    found = documents(finished)
    assert set(samples) == set(found)
    for key, document in found.items():
        assert {name for name in document["images"] if name} == {name for name in samples[key] if name.endswith("jpg")}


def test_our_own_loader_reads_every_document_and_image(finished):
    """The contract between pipeline and trainer: written by one, read by the other, nothing shared but the files."""
    read = {document.key: document for document in read_documents(str(finished / "shards"))}
    found = documents(finished)
    assert set(read) == set(found)
    for key, document in found.items():
        assert read[key].content == document


def test_a_finished_run_has_nothing_to_do_and_asks_nobody(weft, arguments, finished, server, digests, digest_of):
    before = server.requests.total()
    said = weft(*arguments, "--out", finished).stdout
    assert "nothing was left to do" in said
    assert server.requests.total() == before
    assert digest_of(finished) == digests


def test_status_says_that_it_is_complete(weft, finished):
    assert weft("status", finished).stdout.strip().endswith("complete")


def test_show_prints_documents_of_the_shards(weft, finished):
    key = sorted(documents(finished))[0]
    said = weft("show", finished, key).stdout
    assert key in said
    assert documents(finished)[key]["general_metadata"]["url"] in said
