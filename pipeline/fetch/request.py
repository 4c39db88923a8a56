"""One HTTP request, bounded in time and bytes whatever the server does.

The body is read as it comes: content encodings are undone here with a limit on what comes out, never by the
client library, and what the bytes are is told by the bytes.
"""

from __future__ import annotations

import asyncio
import datetime
import email.utils
import socket
import time
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import quote, urljoin, urlsplit, urlunsplit

import aiohttp
from yarl import URL

from filters.images.header import probe, sniff
from pipeline.fetch.answers import KEPT_HEADERS, detail_of, status_of_code, status_of_error
from pipeline.fetch.proxies import Proxy
from schemas.reasons import FetchStatus, FileReason

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_ARES_MAY_PASS = frozenset({3, 11, 12})  # ARES_ESERVFAIL, ARES_ECONNREFUSED, ARES_ETIMEOUT
_SMALL_BODY = 16_384  # body of an error page that is read to its end, so that the connection can be used again
_REQUEST_HEADERS = {"Accept": "image/*,*/*;q=0.5", "Accept-Encoding": "identity"}


@dataclass(slots=True, kw_only=True)
class Outcome:
    """What one request gave."""

    status: FetchStatus
    code: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str | None = None
    body: bytes = b""
    location: str | None = None
    """Absolute target of a redirect; `status` means nothing then."""
    detail: str | None = None
    seconds: float = 0.0
    passing: bool = False
    """The failure may pass (503, a name server that did not answer)."""


class Meter(Protocol):
    """Counts bytes that are in memory, and lets a reader wait while there are too many."""

    def take(self, num_bytes: int) -> bool:
        """Count bytes of the body; True where `room` is to be awaited before reading on."""

    async def room(self, timeout: asyncio.Timeout) -> None:
        """Wait until there is room; the deadline waits too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bounds of one request."""

    seconds: float
    max_bytes: int
    cut: bool = False
    """Take the first `max_bytes` of a longer body, rather than refuse it."""


async def request(
    session: aiohttp.ClientSession,
    url: str,
    *,
    limits: Limits,
    proxy: Proxy | None,
    refuse: Callable[[aiohttp.ClientResponse], str | None],
    meter: Meter,
) -> Outcome:
    """GET `url` once, redirects not followed.

    Args:
        session: with its own `auto_decompress` off.
        url: absolute, http or https.
        limits: bounds.
        proxy: where the request is sent instead, and what the proxy wants to hear.
        refuse: looks at the headers of a 2xx answer; a text means OPTED_OUT, and the body is not read.
        meter: counts the bytes of the body.
    """
    started = time.monotonic()
    response: aiohttp.ClientResponse | None = None
    outcome: Outcome
    try:
        async with asyncio.timeout(limits.seconds) as timeout:
            target = target_of(url)
            proxy_url, to_proxy = proxy or (None, {})
            tunnel = target.scheme == "https"  # through CONNECT, else the request itself goes to the proxy
            async with session.get(
                target,
                allow_redirects=False,
                headers=_REQUEST_HEADERS if tunnel else _REQUEST_HEADERS | to_proxy,
                proxy=proxy_url,
                proxy_headers=to_proxy if tunnel else None,
            ) as response:
                outcome = await _answered(response, url, limits, refuse, meter, timeout)
    except Exception as error:
        status = status_of_error(error, in_body=response is not None)
        if status is None:
            raise
        outcome = Outcome(status=status, detail=detail_of(error), passing=_may_pass(error))
        if response is not None:
            _describe(outcome, response)
    outcome.seconds = time.monotonic() - started
    return outcome


async def _answered(
    response: aiohttp.ClientResponse,
    url: str,
    limits: Limits,
    refuse: Callable[[aiohttp.ClientResponse], str | None],
    meter: Meter,
    timeout: asyncio.Timeout,
) -> Outcome:
    code = response.status
    outcome = Outcome(status=status_of_code(code), passing=code == 503)
    _describe(outcome, response)
    location = response.headers.get("Location")
    if code in _REDIRECTS and location:
        outcome.location = _target(url, location)
        if outcome.location is None:
            outcome.detail = f"redirect to {location!r}"[:200]
    elif outcome.status is FetchStatus.OK:
        objection = refuse(response)
        if objection:
            outcome.status, outcome.detail = FetchStatus.OPTED_OUT, objection
        else:
            await _read_body(outcome, response, limits, meter, timeout)
        return outcome
    if (response.content_length or 0) <= _SMALL_BODY and response.content_length is not None:
        await response.read()
    return outcome


def _target(url: str, location: str) -> str | None:
    try:
        return urljoin(url, location.strip())
    except ValueError:
        return None


def _describe(outcome: Outcome, response: aiohttp.ClientResponse) -> None:
    outcome.code = response.status
    outcome.content_type = response.headers.get("Content-Type")
    outcome.headers = {
        name: ", ".join(response.headers.getall(name)) for name in KEPT_HEADERS if name in response.headers
    }


async def _read_body(
    outcome: Outcome, response: aiohttp.ClientResponse, limits: Limits, meter: Meter, timeout: asyncio.Timeout
) -> None:
    declared = response.content_length
    if declared is not None and declared > limits.max_bytes and not limits.cut:
        outcome.status, outcome.detail = FetchStatus.TOO_LARGE, f"Content-Length {declared}"
        return
    parts: list[bytes] = []
    size = 0
    async for chunk in response.content.iter_any():
        parts.append(chunk)
        size += len(chunk)
        full = meter.take(len(chunk))
        if size > limits.max_bytes:
            if not limits.cut:
                outcome.status, outcome.detail = FetchStatus.TOO_LARGE, f"over {limits.max_bytes} bytes"
                return
            break
        if full:
            await meter.room(timeout)
    body = parts[0] if len(parts) == 1 else b"".join(parts)
    if declared is not None and len(body) < declared and not limits.cut:
        outcome.status, outcome.detail = FetchStatus.TRUNCATED, f"{len(body)} of {declared} bytes"
        return
    _decoded(outcome, body, response.headers.get("Content-Encoding", ""), limits)


def _decoded(outcome: Outcome, body: bytes, encoding: str, limits: Limits) -> None:
    """Undo the content encoding that we did not ask for; a body that is an image as it stands is left
    alone."""
    encoding = encoding.strip().lower()
    if encoding in ("", "identity") or sniff(body[:4096]):
        outcome.body = body[: limits.max_bytes]
        return
    if encoding not in ("gzip", "x-gzip", "deflate"):
        outcome.status, outcome.detail = FetchStatus.PROTOCOL, f"Content-Encoding {encoding}"[:200]
        return
    try:
        inflater = zlib.decompressobj(zlib.MAX_WBITS | 32)
        outcome.body = inflater.decompress(body, limits.max_bytes + 1)
    except zlib.error as error:
        outcome.status, outcome.detail = FetchStatus.PROTOCOL, detail_of(error)
        return
    if len(outcome.body) > limits.max_bytes and not limits.cut:
        outcome.body = b""
        outcome.status, outcome.detail = FetchStatus.TOO_LARGE, f"over {limits.max_bytes} bytes in {encoding}"


def target_of(url: str) -> URL:
    """The URL as it is asked: what browsers escape in a path is escaped, what is escaped already stays as it is.

    The HTTP client's own quoting would rewrite escapes (%2F, %7E), and break signed URLs.
    """
    parts = urlsplit(url)
    asked = urlunsplit((parts.scheme, parts.netloc, _escape(parts.path) or "/", _escape(parts.query), ""))
    return URL(asked, encoded=asked.isascii())


def _escape(text: str) -> str:
    """Percent-encode spaces, controls, quotes, angle brackets, braces, backquotes and what is not ASCII, as UTF-8."""
    return quote(text, safe="!#$%&'()*+,-./:;=?@[\\]^_|~", errors="replace")


def _may_pass(error: BaseException) -> bool:
    """Whether asking again may help: everything but a name that does not exist."""
    if not isinstance(error, aiohttp.ClientConnectorDNSError):
        return True
    cause = error.os_error
    if isinstance(cause, socket.gaierror):
        return cause.errno == socket.EAI_AGAIN
    code = getattr(cause.__cause__, "args", (None,))[:1]  # of c-ares, where aiodns resolves
    return bool(code) and code[0] in _ARES_MAY_PASS


def judge_bytes(body: bytes, *, min_bytes: int, max_pixels: int) -> tuple[FetchStatus, str | None]:
    """Whether a body is an image worth keeping, by its header alone, and what is wrong with it."""
    if len(body) < min_bytes:
        return FetchStatus.TOO_SMALL, f"{len(body)} bytes"
    header = probe(body)
    if header is FileReason.FORMAT:
        return FetchStatus.OK, None  # an image of a format that is recorded and not drawn
    if isinstance(header, FileReason):
        if sniff(body):
            return FetchStatus.DECODE_ERROR, "header makes no sense"
        return FetchStatus.NOT_AN_IMAGE, f"begins with {body[:16]!r}"
    if header.pixels > max_pixels:
        return FetchStatus.DECODE_ERROR, f"{header.width} x {header.height} pixels"
    return FetchStatus.OK, None


def retry_after(value: str, *, now: datetime.datetime | None = None) -> float | None:
    """Seconds that a Retry-After header asks for (a number, or a date), None if it has no such value."""
    value = value.strip()
    if value.isascii() and value.isdigit():
        return float(value[:9])
    try:
        then = email.utils.parsedate_to_datetime(value)
    except (TypeError, ValueError):
        return None
    if then.tzinfo is None:
        then = then.replace(tzinfo=datetime.UTC)
    return max(0.0, (then - (now or datetime.datetime.now(datetime.UTC))).total_seconds())
