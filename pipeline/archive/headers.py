"""The three kinds of header in an archive, read from bytes: of a WARC record, of an ARC record, of an HTTP response.

Lenient where the wild is: names in any case, folded lines, bare line feeds, repeated fields (the first counts), dates
cut short. Strict where a guess would make up a document: a target URI or date that cannot be read stays None.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

MAX_HEADER_BYTES = 64 << 10
"""A header block larger than this is taken for damage; genuine ones seen in archives stay below 32 KiB."""

BLANK_LINE = re.compile(rb"\n\r?\n")
WARC_LINE = re.compile(rb"WARC/\d+\.\d+[ \t]*\r?(?:\n|$)", re.IGNORECASE)
ARC_LINE = re.compile(rb"([^\r\n]+) (\S+) (\d{4,17}) ([^\r\n]*?) ?(\d+) *\r?(?:\n|$)")
FILEDESC = re.compile(rb"filedesc:[^ \r\n]*(?: [^ \r\n]+){2}")
"""How an ARC begins: name, IP, date, and more in most. The word alone may stand in damage."""

_STATUS_LINE = re.compile(rb"HTTP/\d+(?:\.\d+)?[ \t]+(\d{3})(?!\d)", re.IGNORECASE)
_CHARSET = re.compile(r"""charset\s*=\s*["']?\s*([^\s"';,]+)""", re.IGNORECASE)
_W3C_DATE = re.compile(
    r"(\d{4})(?:-(\d\d)(?:-(\d\d)(?:[Tt ](\d\d)(?::(\d\d)(?::(\d\d)(?:[.,]\d*)?)?)?)?)?)?\s*([Zz]|[+-]\d\d:?\d\d)?"
)

_WARC_FIELDS = re.compile(
    rb"\n(WARC-Type|WARC-Target-URI|WARC-Date|Content-Length|Content-Type)[ \t]*:"
    rb"([^\r\n]*(?:\r?\n[ \t][^\r\n]*)*)",
    re.IGNORECASE,
)
_HTTP_FIELDS = re.compile(
    rb"\n(Content-(?:Type|Length|Encoding)|Transfer-Encoding|X-Robots-Tag|TDM-Reservation)[ \t]*:"
    rb"([^\r\n]*(?:\r?\n[ \t][^\r\n]*)*)",
    re.IGNORECASE,
)
_BLANKS = re.compile(rb"\s+")


@dataclass(frozen=True, slots=True)
class RecordHead:
    """What the reader needs of a record's own header."""

    record_type: str
    url: str
    date: str
    """As written; see `parse_date`."""
    content_type: str | None
    """Media type that the record says for its block; in an ARC that of the payload."""
    block_length: int | None
    """Bytes of the block; None where the header does not say or says nonsense."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpHead:
    """What the reader needs of an HTTP response's header."""

    status: int
    content_type: str | None
    charset: str | None
    transfer_encoding: str
    content_encoding: str
    content_length: int | None
    robots: tuple[str, ...]
    tdm: str | None


def fields(block: bytes, pattern: re.Pattern[bytes]) -> dict[bytes, list[bytes]]:
    """The values of the fields that the pattern names, by lower-case name, in order, folded lines joined."""
    found: dict[bytes, list[bytes]] = {}
    for name, value in pattern.findall(block):
        found.setdefault(name.lower(), []).append(_BLANKS.sub(b" ", value) if b"\n" in value else value.strip())
    return found


def parse_warc_head(block: bytes) -> RecordHead:
    """The head of a WARC record, from the `WARC/...` line up to the blank line."""
    found = fields(block, _WARC_FIELDS)
    url = _text(found, b"warc-target-uri")
    if url.startswith("<") and url.endswith(">"):
        url = url[1:-1].strip()
    return RecordHead(
        _text(found, b"warc-type").lower(),
        url,
        _text(found, b"warc-date"),
        media_type(_text(found, b"content-type")),
        _number(_text(found, b"content-length")),
    )


def parse_arc_head(line: bytes) -> RecordHead | None:
    """The head of an ARC record (version 1 or 2) from its one line; None where it is no such line.

    URLs may hold blanks, so fields are counted from the right; of version 2 only those that version 1 also has
    are read (URL, IP, date, media type, length).
    """
    if FILEDESC.match(line):
        return RecordHead("warcinfo", "", "", None, _number(text(line.split()[-1])))
    match = ARC_LINE.match(line)
    if not match:
        return None
    url, _, date, media, length = (text(part).strip() for part in match.groups())
    return RecordHead("response", url, date, media_type(media.split(" ")[0]), _number(length))


def parse_http_head(block: bytes) -> HttpHead | None:
    """The head of an HTTP response; None where the block does not begin with a status line."""
    status = _STATUS_LINE.match(block)
    if not status:
        return None
    found = fields(block, _HTTP_FIELDS)
    content_type = _text(found, b"content-type")
    charset = _CHARSET.search(content_type)
    return HttpHead(
        status=int(status[1]),
        content_type=media_type(content_type),
        charset=charset[1] if charset else None,
        transfer_encoding=text(b",".join(found.get(b"transfer-encoding", ()))).lower(),
        content_encoding=text(b",".join(found.get(b"content-encoding", ()))).lower(),
        content_length=_number(_text(found, b"content-length")),
        robots=tuple(text(value) for value in found.get(b"x-robots-tag", ())),
        tdm=_text(found, b"tdm-reservation") or None,
    )


def parse_date(value: str) -> datetime | None:
    """A W3C date (WARC) or 4 to 14 digits (ARC), UTC, whole seconds; what is cut off counts as its beginning.

    `2014-03-25T12:12Z` is 12:12:00 and `2014` is New Year's midnight; a time zone other than Z is converted.
    None where it is no date.
    """
    value = value.strip()
    if len(value) == 20 and value.endswith("Z") and value.isascii():
        try:
            return datetime.fromisoformat(value).astimezone(UTC)
        except ValueError:
            pass
    if value.isdigit() and len(value) > 4:
        digits = value[:14]
        parts = [digits[:4], *(digits[at : at + 2] for at in range(4, len(digits), 2))]
        zone = None
    else:
        match = _W3C_DATE.fullmatch(value)
        if not match:
            return None
        parts, zone = [part for part in match.groups()[:6] if part], match[7]
    if not value.isascii() or any(len(part) < 2 for part in parts):
        return None
    numbers = [int(part) for part in parts]
    numbers += [0, 1, 1, 0, 0, 0][len(numbers) :]
    numbers[5] = min(numbers[5], 59)  # a leap second
    try:
        return datetime(*numbers, tzinfo=UTC) - _shift(zone)  # type: ignore[misc,arg-type]
    except (ValueError, OverflowError):
        return None


def media_type(value: str) -> str | None:
    """The media type in lower case without parameters; None where it is empty or has no slash.

    The first of several that a repeated or joined header gives.
    """
    found = value.partition(";")[0].partition(",")[0].strip().lower()
    return found if "/" in found.strip("/") else None


def text(value: bytes) -> str:
    """Header bytes as text: UTF-8, else Latin-1, which reads any bytes."""
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value.decode("latin-1")


def _text(found: dict[bytes, list[bytes]], name: bytes) -> str:
    values = found.get(name)
    return text(values[0]).strip() if values else ""


def _number(value: str) -> int | None:
    return int(value) if value.isascii() and value.isdigit() and len(value) < 19 else None


def _shift(zone: str | None) -> timedelta:
    if not zone or zone in "Zz":
        return timedelta()
    sign = -1 if zone[0] == "-" else 1
    return sign * timedelta(hours=int(zone[1:3]), minutes=int(zone[-2:]))
