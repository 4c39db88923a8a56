"""Records to read, written byte by byte, so that a test can break any of them."""

from __future__ import annotations

import gzip
from collections.abc import Callable

import pytest

HTML = b"<!doctype html><html><body><p>A page.</p></body></html>"


def _record(block: bytes, record_type: str = "response", *, length: int | None = None, **fields: str) -> bytes:
    named = {
        "WARC-Type": record_type,
        "WARC-Target-URI": "https://example.com/",
        "WARC-Date": "2024-05-18T04:10:07Z",
        "Content-Type": "application/http; msgtype=response",
        "Content-Length": str(len(block) if length is None else length),
    }
    named |= {name.replace("_", "-"): value for name, value in fields.items()}
    head = "".join(f"{name}: {value}\r\n" for name, value in named.items() if value)
    return b"WARC/1.0\r\n" + head.encode() + b"\r\n" + block + b"\r\n\r\n"


def _http(body: bytes, *headers: str, status: str = "200 OK", content_type: str = "text/html") -> bytes:
    lines = [f"HTTP/1.1 {status}", *([f"Content-Type: {content_type}"] if content_type else []), *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


@pytest.fixture(scope="session")
def html() -> bytes:
    """A small page."""
    return HTML


@pytest.fixture(scope="session")
def record() -> Callable[..., bytes]:
    """`record(block, type, length=..., WARC_Date=...)`: a WARC record; a field of "" is left out."""
    return _record


@pytest.fixture(scope="session")
def http() -> Callable[..., bytes]:
    """`http(body, "Name: value", ..., status=..., content_type=...)`: the block of a response."""
    return _http


@pytest.fixture(scope="session")
def page() -> Callable[..., bytes]:
    """`page(n)`: a response record with a page of its own."""

    def make(number: int = 0, *headers: str, **fields: str) -> bytes:
        body = HTML.replace(b"A page", b"Page %d" % number)
        return _record(_http(body, *headers), WARC_Target_URI=f"https://example.com/{number}", **fields)

    return make


@pytest.fixture(scope="session")
def gz() -> Callable[..., bytes]:
    """`gz(record, ...)`: one gzip member a record."""
    return lambda *records: b"".join(gzip.compress(record, mtime=0) for record in records)
