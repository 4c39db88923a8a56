"""The ledger: one row for each URL that is asked, its bytes in the store; no URL with an answer is asked again."""

from __future__ import annotations

import hashlib

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from demo.server import running
from pipeline.commits import StepFolder
from pipeline.fetch_images import _slices, fetch_slice, make
from pipeline.recipe import load
from pipeline.slices import Guard, _do
from pipeline.store import Address, StoreWriter, read_ranges
from schemas.image import DATA_IMAGES, LEDGER, LINKS


@pytest.fixture
def served(small_crawl, monkeypatch):
    """Rows (url, file, content type, status) of the sample's images, on loopback."""
    with running(small_crawl.folder) as server:
        for name in ("http_proxy", "https_proxy"):
            monkeypatch.setenv(name, server.url)
        monkeypatch.delenv("no_proxy", raising=False)
        lines = (small_crawl.folder / "images.tsv").read_text("utf-8").splitlines()[1:]
        yield [line.split("\t") for line in lines], small_crawl.folder


def test_each_url_of_a_slice_has_one_row_and_what_came_is_in_the_store(served, tmp_path):
    table, folder = served
    chosen = [row for row in table if row[3] == "200"][:4] + [row for row in table if row[3] != "200"][:1]
    urls = [row[0] for row in chosen]
    step = StepFolder(tmp_path / "ledger" / "k")
    process = fetch_slice(load("tiny", ["clip.model=none"]).fetch, 3, step.data_prefix(tmp_path))
    batch = pa.RecordBatch.from_pydict({"url": urls})
    assert _do(step, "r0003-0", iter([batch]), process, Guard()) is None
    rows = {row["url"]: row for path in step.files("ledger") for row in pq.read_table(path).to_pylist()}
    assert set(rows) == set(urls)
    assert {row["round"] for row in rows.values()} == {3}
    for url, file, _, status in chosen:
        row = rows[url]
        if status != "200":
            assert row["status"].startswith("http_")
            assert row["store_file"] is None
            continue
        data = (folder / file).read_bytes()
        assert (row["status"], row["sha256"]) == ("ok", hashlib.sha256(data).hexdigest())
        at = Address(row["store_file"], row["store_offset"], row["store_length"])
        assert dict(read_ranges(tmp_path, [at]))[at] == data


def test_hosts_of_one_group_stand_in_one_task_and_slices_are_no_longer_than_the_bound(spark):
    links = [(f"http://h{n % 3}.g{n % 5}.org/{n}", f"g{n % 5}.org") for n in range(40)]
    frame = spark.createDataFrame(links, "url string, host_group string")
    rows = [(row["slice"], row["url"]) for row in _slices(frame, 40, 2, 7).collect()]
    assert sorted(url for _, url in rows) == sorted(url for url, _ in links)
    sizes, buckets = {}, {}
    for name, url in rows:
        sizes[name] = sizes.get(name, 0) + 1
        buckets.setdefault(dict(links)[url], set()).add(name.rpartition("-")[0])
    assert max(sizes.values()) <= 7
    assert all(name.startswith("r0002-") for name in sizes)
    assert all(len(found) == 1 for found in buckets.values())
    runs = [name for n, (name, _) in enumerate(rows) if n == 0 or rows[n - 1][0] != name]
    assert len(runs) == len(set(runs)), "a slice's rows stand together"


def test_images_inside_pages_are_answered_from_the_store_and_answered_urls_are_not_asked(spark, run_of, fill, row_of):
    run = run_of(spark=spark)
    data, name = b"bytes", f"data:sha256,{'a' * 64}"
    store = StoreWriter(str(run.folder / "x"), "s")
    at = store.append(data, name="a" * 64)
    store.close()
    place = {"store_file": f"x/{at.file}", "store_offset": at.offset, "store_length": at.length}
    twice = [row_of(DATA_IMAGES, url=name, sha256="a" * 64, **place | {"store_offset": n}) for n in (at.offset, 9999)]
    fill(run, "01_documents", (DATA_IMAGES, twice))
    links = [(name, None), ("http://x/answered.jpg", None), ("http://x/logo.jpg", "banned_word")]
    fill(run, "03_links", (LINKS, [row_of(LINKS, url=url, drop_reason=reason) for url, reason in links]))
    answered = row_of(LEDGER, url="http://x/answered.jpg", round=0, status="http_410")
    fill(run, "04_images/ledger", (LEDGER, [answered]), slice_name="r0000-0")
    for _ in range(2):  # nothing would answer here: what is asked would be a row of another round
        make(run)
    rows = {(row["url"], row["round"]): row for row in run.table("ledger").collect()}
    assert set(rows) == {(name, 1), ("http://x/answered.jpg", 0)}
    found = rows[name, 1]
    assert (found["status"], found["sha256"], found["num_bytes"]) == ("ok", "a" * 64, len(data))
    assert found["store_offset"] == min(at.offset, 9999)
