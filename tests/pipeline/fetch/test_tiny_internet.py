"""The fetcher against `tiny_internet.py`: a proxy that answers for real sites, three URLs in ten at fault."""

import contextlib
import csv
import importlib.util
import json
import resource
import shutil
import subprocess
import sys
import time
from urllib.parse import urlsplit

import pytest

from pipeline.fetch import Config, HostLimit, fetch
from schemas.reasons import FetchStatus as S

EXPECTED = {
    None: {S.OK},
    "503_once": {S.OK},
    "429_once": {S.OK},
    "truncated": {S.TRUNCATED},
    "reset": {S.TRUNCATED, S.CONNECT},
    "stall": {S.TIMEOUT},
    "drip": {S.TIMEOUT},
    "endless": {S.TOO_LARGE},
    "redirect_loop": {S.REDIRECT_LOOP},
    "redirect_private": {S.PRIVATE_ADDRESS},
    "html_200": {S.NOT_AN_IMAGE},
    "noai": {S.OPTED_OUT},
    "bomb": {S.DECODE_ERROR},
    "gzip_bomb": {S.NOT_AN_IMAGE, S.TOO_LARGE},
}
"""What the docstring of the tool says of each fault."""


@pytest.fixture
def internet(shared, tmp_path, monkeypatch):
    """`with internet():` runs the tool as the proxy; `.module` is its code, `.index` maps URL to SHA-256."""
    if shutil.which("openssl") is None:
        pytest.skip("the openssl command is not there")
    tool = shared / "tools" / "tiny_internet.py"

    @contextlib.contextmanager
    def running():
        ready = tmp_path / "ready.json"
        ready.unlink(missing_ok=True)
        command = [sys.executable, str(tool), "--corpus", str(shared / "corpus"), "--ready", str(ready)]
        command += ["--work", str(tmp_path / "certificates"), "--faults", "300", "--seconds", "400"]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            while not ready.exists() or not ready.read_text():
                assert process.poll() is None
                time.sleep(0.05)
            for name, value in json.loads(ready.read_text())["env"].items():
                monkeypatch.setenv(name, value)
            monkeypatch.setenv("no_proxy", "")
            yield
            process.kill()

    spec = importlib.util.spec_from_file_location("tiny_internet", tool)
    running.module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(running.module)
    with (shared / "corpus" / "image_index.tsv").open(newline="") as f:
        running.index = {row["url"]: row["sha256"] for row in csv.DictReader(f, delimiter="\t")}
    return running


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_every_url_ends_in_the_class_of_its_fault(internet):
    index, server = internet.index, internet.module.Server(None, 300, None, None, "", 0)

    def fault(url):
        parts = urlsplit(url)
        return server.fault(parts.netloc.lower() + parts.path + ("?" + parts.query if parts.query else ""))

    # The tool goes on writing for many seconds after a client has left an endless body over TLS, and answers nobody
    # well while it does: those URLs are asked last, a few of each start of the tool.
    endless = [url for url in index if fault(url) == "endless"]
    dead = ["https://no-such-host.example/x.jpg", "https://www.python-httpx.org/no-such-image.jpg"]
    batches = [dead + [url for url in index if fault(url) != "endless"]]
    batches += [endless[i : i + 4] for i in range(0, len(endless), 4)]
    config = Config(host=HostLimit(concurrency=4, rate=0.0))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    seen, wrong = {}, []
    for asked in batches:
        with internet():
            for answer in fetch(asked, config):
                assert answer.url not in seen, "an answer twice"
                seen[answer.url] = answer.status
                assert answer.seconds <= config.deadline_s + 0.5
                if answer.url in index and answer.status not in EXPECTED[fault(answer.url)]:
                    wrong.append((fault(answer.url), answer.status, answer.detail, answer.url))
                if answer.status is S.OK:
                    assert answer.sha256 == index[answer.url]
    # Two megabytes a second over TLS are much for the tool on a busy machine: such a URL is asked again, alone.
    slow = [w for w in wrong if w[0] == "endless" and w[1] is S.TIMEOUT]
    for timed_out in slow:
        with internet():
            [answer] = fetch([timed_out[3]], config)
        if answer.status is S.TOO_LARGE:
            wrong.remove(timed_out)
    assert [w for w in wrong if not w[3].endswith("/Beatles_eleanor_rigby.ogg")] == []  # a sound, and no image
    assert seen.keys() == {*index, *dead}
    assert [seen[url] for url in dead] == [S.CONNECT, S.HTTP_4XX]
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) >> 10
    assert grown < 300, f"{grown} MiB"


def test_certificates_are_checked(internet, monkeypatch):
    with internet():
        monkeypatch.delenv("SSL_CERT_FILE")
        [answer] = fetch([next(url for url in internet.index if url.startswith("https:"))], Config())
    assert answer.status is S.TLS
