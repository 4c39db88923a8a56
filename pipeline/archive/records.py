"""Every record of a WARC or ARC once, as a `Page` or as a `Skipped` with its reason; never an exception for its bytes.

One record is in memory at a time, and of a record that is not wanted only a step of decoding. After damage the reader
goes on at the next member, or the next line that begins a record, and says which bytes it left out.

What is a page: a `response` with status 200 whose Content-Type is one of `read_warc.content_types`. The header is
believed with two exceptions: a body that begins with the signature of a PDF, image, archive or font is no page whatever
the header says; and where the header names no media type, a body that begins with `<!doctype html`, `<html`, `<head`,
`<body` or `<title` (after blanks, comments, XML declaration) is one. Plain text that happens to be HTML is not: a
browser shows it as text. Beside these, a `conversion` of the type `filters.imported.MEDIA_TYPE` is one: a document that
`weft import` wrote. No server can say so, because a server's answers are `response` records.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from pipeline.archive.body import (
    TooLargeError,
    is_surely_not_html,
    looks_like_html,
    undo_content,
    undo_transfer,
)
from pipeline.archive.config import Config
from pipeline.archive.headers import (
    BLANK_LINE,
    FILEDESC,
    MAX_HEADER_BYTES,
    WARC_LINE,
    HttpHead,
    RecordHead,
    parse_arc_head,
    parse_date,
    parse_http_head,
    parse_warc_head,
)
from pipeline.archive.members import (
    PROBE_BYTES,
    DamageError,
    Members,
    Source,
    begins_record,
    open_members,
)
from pipeline.archive.record import IMAGES, IMPORTED, Page, Skipped, Wanted
from pipeline.archive.window import Window
from schemas.reasons import RecordReason

__all__ = ["IMAGES", "Page", "Skipped", "Wanted", "payload_digest", "read_records"]

_HTTP_HEAD_BYTES = 16 << 10
_ADDRESS = re.compile(r"https?://[^\s/]|data:sha256,[0-9a-f]{64}\Z", re.IGNORECASE)
_LINE_END = re.compile(rb"\n")


def read_records(
    source: str | Path | Source, *, limits: Config, start_offset: int = 0, wanted: Wanted | None = None
) -> Iterator[Page | Skipped]:
    """Each record of an archive, in file order.

    Args:
        source: a local path, or an open binary file or remote one (`remote.open_source`), which is left open.
        limits: what a page is, and the largest body.
        start_offset: begin here; it should be the offset of a record.
        wanted: other records than HTML pages, such as `IMAGES`.

    Yields:
        `Page` for what is wanted, `Skipped` for all else, damaged stretches included. `offset` is unique in a file.
        Where several records share one gzip member none has bytes of its own: `length` is 0, and `offset` lies within
        the member at about where the record does. A file without a single record is one `Skipped(NOT_AN_ARCHIVE)`.

    Raises:
        OSError: the file itself cannot be read (absent, no permission, disk or network error).
    """
    wanted = wanted or Wanted(content_types=limits.content_types)
    if isinstance(source, str | Path):
        with closing(Path(source).open("rb", buffering=0)) as file:
            yield from _Reader(open_members(file, start_offset), limits, wanted).records()
    else:
        yield from _Reader(open_members(source, start_offset), limits, wanted).records()


def payload_digest(payload: bytes) -> str:
    """`sha1:` and 32 base32 digits, as WARC-Payload-Digest is written."""
    return "sha1:" + base64.b32encode(hashlib.sha1(payload, usedforsecurity=False).digest()).decode("ascii")


class _SkipError(Exception):
    """The record in hand is no page, for this reason."""

    def __init__(self, reason: RecordReason, http: HttpHead | None = None, content_type: str | None = None) -> None:
        self.reason = reason
        self.status = http.status if http else None
        self.content_type = http.content_type if http else content_type


class _Reader(Window):
    """Walks over members and the records in them."""

    def __init__(self, members: Members, limits: Config, wanted: Wanted) -> None:
        super().__init__(members)
        self.limits, self.wanted = limits, wanted
        self.begin = self.offset = members.start  # of the record in hand
        self.in_hand = False  # whether a record, or what should be one, is begun and not handed out
        self.head: RecordHead | None = None  # its head, once read
        self.left = 0  # bytes of its block that are not consumed
        self.is_arc: bool | None = None
        self.has_records = False
        self.unread: Skipped | None = None  # damage before the first record; all there is if none follows

    def records(self) -> Iterator[Page | Skipped]:
        """See `read_records`."""
        while True:
            self.in_hand, self.head = False, None
            try:
                if not self.next_member():
                    break
                yield from self._member()
            except DamageError:
                start = self.offset if self.in_hand else self.members.start
                end, found = self.members.find_next(start + 1)
                yield from self._damaged(start, end - start)
                self.jump(end)
                if not found:
                    break
        if not self.has_records:
            length = self.members.position - self.begin
            yield Skipped(offset=self.begin, length=length, reason=RecordReason.NOT_AN_ARCHIVE, record_type="")

    def _member(self) -> Iterator[Page | Skipped]:
        first = True
        while self.skip_blanks():
            self._mark(first)
            self.spans_members = True
            self.head = self._head()
            if self.head is None:
                yield from self._garbage(first)
            else:
                yield from self._record(self.head, first)
            first = self.in_hand = False

    def _mark(self, first: bool) -> None:
        """Set `offset` for the record that begins here."""
        if self.members.exact:
            self.offset = self.where()
        elif first:
            self.offset = self.members.start
        else:
            self.offset = max(self.offset + 1, self.members.position)
        self.in_hand = True

    def _record(self, head: RecordHead, first: bool) -> Iterator[Page | Skipped]:
        item: Page | Skipped
        if head.block_length is None:
            self.spans_members = False
            if self.skip_blanks() and not begins_record(self.buffer[self.at : self.at + PROBE_BYTES]):
                self.find_record(bool(self.is_arc))
            item = self._skipped(RecordReason.BAD_HEADER, head)
        else:
            item = self._block(head, head.block_length)
        at_end = not self.skip_blanks()
        if self.members.exact:
            length = self.where() - self.offset
        else:
            length = self.member_end() - self.offset if first and at_end else 0
        object.__setattr__(item, "length", length)  # not handed out before: still ours
        yield from self._hand_out(item)

    def _hand_out(self, item: Page | Skipped) -> Iterator[Page | Skipped]:
        self.in_hand, self.has_records, self.head = False, True, None
        if self.unread:
            yield self.unread
            self.unread = None
        yield item

    def _block(self, head: RecordHead, length: int) -> Page | Skipped:
        """The record's block consumed, and what became of it."""
        item: Page | Skipped
        self.left = length
        try:
            item = self._page(head)
        except _SkipError as skip:
            item = self._skipped(skip.reason, head, skip.status, skip.content_type)
        complete = self.skip(self.left)
        self.spans_members = False
        if not complete or not self.at_boundary():
            if self.members.exact:
                raise DamageError("the record's length is wrong")
            self.find_record(bool(self.is_arc))
            return self._skipped(RecordReason.DAMAGED, head)
        return item

    def _skipped(
        self, reason: RecordReason, head: RecordHead, status: int | None = None, content_type: str | None = None
    ) -> Skipped:
        return Skipped(
            offset=self.offset,
            length=0,
            reason=reason,
            record_type=head.record_type,
            status=status,
            content_type=content_type,
        )

    def _page(self, head: RecordHead) -> Page:
        """The page, its block consumed as far as it was looked at (`left` is the rest).

        Raises:
            _SkipError: it is none.
        """
        is_imported = self.wanted.imported and (head.record_type, head.content_type) == IMPORTED
        if not is_imported and head.record_type not in self.wanted.record_types:
            is_image = head.record_type == "resource" and IMAGES.has_type(head.content_type or "")
            captured = head.content_type if is_image else None  # step 04 asks who holds images
            raise _SkipError(RecordReason.NOT_A_RESPONSE, content_type=captured)
        http = self._http_head() if head.record_type == "response" else None
        if http is None and head.record_type == "response":
            raise _SkipError(RecordReason.NOT_HTTP)
        content_type = http.content_type if http else head.content_type
        if http and http.status != 200:
            raise _SkipError(RecordReason.STATUS, http)
        if content_type and not is_imported and not self.wanted.has_type(content_type):
            raise _SkipError(RecordReason.CONTENT_TYPE, http, content_type)
        if self.left > self.limits.max_body_bytes:
            raise _SkipError(RecordReason.TOO_LARGE, http, content_type)
        fetched_at = parse_date(head.date)
        if fetched_at is None or not _ADDRESS.match(head.url):
            raise _SkipError(RecordReason.BAD_HEADER, http, content_type)
        if not self.fill(self.left):
            self.left = self._all_there(http)
        payload = self.take(self.left)
        self.left = 0
        body = self._decoded(payload, http)
        if not self._fits(content_type, body[1]):
            raise _SkipError(RecordReason.CONTENT_TYPE, http, content_type)
        return Page(
            offset=self.offset,
            length=0,
            url=head.url,
            fetched_at=fetched_at,
            payload_digest=payload_digest(body[0]),
            body=body[1],
            content_type=content_type,
            http_charset=http.charset if http else None,
            robots_headers=http.robots if http else (),
            tdm_header=http.tdm if http else None,
            status=http.status if http else None,
            record_type=head.record_type,
        )

    def _all_there(self, http: HttpHead | None) -> int:
        """The length of a body that is shorter than its record says, and yet as long as its HTTP header says."""
        if not http or http.content_length is None or not self.fill(http.content_length):
            raise DamageError("the record is cut")
        return len(self.buffer) - self.at

    def _decoded(self, block: bytes, http: HttpHead | None) -> tuple[bytes, bytes]:
        """The payload (without transfer encoding) and the body (without content encoding)."""
        if http is None:
            return block, block
        payload = undo_transfer(block, http.transfer_encoding)
        if payload is None:
            raise _SkipError(RecordReason.BAD_ENCODING, http)
        try:
            body = undo_content(payload, http.content_encoding, self.limits.max_body_bytes)
        except TooLargeError:
            raise _SkipError(RecordReason.TOO_LARGE, http) from None
        if body is None:
            raise _SkipError(RecordReason.BAD_ENCODING, http)
        return payload, body

    def _fits(self, content_type: str | None, body: bytes) -> bool:
        """Whether the body is what its header says (see the module), or looks like a page where that says nothing."""
        if content_type is None:
            return self.wanted.has_type("text/html") and looks_like_html(body)
        return "html" not in content_type or not is_surely_not_html(body)

    def _head(self) -> RecordHead | None:
        """The head of the record that begins here, consumed; None where none does."""
        self.fill(16)
        if WARC_LINE.match(self.buffer, self.at):
            self.is_arc = False
            end = self.find(BLANK_LINE, MAX_HEADER_BYTES)
            return parse_warc_head(self.take(end)) if end else None
        if self.is_arc is False:
            return None
        end = self.find(_LINE_END, MAX_HEADER_BYTES)
        line = self.buffer[self.at : self.at + end]
        head = parse_arc_head(line) if end and b":" in line[:32] else None
        if head is None:
            return None
        self.is_arc = True
        self.at += end
        if FILEDESC.match(line) and head.block_length is None:
            size = self.find(BLANK_LINE, MAX_HEADER_BYTES)
            self.at += size
            return replace(head, block_length=0)
        return head

    def _http_head(self) -> HttpHead | None:
        """The HTTP header of the block, consumed; None where there is none."""
        for size in (_HTTP_HEAD_BYTES, MAX_HEADER_BYTES):
            size = min(self.left, size)
            self.fill(size)
            match = BLANK_LINE.search(self.buffer, self.at, self.at + size)
            if match or size == self.left:
                break
        end = match.end() if match else min(len(self.buffer), self.at + size)
        head = parse_http_head(self.buffer[self.at : end])
        if head:
            self.left -= end - self.at
            self.at = end
        return head

    def _garbage(self, first: bool) -> Iterator[Page | Skipped]:
        """What stands here is no record: pass over it, up to the next one in this member or to its end."""
        self.spans_members = False
        found = self.find_record(bool(self.is_arc))
        if self.members.exact:
            length = self.where() - self.offset
        else:
            length = self.member_end() - self.offset if first and not found else 0
        yield from self._damaged(self.offset, length)

    def _damaged(self, offset: int, length: int) -> Iterator[Page | Skipped]:
        """A record that is cut or broken, or, where its head was not read either, a stretch of bytes."""
        record_type = self.head.record_type if self.head else ""
        item = Skipped(offset=offset, length=length, reason=RecordReason.DAMAGED, record_type=record_type)
        if self.head or self.has_records:
            yield from self._hand_out(item)
        elif self.unread is None:
            self.unread = item
