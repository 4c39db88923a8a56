"""What came of a URL: one row of the ledger, with the bytes while they are in memory."""

from __future__ import annotations

import asyncio
import datetime
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field

import aiohttp

from pipeline.fetch.addresses import PrivateAddressError
from schemas.reasons import FetchStatus

DETAIL_LENGTH = 200
"""Characters of an error's text that are kept."""

KEPT_HEADERS = (
    "content-length",
    "content-encoding",
    "etag",
    "last-modified",
    "link",
    "location",
    "retry-after",
    "tdm-policy",
    "tdm-reservation",
    "x-robots-tag",
)
"""Headers of the last answer that the ledger keeps: what a repeated fetch, a licence or an objection
needs."""

RETRIED = frozenset(
    {FetchStatus.CONNECT, FetchStatus.TIMEOUT, FetchStatus.HTTP_429, FetchStatus.HTTP_5XX, FetchStatus.DNS}
)
"""Statuses after which asking again may help; of the 5xx only 503, and of DNS only failures that pass."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The answer to one URL."""

    url: str
    """As given."""
    status: FetchStatus
    http_status: int | None = None
    """Of the last answer, redirects included; None where there was none."""
    attempts: int = 0
    """Requests for the image, redirects not counted; 0 where robots.txt or an address check forbade it."""
    final_url: str | None = None
    """The URL that was asked last."""
    content_type: str | None = None
    """As the server says; what the bytes are is told by the bytes."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Those of KEPT_HEADERS that the last answer had, names in lower case."""
    num_bytes: int = 0
    """Bytes received, after content encoding."""
    seconds: float = 0.0
    """In requests, without waiting for turns and retries."""
    fetched_at: datetime.datetime
    """When the last request ended, UTC."""
    sha256: str | None = None
    """Hex, of the bytes; None unless ok, or blocked by a list of hashes."""
    data: bytes | None = None
    """The bytes; None unless ok."""
    detail: str | None = None
    """What the error said, cut at 200 characters."""


def status_of_code(code: int) -> FetchStatus:
    """The class of an HTTP status code; OK for 2xx."""
    if 200 <= code <= 299:
        return FetchStatus.OK
    if code in (410, 429):
        return FetchStatus.HTTP_410 if code == 410 else FetchStatus.HTTP_429
    if 400 <= code <= 499:
        return FetchStatus.HTTP_4XX
    return FetchStatus.HTTP_5XX if 500 <= code <= 599 else FetchStatus.HTTP_OTHER


def status_of_error(error: BaseException, *, in_body: bool) -> FetchStatus | None:
    """The class of a failed request, None for an error that is not the network's.

    Args:
        error: what the HTTP client raised.
        in_body: whether the answer's headers had come: a connection that breaks then leaves a truncated
            image.
    """
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        cause = error.os_error
        return FetchStatus.PRIVATE_ADDRESS if isinstance(cause, PrivateAddressError) else FetchStatus.DNS
    if isinstance(error, PrivateAddressError):
        return FetchStatus.PRIVATE_ADDRESS
    if isinstance(error, aiohttp.ClientSSLError | aiohttp.ServerFingerprintMismatch | ssl.CertificateError):
        return FetchStatus.TLS
    if isinstance(error, TimeoutError | asyncio.TimeoutError):
        return FetchStatus.TIMEOUT
    if isinstance(error, aiohttp.ClientHttpProxyError):
        return FetchStatus.CONNECT
    if isinstance(error, aiohttp.ClientPayloadError):
        return FetchStatus.TRUNCATED
    if isinstance(error, aiohttp.InvalidURL | aiohttp.ClientResponseError | ValueError):
        return FetchStatus.PROTOCOL
    if isinstance(error, ssl.SSLError):
        return FetchStatus.TRUNCATED if in_body else FetchStatus.TLS
    if isinstance(error, aiohttp.ClientError | OSError | EOFError):
        return FetchStatus.TRUNCATED if in_body else FetchStatus.CONNECT
    return None


def detail_of(error: BaseException) -> str:
    """One line about an error."""
    text = f"{type(error).__name__}: {error}".rstrip(": ")
    return " ".join(text.split())[:DETAIL_LENGTH]
