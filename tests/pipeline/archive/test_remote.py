"""Remote archives are read through faults: refusals are waited out, broken answers taken up at their byte."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from pipeline.archive import remote
from pipeline.archive.config import Config
from pipeline.archive.inputs import check_remote, expand, read_input
from pipeline.archive.pointers import read_pointers
from pipeline.archive.record import Page
from pipeline.archive.remote import Throttle, is_remote, local_path, open_source, throttle_for
from schemas.errors import InputError

FAST = Config(max_requests_per_second=10_000, timeout_s=5, max_wait_s=60)


class Server(ThreadingHTTPServer):
    """Serves `data` under any path; `faults` are done in turn before an honest answer."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.data = b""
        self.faults: list[object] = []
        self.ranges: list[str | None] = []
        self.knows_ranges = True

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/a.warc.gz"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def do_GET(self) -> None:
        wanted = self.headers.get("Range")
        self.server.ranges.append(wanted)
        fault = self.server.faults.pop(0) if self.server.faults else None
        if isinstance(fault, tuple):
            self.answer(fault[0], b"no", {"Retry-After": fault[1]} if fault[1] else {})
        elif fault == "close":
            self.close_connection = True
        else:
            self.file(wanted, cut=fault if isinstance(fault, int) else None)

    def file(self, wanted: str | None, cut: int | None) -> None:
        data = self.server.data
        match = re.fullmatch(r"bytes=(\d+)-(\d*)", wanted or "") if self.server.knows_ranges else None
        if not match:
            return self.answer(200, data, {}, cut)
        start, end = int(match[1]), min(int(match[2] or len(data)), len(data) - 1)
        if start >= len(data):
            return self.answer(416, b"", {"Content-Range": f"bytes */{len(data)}"})
        self.answer(206, data[start : end + 1], {"Content-Range": f"bytes {start}-{end}/{len(data)}"}, cut)

    def answer(self, status: int, body: bytes, headers: dict[str, str], cut: int | None = None) -> None:
        self.send_response(status)
        for name, value in (headers | {"Content-Length": str(len(body))}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body[:cut])
        self.close_connection = cut is not None

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server(page: Callable[..., bytes], gz: Callable[..., bytes]) -> Iterator[Server]:
    with Server() as running:
        running.data = gz(*(page(number, f"X-Padding: {number * 7919}") for number in range(300)))
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What this thread slept instead of sleeping; others, of libraries, sleep as they did."""
    naps: list[float] = []
    sleep, here = time.sleep, threading.current_thread()
    monkeypatch.setattr(
        remote.time, "sleep", lambda s: naps.append(s) if threading.current_thread() is here else sleep(s)
    )
    return naps


def urls(server: Server, config: Config = FAST) -> list[str]:
    (item,) = expand([server.url], config)
    return [found.url for found in read_input(item, config) if isinstance(found, Page)]


ALL = [f"https://example.com/{number}" for number in range(300)]


def test_an_archive_is_read_in_one_request(server: Server) -> None:
    assert urls(server) == ALL
    assert server.ranges == [None]


@pytest.mark.parametrize("status", [403, 408, 429, 500, 503])
def test_refusals_are_waited_out_ever_longer(server: Server, slept: list[float], status: int) -> None:
    server.faults = [(status, None)] * 4
    assert urls(server) == ALL
    waits = [nap for nap in slept if nap > 0.1]
    assert len(waits) == 4
    assert all(0.5 * 2**n <= wait <= 2**n for n, wait in enumerate(waits))


def test_the_server_says_how_long_to_wait(server: Server, slept: list[float]) -> None:
    server.faults = [(503, "17"), (429, formatdate(time.time() + 25, usegmt=True))]
    assert urls(server) == ALL
    waits = [nap for nap in slept if nap > 0.1]
    assert 17 <= waits[0] < 18
    assert 23 <= waits[1] < 26


def test_an_answer_that_breaks_off_is_taken_up_at_its_byte(server: Server) -> None:
    server.faults = [1000, "close", 5000, 1]
    assert urls(server) == ALL
    assert server.ranges[:4] == [None, "bytes=1000-", "bytes=1000-", "bytes=6000-"]
    assert server.ranges[4:] == ["bytes=6001-"]


def test_a_server_without_ranges_is_read_from_its_beginning_again(server: Server) -> None:
    server.knows_ranges = False
    server.faults = [1000]
    assert urls(server) == ALL


def test_patience_ends_with_one_sentence(server: Server) -> None:
    server.faults = [(503, "50"), (503, "50")]
    with pytest.raises(InputError, match=r"answered 503 .waited 5\d s.; try later"):
        urls(server)


def test_what_is_not_there_is_not_asked_for_again(server: Server) -> None:
    server.faults = [(404, None)]
    with pytest.raises(InputError, match="answered 404; is the address right"):
        urls(server)
    assert len(server.ranges) == 1


def test_a_server_that_is_not_there_is_given_up() -> None:
    nothing = open_source("http://127.0.0.1:9/a.warc.gz", FAST)
    with pytest.raises(InputError, match="Connection refused"):
        nothing.read(1)


def test_pointers_ask_for_their_ranges_only_and_near_ones_at_once(server: Server, tmp_path: Path) -> None:
    (tmp_path / "a.warc.gz").write_bytes(server.data)
    (local,) = expand([str(tmp_path / "a.warc.gz")])
    pages = list(read_input(local, FAST))
    wanted = [pages[3], pages[4], pages[6], pages[200]]
    config = Config(max_requests_per_second=10_000, max_gap_bytes=1000)
    found = list(read_pointers(server.url, [(page.offset, page.length) for page in wanted], config))
    assert found == wanted
    ends = [(pages[3].offset, pages[7].offset - 1), (pages[200].offset, pages[201].offset - 1)]
    assert server.ranges == [f"bytes={start}-{end}" for start, end in ends]


def test_pointers_behind_the_end_are_damaged_and_stop_nothing(server: Server) -> None:
    items = list(read_pointers(server.url, [(0, 10), (len(server.data) + 5, 10)], FAST))
    assert [str(item.reason) for item in items if not isinstance(item, Page)] == ["damaged", "damaged"]


def test_damage_in_a_remote_archive_costs_itself(server: Server) -> None:
    data = bytearray(server.data)
    data[len(data) // 2] ^= 0x55
    server.data = bytes(data)
    assert len(urls(server)) == 299


def test_a_list_on_a_server_names_archives_beside_it(server: Server) -> None:
    archive, server.data = server.data, b"crawl/a.warc.gz\ncrawl/b.warc.gz\n"
    items = expand([server.url.replace("a.warc.gz", "all.paths")])
    assert [item.warc_filename for item in items] == ["crawl/a.warc.gz", "crawl/b.warc.gz"]
    server.data = archive
    assert len(list(read_input(items[0], FAST))) == 300


def test_a_remote_text_is_refused_as_a_local_one_is(server: Server, tmp_path: Path) -> None:
    server.data = b"Dear diary, this is no archive.\n" * 20_000
    (tmp_path / "notes.warc").write_bytes(server.data)
    for places in ([server.url], [server.url, str(tmp_path / "notes.warc")]):
        with pytest.raises(
            InputError, match=r"a\.warc\.gz is no WARC or ARC file \(it begins with b'Dear diary, this is"
        ):
            check_remote(expand(places), FAST)
    assert server.ranges == ["bytes=0-262143"] * 2  # no more than it takes to tell
    server.data = b""
    with pytest.raises(InputError, match=r"a\.warc\.gz is no WARC or ARC file \(it is empty\)"):
        check_remote(expand([server.url]), FAST)


@pytest.mark.parametrize("fault", [None, (404, None), (503, "600"), "close", 7])
def test_an_archive_or_a_server_with_troubles_is_not_refused_before_it_is_read(
    server: Server, slept: list[float], fault: object
) -> None:
    server.faults = [fault]
    check_remote(expand([server.url]), FAST)
    assert (len(server.ranges), slept) == (1, [])


def test_one_archive_among_the_inputs_is_enough(server: Server, tmp_path: Path, page: Callable[..., bytes]) -> None:
    server.data = b"no archive"
    (tmp_path / "a.warc").write_bytes(page())
    check_remote(expand([server.url, str(tmp_path / "a.warc")]), FAST)
    assert server.ranges == []


def test_requests_keep_to_the_ceiling() -> None:
    now, naps = [0.0], []

    def sleep(seconds: float) -> None:
        naps.append(seconds)
        now[0] += seconds

    throttle = Throttle(4, clock=lambda: now[0], sleep=sleep)
    for _ in range(9):
        throttle.wait()
    assert now[0] == pytest.approx(2.0)
    now[0] += 100
    throttle.wait()
    assert len(naps) == 8


def test_the_ceiling_is_shared_among_tasks_and_kept_over_files() -> None:
    config = Config(max_requests_per_second=12)
    assert throttle_for(config, 4) is throttle_for(config, 4)
    assert throttle_for(config, 4)._interval == pytest.approx(1 / 3)


def test_stores_are_read_through_fsspec(server: Server) -> None:
    import fsspec

    fs = fsspec.filesystem("memory")
    fs.pipe_file("/bucket/a.warc.gz", server.data)
    fs.pipe_file("/bucket/notes.txt", b"notes")
    for path in ("memory://bucket", "memory://bucket/*.warc.gz", "memory://bucket/a.warc.gz"):
        (item,) = expand([path])
        assert (item.warc_filename, item.size_bytes) == ("a.warc.gz", len(server.data))
        assert [found.url for found in read_input(item, FAST) if isinstance(found, Page)] == ALL
    with pytest.raises(InputError, match="does not exist"):
        expand(["memory://bucket/gone"])


def test_paths_are_told_apart() -> None:
    assert is_remote("s3://b/a")
    assert not is_remote("file:///a")
    assert not is_remote("a/b")
    assert local_path("file:///a%20b") == Path("/a b")
