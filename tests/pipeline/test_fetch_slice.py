"""What a task does with a slice of URLs: a row for each, the bytes in the store, the log, and who crashed it."""

from __future__ import annotations

import hashlib
import time

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from demo.server import running
from pipeline.commits import StepFolder
from pipeline.fetch.plan import Plan
from pipeline.fetch_slice import Round, fetch_slice
from pipeline.recipe import load
from pipeline.slices import SEVERAL, Guard, _do
from pipeline.store import Address, read_ranges


@pytest.fixture
def served(small_crawl, monkeypatch):
    """Rows (url, file, content type, status) of the sample's images, on loopback."""
    with running(small_crawl.folder) as server:
        for name in ("http_proxy", "https_proxy"):
            monkeypatch.setenv(name, server.url)
        monkeypatch.delenv("no_proxy", raising=False)
        lines = (small_crawl.folder / "images.tsv").read_text("utf-8").splitlines()[1:]
        yield [line.split("\t") for line in lines], small_crawl.folder


@pytest.fixture
def ask(tmp_path):
    """`ask(urls)` works on a slice of them; URL -> ledger row."""
    step = StepFolder(tmp_path / "ledger" / "k")

    def work(urls, *, seconds=60.0, name="r0003-000000-000000", redirects=0, start=None):
        plan = Plan(load("tiny", ["clip.model=none"]).fetch, 1)
        this = Round(
            number=3,
            plan=plan,
            prefix=step.data_prefix(tmp_path),
            root=str(tmp_path),
            ends_at=time.time() + seconds,
        )
        columns = {
            "url": urls,
            "task": [0] * len(urls),
            "start": [start] * len(urls),
            "redirects": [redirects] * len(urls),
        }
        types = {"url": pa.string(), "task": pa.int32(), "start": pa.string(), "redirects": pa.int32()}
        batch = pa.RecordBatch.from_pydict({key: pa.array(value, types[key]) for key, value in columns.items()})
        assert _do(step, name, iter([batch]), fetch_slice(this), Guard()) is None
        rows = [row for path in step.files("ledger", [name]) for row in pq.read_table(path).to_pylist()]
        assert sorted(row["url"] for row in rows) == sorted(urls)
        return {row["url"]: row for row in rows}

    work.step = step
    return work


def test_each_url_has_one_row_and_what_came_is_in_the_store(served, ask, tmp_path):
    table, folder = served
    chosen = [row for row in table if row[3] == "200"][:4] + [row for row in table if row[3] != "200"][:1]
    rows = ask([row[0] for row in chosen])
    assert {row["round"] for row in rows.values()} == {3}
    for url, file, kind, status in chosen:
        row = rows[url]
        if status != "200":
            assert row["status"].startswith("http_")
            assert row["store_file"] is None
            continue
        data = (folder / file).read_bytes()
        assert (row["status"], row["sha256"]) == ("ok", hashlib.sha256(data).hexdigest())
        assert row["content_type"] == kind
        assert {"name": "content-length", "value": str(len(data))} in row["headers"]
        at = Address(row["store_file"], row["store_offset"], row["store_length"])
        assert dict(read_ranges(tmp_path, [at]))[at] == data
    log = [row for path in ask.step.files("attempts") for row in pq.read_table(path).to_pylist()]
    assert {row["url"] for row in log} == set(rows)
    [commit] = ask.step.commits().values()
    assert sum(commit.extra["statuses"].values()) == len(chosen)
    assert commit.extra["statuses"]["ok"] == sum(status == "200" for _, _, _, status in chosen)
    assert commit.extra["machine"]


def test_after_the_end_of_a_round_all_are_deferred_and_nothing_is_asked(ask):
    rows = ask(["http://a.example/1", "http://a.example/2"], seconds=-1.0)
    assert {(row["status"], row["attempts"], row["final_url"]) for row in rows.values()} == {("deferred", 0, None)}
    [row] = ask(["http://a.example/3"], seconds=-1.0, name="r1", start="http://b.example/3", redirects=2).values()
    assert (row["status"], row["final_url"], row["redirects"]) == ("deferred", "http://b.example/3", 2)


def test_the_url_on_which_workers_die_is_found_and_left_out(served, ask):
    table, _ = served
    good, bad = [row[0] for row in table if row[3] == "200"][:2]
    journal = ask.step.path / "_journal" / "r9.log"
    journal.parent.mkdir(parents=True)
    deaths = "attempt 1\nrecord {0}\nFatal Python error: Segmentation fault\n"
    journal.write_text(deaths.format(SEVERAL) + deaths.format(bad))
    rows = ask([good, bad], name="r9")
    assert (rows[good]["status"], rows[bad]["status"]) == ("ok", "crashed")
