"""Shards for the tests of the loader, written once a run by `shards.py` beside this file, and a server that fails."""

from __future__ import annotations

import http.server
import importlib.util
import os
import socket
import sys
import threading
import time
from functools import partial
from pathlib import Path

import pytest

_spec = importlib.util.spec_from_file_location("loader_shards", Path(__file__).with_name("shards.py"))
loader_shards = importlib.util.module_from_spec(_spec)
sys.modules["loader_shards"] = loader_shards  # tests say `from loader_shards import ...`
_spec.loader.exec_module(loader_shards)


@pytest.fixture(scope="session", autouse=True)
def _one_thread():
    import torch

    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def sample(tmp_path_factory) -> Path:
    """200 documents in 5 shards."""
    return loader_shards.write_shards(tmp_path_factory.mktemp("sample"), loader_shards.sample_documents(200), 5)


@pytest.fixture(scope="session")
def second(tmp_path_factory) -> Path:
    """80 other documents in 3 shards, one of them empty or nearly so."""
    documents = loader_shards.sample_documents(80, seed=1)
    return loader_shards.write_shards(tmp_path_factory.mktemp("second"), documents, 3)


@pytest.fixture
def small(sample):
    """A configuration that suits the sample, as keyword arguments."""
    from vlm.loader.config import ImageConfig

    return {
        "datasets": (str(sample),),
        "batch_size": 24,
        "seq_len": 512,
        "lanes": 24,
        "threads": 0,
        "dtype": "float32",
        "image": ImageConfig(size=32, patch=8, tokens=4),
    }


class Flaky(http.server.SimpleHTTPRequestHandler):
    """Serves ranges; answers 503, or nothing at all (`silent`), to every request until `failures` are used up.

    Without `ranges` it sends whole files, without `tags` the time of a file and no entity tag, in ten parts with
    a `pause` before each. It answers `absent` for what is not there.
    """

    failures = 0
    silent, ranges, tags, pause, absent = False, True, True, 0, 404
    seen = 0
    lock = threading.Lock()

    def log_message(self, *_):
        pass

    def do_HEAD(self):
        self.do_GET()

    def do_GET(self):
        cls = type(self)
        with cls.lock:
            cls.seen += 1
            fail = cls.failures > 0
            cls.failures -= fail
        if fail and cls.silent:
            return self.connection.shutdown(socket.SHUT_RDWR)
        if fail:
            return self.send_error(503, "Slow Down")
        path = self.translate_path(self.path)
        if not os.path.isfile(path):  # noqa: PTH113
            return self.send_error(cls.absent)
        with open(path, "rb") as file:  # noqa: PTH123
            data = file.read()
        start, stop, status = 0, len(data), 200
        if (wanted := self.headers.get("Range")) and cls.ranges:
            first, _, last = wanted.removeprefix("bytes=").partition("-")
            start, stop, status = int(first), min(int(last) + 1, len(data)) if last else len(data), 206
            if start >= len(data):
                return self.send_error(416)
        self.send_response(status)
        self.send_header("Content-Length", str(stop - start))
        self.send_header("Accept-Ranges", "bytes")
        changed = os.stat(path).st_mtime  # noqa: PTH116
        if cls.tags:
            self.send_header("ETag", f'"{changed}"')
        else:
            self.send_header("Last-Modified", self.date_time_string(changed))
        if status == 206:
            self.send_header("Content-Range", f"bytes {start}-{stop - 1}/{len(data)}")
        self.end_headers()
        if self.command == "GET":
            part = -(-(stop - start) // 10) if cls.pause else stop - start
            for at in range(start, stop, max(part, 1)):
                time.sleep(cls.pause)
                self.wfile.write(data[at : min(at + part, stop)])
        return None


@pytest.fixture
def server(tmp_path):
    folder = loader_shards.write_shards(tmp_path / "shards", loader_shards.sample_documents(40), 3)

    class Handler(Flaky):
        pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(folder))) as web:
        thread = threading.Thread(target=web.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{web.server_address[1]}", Handler, folder
        web.shutdown()
        thread.join()
