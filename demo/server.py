"""A forward HTTP proxy on loopback that answers for the images of a sample crawl under their real names.

    python -m demo.server DIR --ready FILE --seconds 600 &
    http_proxy=$(cat FILE) weft run ...

A client that honours `http_proxy` fetches http://cdn.weft.example/... from here; an address that the crawl does not
know is a 404, /robots.txt allows everything, and HTTPS (CONNECT) is a 502. It ends by itself after `--seconds` or
`--requests`. Standard library only.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import socketserver
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path

_IDLE = 10.0  # seconds that a connection may stay silent


class ImageProxy(socketserver.ThreadingTCPServer):
    """The proxy. `url` is what http_proxy is set to; `requests` counts the answers by URL, robots.txt included."""

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, crawl: Path, *, port: int = 0, max_requests: int = 1_000_000, log: Path | None = None) -> None:
        self.table = _read_table(crawl)
        self.requests: Counter[str] = Counter()
        self.finished = threading.Event()
        self._max_requests, self._num_sent = max_requests, 0
        self._log = log.open("a", encoding="utf-8") if log else None
        self._lock = threading.Lock()
        super().__init__(("127.0.0.1", port), _Handler)

    @property
    def url(self) -> str:
        """The address of the proxy."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def note(self, url: str, status: int) -> None:
        """Count one answer, before it is sent: whoever has it finds it counted."""
        with self._lock:
            self.requests[url] += 1
            if self._log:
                self._log.write(json.dumps({"url": url, "status": status}) + "\n")
                self._log.flush()

    def sent(self) -> None:
        """An answer is out; the last one that is allowed ends the server."""
        with self._lock:
            self._num_sent += 1
            if self._num_sent >= self._max_requests:
                self.finished.set()

    def server_close(self) -> None:
        """Close the socket and the log."""
        super().server_close()
        with self._lock:
            if self._log:
                self._log.close()
                self._log = None


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = _IDLE
    server: ImageProxy

    def do_GET(self) -> None:
        status, content_type, body = self._answer()
        self.server.note(self.path, status)
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
        self.server.sent()

    do_HEAD = do_GET

    def do_CONNECT(self) -> None:
        self.server.note(self.path, 502)
        self.close_connection = True
        self.send_error(502, "only http is answered here")
        self.server.sent()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Say nothing on stderr: `--log` holds the requests."""

    def _answer(self) -> tuple[int, str, bytes]:
        if self.path.startswith("http://") and self.path.endswith("/robots.txt"):
            return 200, "text/plain", b"User-agent: *\nAllow: /\n"
        found = self.server.table.get(self.path)
        if found is None:
            return 404, "text/plain", b"no such image in the sample\n"
        path, content_type, status = found
        return status, content_type, path.read_bytes()


def _read_table(crawl: Path) -> dict[str, tuple[Path, str, int]]:
    with (crawl / "images.tsv").open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        return {row["url"]: (crawl / row["file"], row["content_type"], int(row["status"])) for row in rows}


@contextmanager
def running(
    crawl: Path, *, port: int = 0, log: Path | None = None, max_requests: int = 1_000_000
) -> Iterator[ImageProxy]:
    """The proxy, answering from a thread until the block is left."""
    with ImageProxy(crawl, port=port, log=log, max_requests=max_requests) as proxy:
        thread = threading.Thread(target=proxy.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield proxy
        finally:
            proxy.shutdown()
            thread.join()


@contextmanager
def serve(crawl: Path, *, log: Path | None = None) -> Iterator[str]:
    """The URL of a proxy that answers for `crawl` until the block is left: what http_proxy is set to."""
    with running(crawl, log=log) as proxy:
        yield proxy.url


def main(arguments: list[str] | None = None) -> int:
    """Serve a crawl's images from the command line; 0 at the end of its time, 2 where there is no crawl."""
    parser = argparse.ArgumentParser(prog="python -m demo.server", description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("crawl", type=Path, metavar="DIR", help="what python -m demo.crawl wrote")
    parser.add_argument("--port", type=int, default=0, help="0 takes any that is free")
    parser.add_argument("--ready", type=Path, help="file that will hold the proxy's URL when it answers")
    parser.add_argument("--log", type=Path, help="file that gets a JSON line a request")
    parser.add_argument("--seconds", type=float, default=600.0, help="end after this time")
    parser.add_argument("--requests", type=int, default=1_000_000, help="end after so many answers")
    parser.add_argument("--parent", type=int, help="end when the process of this id is gone")
    given = parser.parse_args(arguments)
    try:
        with running(given.crawl, port=given.port, log=given.log, max_requests=given.requests) as proxy:
            _say_ready(proxy, given.ready)
            ends = time.monotonic() + given.seconds
            while time.monotonic() < ends and _alive(given.parent):
                if proxy.finished.wait(min(1.0, max(0.0, ends - time.monotonic()))):
                    break
    except OSError as error:
        print(f"demo.server: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 0
    return 0


def _say_ready(proxy: ImageProxy, ready: Path | None) -> None:
    if ready is None:
        print(proxy.url, flush=True)
        return
    unfinished = ready.with_name(ready.name + ".part")
    unfinished.write_text(proxy.url + "\n", "utf-8")
    unfinished.replace(ready)


def _alive(process: int | None) -> bool:
    if process is None:
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


if __name__ == "__main__":
    raise SystemExit(main())
