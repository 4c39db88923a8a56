"""One HTTP request, bounded in time and bytes whatever the server does.

The body is read as it comes: content encodings are undone here with a limit on what comes out, never by the
client library, and what the bytes are is told by the bytes.
"""

from __future__ import annotations

import asyncio
import datetime
import email.utils
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import urljoin

from filters.images.header import probe, sniff
from pipeline.archive.body import TooLargeError, undo_content
from pipeline.fetch.answers import KEPT_HEADERS, detail_of, status_of_code, status_of_error
from pipeline.fetch.connection import DisconnectedError, Headers, Verdict
from pipeline.fetch.pool import NameLookupError, Pool
from pipeline.fetch.target import Target
from schemas.reasons import FetchStatus, FileReason

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_ARES_MAY_PASS = frozenset({3, 11, 12})  # ARES_ESERVFAIL, ARES_ECONNREFUSED, ARES_ETIMEOUT
_CUT_FACTOR = 16  # a robots.txt that is packed may be so many times larger than the part that is read


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
    by_proxy: bool = False
    """A proxy gave the answer, its own or another's: of plain http nobody can tell."""


class Meter(Protocol):
    """Counts bytes that are in memory, and lets a reader wait while there are too many."""

    def take(self, num_bytes: int) -> bool:
        """Count bytes of the body; True where `room` is to be awaited before reading on."""

    async def room(self) -> None:
        """Wait until there is room."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bounds of one request."""

    seconds: float
    max_bytes: int
    cut: bool = False
    """Take the first `max_bytes` of a longer body, rather than refuse it."""


async def request(
    pool: Pool,
    url: str,
    target: Target,
    *,
    limits: Limits,
    refuse: Callable[[Headers], str | None],
    meter: Meter,
) -> Outcome:
    """GET `url` once, redirects not followed.

    Args:
        pool: connections.
        url: absolute, http or https.
        target: of `url`.
        limits: bounds.
        refuse: looks at the headers of a 2xx answer; a text means OPTED_OUT, and the body is not read.
        meter: counts the bytes of the body.
    """
    clock = asyncio.get_running_loop().time
    started = clock()
    reader = _Reader(url, limits, refuse, meter)
    reader.outcome.by_proxy = target.scheme == "http" and pool.proxy_of(target) is not None
    try:
        await _exchange(pool, target, reader, started + limits.seconds)
        reader.complete()
    except Exception as error:
        status = status_of_error(error)
        if status is None:
            raise
        reader.failed(status, error)
    reader.outcome.seconds = clock() - started
    return reader.outcome


async def _exchange(pool: Pool, target: Target, reader: _Reader, deadline: float) -> None:
    """Ask on a connection that is open already, and on a new one where the server has closed it meanwhile."""
    message = _message(pool, target)
    connection = await pool.take(target, deadline)
    while True:
        is_used = connection.uses > 0
        try:
            return await connection.exchange(message, reader, deadline=deadline, idle_s=pool.idle_s)
        except DisconnectedError:
            if not is_used:
                raise
        finally:
            pool.put(target, connection)
        connection = await pool.take(target, deadline, new=True)


def _message(pool: Pool, target: Target) -> bytes:
    """The bytes of a request."""
    proxy = pool.proxy_of(target) if target.scheme == "http" else None  # https goes through a tunnel
    to_proxy = f"Proxy-Authorization: {proxy.credentials}\r\n" if proxy and proxy.credentials else ""
    place = f"http://{target.authority}{target.path}" if proxy else target.path
    return f"GET {place} HTTP/1.1\r\nHost: {target.authority}\r\n{pool.headers}{to_proxy}\r\n".encode("ascii")


class _Reader:
    """Makes the outcome of an answer as it comes."""

    def __init__(self, url: str, limits: Limits, refuse: Callable[[Headers], str | None], meter: Meter) -> None:
        self.outcome = Outcome(status=FetchStatus.CONNECT)
        self._url, self._limits, self._refuse, self._meter = url, limits, refuse, meter
        self._parts: list[bytes] = []
        self._size = 0
        self._encoding = ""
        self._wanted = False

    async def room(self) -> None:
        """Of `connection.Receiver`."""
        await self._meter.room()

    def head(self, code: int, headers: Headers) -> Verdict:
        """Of `connection.Receiver`."""
        outcome = self.outcome
        outcome.status, outcome.code, outcome.passing = status_of_code(code), code, code == 503
        outcome.content_type, outcome.headers = headers.get("content-type"), headers.only(KEPT_HEADERS)
        location = headers.get("location")
        if code in _REDIRECTS and location:
            outcome.location = _target(self._url, location)
            if outcome.location is None:
                outcome.detail = f"redirect to {location!r}"[:200]
        if outcome.status is not FetchStatus.OK:
            return Verdict.DRAIN
        if objection := self._refuse(headers):
            outcome.status, outcome.detail = FetchStatus.OPTED_OUT, objection
            return Verdict.STOP
        declared = headers.get("content-length") or ""
        if declared.isdigit() and int(declared) > self._limits.max_bytes and not self._limits.cut:
            outcome.status, outcome.detail = FetchStatus.TOO_LARGE, f"Content-Length {declared}"
            return Verdict.STOP
        self._encoding, self._wanted = headers.get("content-encoding") or "", True
        return Verdict.READ

    def body(self, piece: bytes) -> Verdict:
        """Of `connection.Receiver`."""
        self._parts.append(piece)
        self._size += len(piece)
        full = self._meter.take(len(piece))
        if self._size > self._limits.max_bytes:
            if not self._limits.cut:
                self._wanted = False
                self.outcome.status = FetchStatus.TOO_LARGE
                self.outcome.detail = f"over {self._limits.max_bytes} bytes"
            return Verdict.STOP
        return Verdict.PAUSE if full else Verdict.READ

    def complete(self) -> None:
        """The answer is over."""
        if self._wanted:
            body = self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)
            self._parts.clear()
            _decoded(self.outcome, body, self._encoding, self._limits)

    def failed(self, status: FetchStatus, error: Exception) -> None:
        """The request failed: what was learnt of the answer stays, its bytes go."""
        self._parts.clear()
        outcome = self.outcome
        outcome.status, outcome.detail, outcome.location = status, detail_of(error), None
        outcome.passing = not isinstance(error, NameLookupError) or _may_pass(error)


def _target(url: str, location: str) -> str | None:
    try:
        return urljoin(url, location.strip())
    except ValueError:
        return None


def _decoded(outcome: Outcome, body: bytes, encoding: str, limits: Limits) -> None:
    """Undo the content encoding that we did not ask for; a body that is an image as it stands is left
    alone."""
    encoding = encoding.strip().lower()
    if encoding in ("", "identity") or sniff(body[:4096]):
        outcome.body = body[: limits.max_bytes]
        return
    most = limits.max_bytes * (_CUT_FACTOR if limits.cut else 1)
    try:
        decoded = undo_content(body, encoding, most)
    except TooLargeError:
        outcome.status, outcome.detail = FetchStatus.TOO_LARGE, f"over {most} bytes in {encoding}"[:200]
        return
    if decoded is None:
        outcome.status, outcome.detail = FetchStatus.PROTOCOL, f"Content-Encoding {encoding}"[:200]
        return
    outcome.body = decoded[: limits.max_bytes]


def _may_pass(error: NameLookupError) -> bool:
    """Whether asking again may help: not for a name that does not exist."""
    cause = error.__cause__
    if isinstance(cause, socket.gaierror):
        return cause.errno == socket.EAI_AGAIN
    code = getattr(cause.__cause__ if cause else None, "args", (None,))[:1]  # of c-ares, where aiodns resolves
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
