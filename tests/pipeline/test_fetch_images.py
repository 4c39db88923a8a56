"""The ledger: one row for each URL that is asked, its bytes in the store; no URL with an answer is asked again."""

from __future__ import annotations

import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from pipeline.commits import Cost
from pipeline.fetch.config import Config
from pipeline.fetch.plan import Plan
from pipeline.fetch_images import _planned, _sliced, _unanswered, make, resume, retry
from pipeline.fetch_rounds import STEP, deferred, forecasts
from pipeline.store import StoreWriter
from schemas.errors import ConfigError
from schemas.image import DATA_IMAGES, LEDGER, LINKS

PNG = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\0\x08\0\0\0\x08\x08\x02\0\0\0"  # all that is looked at before decoding


def test_slices_hold_one_piece_of_each_group_before_a_second(spark):
    links = [(f"http://h{n % 3}.g{n % 5}.org/{n}", f"g{n % 5}.org") for n in range(40)]
    links += [(f"http://huge.org/{n}", "huge.org") for n in range(200)]
    plan = Plan(Config(slice_urls=50), 3)
    frame = spark.createDataFrame([(url, None, None) for url, _ in links], "url string, start string, redirects int")
    rows = _sliced(_planned(frame, plan), plan, 2).collect()
    assert sorted(row["url"] for row in rows) == sorted(url for url, _ in links)
    sizes = Counter(row["slice"] for row in rows)
    assert max(sizes.values()) <= 50
    assert all(name.startswith("r0002-") for name in sizes)
    runs = [row["slice"] for n, row in enumerate(rows) if n == 0 or rows[n - 1]["slice"] != row["slice"]]
    assert len(runs) == len(set(runs)), "a slice's rows stand together"
    groups = dict(links)
    for row in rows:
        assert row["task"] == plan.task_of(groups[row["url"]], row["url"])
        assert int(row["slice"].split("-")[1]) == row["task"]
        if groups[row["url"]] != "huge.org":  # 8 URLs: the first slice or two, however many the huge group has
            assert int(row["slice"].split("-")[2]) <= 1


def test_each_task_has_a_partition_of_its_own(spark):
    from pyspark.sql import functions as F

    plan = Plan(Config(), 5)
    frame = spark.createDataFrame(
        [(f"http://h{n}.org/", None, None) for n in range(300)], "url string, start string, redirects int"
    )
    found = _sliced(_planned(frame, plan), plan, 0).withColumn("partition", F.spark_partition_id())
    assert {(row["task"], row["partition"]) for row in found.collect()} == {(n, n) for n in range(5)}


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


def answers(run):
    """URL -> (round, status) of each row."""
    found = {}
    for row in run.table("ledger").orderBy("round").collect():
        found.setdefault(row["url"], []).append((row["round"], row["status"]))
    return found


def link_rows(row_of, *urls):
    return [row_of(LINKS, url=url, num_references=1) for url in urls]


@pytest.fixture
def address():
    """A web server on loopback whose one image is at /good.png."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            body = PNG if self.path == "/good.png" else b""
            self.send_response(200 if body else 404)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_args):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_what_a_round_does_not_reach_is_asked_in_the_next_and_what_failed_only_when_told(
    spark, run_of, fill, row_of, address
):
    good, gone = f"{address}/good.png", f"{address}/gone.png"
    run = run_of("fetch.rounds=2", "fetch.round_minutes=0.0000001", "fetch.allow_private=true", spark=spark)
    fill(run, "03_links", (LINKS, link_rows(row_of, good, gone)))
    make(run)
    assert answers(run) == {url: [(1, "deferred"), (2, "deferred")] for url in (good, gone)}
    assert deferred(run.where(STEP)) == 2
    assert [each["urls"] for each in forecasts(run.where(STEP))] == [2, 2]

    run = run_of("fetch.rounds=2", "fetch.allow_private=true", spark=spark)
    before = run.key("04_images/images")
    run.finish(STEP, Cost())
    resume(run)
    assert not run.is_done(STEP)
    assert run.key("04_images/images") != before
    make(run)
    found = answers(run)
    assert {url: [status for _, status in rows] for url, rows in found.items()} == {
        good: ["deferred", "deferred", "ok"],
        gone: ["deferred", "deferred", "http_4xx"],
    }
    assert deferred(run.where(STEP)) == 0
    run.finish(STEP, Cost())
    resume(run)  # nothing is left
    assert run.is_done(STEP)
    make(run)
    assert answers(run) == found

    retry(run, ["http_4xx"])
    after = answers(run)
    assert after[good] == found[good]
    assert [status for _, status in after[gone]] == ["deferred", "deferred", "http_4xx", "http_4xx"]
    assert not run.is_done(STEP)
    retry(run, ["http_410"])
    assert answers(run) == after


def test_only_statuses_that_are_there_can_be_retried(run_of):
    with pytest.raises(ConfigError, match="no such status"):
        retry(run_of(), ["ok"])
    with pytest.raises(ConfigError, match="time_out"):
        retry(run_of(), ["time_out"])


def test_a_deferred_url_goes_on_where_a_redirect_had_led(spark, run_of, fill, row_of):
    run = run_of(spark=spark)
    fill(run, "03_links", (LINKS, link_rows(row_of, "http://a/1", "http://a/2", "http://a/3")))
    place = {"final_url": "http://b/1", "redirects": 1}
    rows = [
        row_of(LEDGER, url="http://a/1", round=0, status="deferred", **place),
        row_of(LEDGER, url="http://a/1", round=1, status="deferred", **place | {"final_url": "http://c/1"}),
        row_of(LEDGER, url="http://a/2", round=0, status="deferred"),
        row_of(LEDGER, url="http://a/3", round=0, status="timeout"),
    ]
    fill(run, STEP, (LEDGER, rows), slice_name="r0000-0")
    found = {row["url"]: (row["start"], row["redirects"]) for row in _unanswered(run).collect()}
    assert found == {"http://a/1": ("http://c/1", 1), "http://a/2": (None, None)}
    again = {row["url"] for row in _unanswered(run, frozenset({"timeout"}), 1).collect()}
    assert again == {"http://a/1", "http://a/2", "http://a/3"}
    assert {row["url"] for row in _unanswered(run, frozenset({"timeout"}), 0).collect()} == {"http://a/1", "http://a/2"}
