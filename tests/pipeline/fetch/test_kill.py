"""Killed again and again: nothing committed is asked again, and in the end it is as if nobody had been killed."""

import collections
import hashlib
import os
import signal
import subprocess
import sys
import textwrap
import time

import pyarrow.parquet as pq
import pytest

from pipeline.commits import StepFolder

WORKER = textwrap.dedent(
    """
    import sys, time
    import pyarrow as pa
    from pathlib import Path
    from pipeline.commits import StepFolder
    from pipeline.fetch import Config, HostLimit
    from pipeline.fetch.plan import Plan
    from pipeline.fetch_slice import Round, fetch_slice
    from pipeline.slices import Guard, _do

    root, base, count, size = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    step = StepFolder(root / "ledger")
    config = Config(allow_private=True, host=HostLimit(concurrency=8, rate=0.0), backoff_s=0.05, retries=1)
    this = Round(number=0, plan=Plan(config, 1), prefix="data", root=str(root), ends_at=time.time() + 3600)
    process = fetch_slice(this)
    types = [("url", pa.string()), ("task", pa.int32()), ("start", pa.string()), ("redirects", pa.int32())]
    for at in range(0, count, size):
        rows = [{"url": f"{base}/{n}", "task": 0} for n in range(at, at + size)]
        batch = pa.RecordBatch.from_pylist(rows, schema=pa.schema(types))
        error = _do(step, f"r0000-000000-{at // size:06d}", iter([batch]), process, Guard(record_seconds=600))
        assert error is None, error
    """
)


def ledger(root):
    """(url, status, sha256) of each committed row."""
    rows = [row for path in StepFolder(root / "ledger").files("ledger") for row in pq.read_table(path).to_pylist()]
    return [(row["url"], row["status"], row["sha256"]) for row in rows]


@pytest.mark.timeout(600)
@pytest.mark.parametrize(("count", "kills"), [(400, 1), pytest.param(5_000, 10, marks=pytest.mark.slow)])
@pytest.mark.slow
def test_kills_lose_the_open_slice_and_nothing_else(site, root, tmp_path, count, kills):
    size = count // 20
    body = site.image().partition(b"\r\n\r\n")[2]
    site.routes["*"] = site.image()
    expected = {site.url(f"/{n}"): ("ok", hashlib.sha256(body).hexdigest()) for n in range(count)}
    for n in range(0, count, 10):
        site.routes[f"/{n}"] = site.answer(404)
        expected[site.url(f"/{n}")] = ("http_4xx", None)
    for n in range(5, count, 10):
        site.routes[f"/{n}"] = site.answer(200, b"<html>")
        expected[site.url(f"/{n}")] = ("not_an_image", None)
    command = [sys.executable, "-c", WORKER, str(tmp_path), site.url(""), str(count), str(size)]
    committed, counts = set(), {}
    for attempt in range(kills + 1):
        asked = len(site.asked)
        with subprocess.Popen(command, env={**os.environ, "PYTHONPATH": str(root)}) as process:
            if attempt < kills:  # somewhere within a slice
                while len(site.asked) < asked + (count / (kills + 1)) * 0.9 + 7 * attempt and process.poll() is None:
                    time.sleep(0.005)
                process.send_signal(signal.SIGKILL)
        times = collections.Counter(site.asked)
        assert {url: times[url.removeprefix(site.url(""))] for url in committed} == counts, "a committed URL was asked"
        rows = ledger(tmp_path)
        committed = {url for url, _, _ in rows}
        assert len(rows) == len(committed), "an answer twice"
        counts = {url: times[url.removeprefix(site.url(""))] for url in committed}
    assert process.returncode == 0
    assert {url: (status, sha256) for url, status, sha256 in rows} == expected
    again = sum(n - 1 for path, n in collections.Counter(site.asked).items() if path != "/robots.txt")
    assert again <= kills * size
