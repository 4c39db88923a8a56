"""What a record of an archive becomes: a `Page`, or a `Skipped` with the reason, so that the books balance."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from filters.imported import MEDIA_TYPE
from schemas.reasons import RecordReason


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A wanted record, its body free of transfer and content encoding.

    `offset` and `length` are those of the compressed member (of the record, where the file is not compressed): a
    ranged read of exactly these bytes gives the record back.
    """

    offset: int
    length: int
    url: str
    """Target URI as recorded, without the angle brackets some writers put around it."""
    fetched_at: datetime
    """UTC, whole seconds."""
    payload_digest: str
    """`sha1:` and base32 over the HTTP body after transfer decoding, before content decoding; computed here."""
    body: bytes
    content_type: str | None
    """Media type in lower case, without parameters; None where neither header nor record says one."""
    http_charset: str | None
    robots_headers: tuple[str, ...]
    """Each value of X-Robots-Tag, in order."""
    tdm_header: str | None
    """Value of TDM-Reservation."""
    status: int | None
    """HTTP status; None for a record without HTTP (`resource`)."""
    record_type: str = "response"


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """A record that gives no page, or a stretch of bytes that is no record (`DAMAGED`, `NOT_AN_ARCHIVE`)."""

    offset: int
    length: int
    reason: RecordReason
    record_type: str
    """WARC-Type in lower case; `response` or `warcinfo` in an ARC; empty for a stretch."""
    status: int | None = None
    content_type: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which records become pages; decided from headers, before a body is read."""

    record_types: frozenset[str] = frozenset({"response"})
    content_types: tuple[str, ...] = ("text/html", "application/xhtml+xml")
    """Exact media types, or `image/*` for a whole family."""
    imported: bool = True
    """Also documents that `weft import` wrote."""

    def has_type(self, content_type: str) -> bool:
        """Whether the media type is one of the wanted."""
        return any(
            content_type == wanted or (wanted.endswith("/*") and content_type.startswith(wanted[:-1]))
            for wanted in self.content_types
        )


IMPORTED = ("conversion", MEDIA_TYPE)
"""Record type and media type of a document that `weft import` wrote."""
IMAGES = Wanted(record_types=frozenset({"response", "resource"}), content_types=("image/*",), imported=False)
"""Images that the crawl itself captured."""
