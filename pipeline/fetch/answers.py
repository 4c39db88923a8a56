"""What came of a URL: one row of the ledger, with the bytes while they are in memory."""

from __future__ import annotations

import datetime
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field

from pipeline.fetch.addresses import PrivateAddressError
from pipeline.fetch.connection import ProtocolError, TruncatedError
from pipeline.fetch.pool import NameLookupError
from schemas.reasons import FetchStatus

DETAIL_LENGTH = 200
"""Characters of an error's text that are kept."""

KEPT_HEADERS = frozenset(
    (
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
)
"""Headers of the last answer that the ledger keeps: what a repeated fetch, a licence or an objection
needs."""

_STATUS_OF: tuple[tuple[type[BaseException], FetchStatus], ...] = (
    (NameLookupError, FetchStatus.DNS),
    (ssl.SSLError, FetchStatus.TLS),
    (TimeoutError, FetchStatus.TIMEOUT),
    (TruncatedError, FetchStatus.TRUNCATED),
    (ProtocolError, FetchStatus.PROTOCOL),
    (ValueError, FetchStatus.PROTOCOL),  # a URL that cannot be asked
    (OSError, FetchStatus.CONNECT),
)
"""The first that fits counts: most are OSErrors, some ValueErrors too."""

RETRIED = frozenset(
    {FetchStatus.CONNECT, FetchStatus.TIMEOUT, FetchStatus.HTTP_429, FetchStatus.HTTP_5XX, FetchStatus.DNS}
)
"""Statuses after which asking again may help; of the 5xx only 503, and of DNS only failures that pass."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One request for a URL, redirects included."""

    asked: str
    """The URL that was asked."""
    status: FetchStatus
    http_status: int | None
    num_bytes: int
    seconds: float
    ended_at: datetime.datetime
    """UTC."""
    detail: str | None


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
    """The URL that was asked last; of a deferred one that was redirected, the URL that is to be asked next."""
    redirects: int = 0
    """That were followed."""
    log: tuple[Attempt, ...] = ()
    """Each request."""
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


def status_of_error(error: BaseException) -> FetchStatus | None:
    """The class of a failed request, None for an error that is not the network's."""
    if isinstance(error, PrivateAddressError) or isinstance(error.__cause__, PrivateAddressError):
        return FetchStatus.PRIVATE_ADDRESS
    for kind, status in _STATUS_OF:
        if isinstance(error, kind):
            return status
    return None


def detail_of(error: BaseException) -> str:
    """One line about an error."""
    text = f"{type(error).__name__}: {error}".rstrip(": ")
    return " ".join(text.split())[:DETAIL_LENGTH]
