"""The names of documents and pairs: a hash of what was captured, when, and from where (design, section 3)."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime


def document_id(url: str, fetched_at: datetime, payload_digest: str) -> str:
    """32 lower-case hex digits: the first 128 bits of SHA-256 over three UTF-8 strings joined by a line feed.

    Args:
        url: the target URI as recorded.
        fetched_at: capture time with a time zone; written as `YYYY-MM-DDTHH:MM:SSZ`, fractions cut.
        payload_digest: `sha1:` and 32 base32 digits over the HTTP body after transfer decoding.

    Raises:
        ValueError: `fetched_at` has no time zone.
    """
    if fetched_at.tzinfo is None:
        raise ValueError("fetched_at has no time zone")
    utc = fetched_at.astimezone(UTC)
    time = f"{utc.year:04d}-{utc.month:02d}-{utc.day:02d}T{utc.hour:02d}:{utc.minute:02d}:{utc.second:02d}Z"
    told = "\n".join((url, time, payload_digest)).encode("utf-8", "surrogatepass")
    return hashlib.sha256(told).hexdigest()[:32]


def pair_key(document: str, node: int, kind: str) -> str:
    """The name of an image-text pair: 128 bits of SHA-256 over document id, node and kind joined by line feeds.

    Args:
        document: id of the document that shows the image.
        node: index of the image among its nodes.
        kind: `alt` or `caption`.
    """
    return hashlib.sha256(f"{document}\n{node}\n{kind}".encode()).hexdigest()[:32]
