"""HTTP bodies without their transfer and content encoding, never larger than a bound.

What a browser shows is taken: a body that was unpacked by the crawler but still says `gzip` or `chunked` is read as it
is, a stream that stops early gives what came. What no reader could undo is `None` (reason `bad_encoding`).
"""

from __future__ import annotations

import re
import zlib

import brotli
import zstandard

ZSTD_MAX_WINDOW = 8 << 20
"""RFC 9659: a content encoding `zstd` may ask for a window of 8 MiB at most."""
SNIFF_BYTES = 2048
MAX_GZIP_MEMBERS = 100
"""Of a body in many gzip members only so many are read; servers send one, and each costs a copy of the rest."""
MAX_ENCODINGS = 4
"""More encodings on top of each other than this are refused; each one costs a pass over the bound."""

_CHUNK_HEAD = re.compile(rb"[ \t]*([0-9A-Fa-f]{1,8})[ \t]*(?:;[^\r\n]{0,4096})?\r?\n")
_HTML_TAG = re.compile(rb"<(?:!doctype\s+html|html|head|body|title)[\s>]", re.IGNORECASE)
_SIGNATURES = (
    *(b"%PDF-", b"%!PS", b"\x89PNG\r\n", b"GIF8", b"\xff\xd8\xff", b"\x00\x00\x01\x00"),  # documents, images
    *(b"PK\x03\x04", b"\x1f\x8b\x08", b"BZh", b"7z\xbc\xaf", b"Rar!\x1a\x07", b"\xd0\xcf\x11\xe0"),  # archives
    *(b"\x7fELF", b"OggS", b"fLaC", b"wOFF", b"wOF2"),  # programs, sounds, fonts
)
_IDENTITY = frozenset({"", "identity", "none", "binary", "8bit", "7bit", "utf-8", "utf8"})


class TooLargeError(Exception):
    """The body is over the bound."""


def looks_like_html(body: bytes) -> bool:
    """Whether the body begins, after blanks, comments and an XML declaration, with a tag that begins a page."""
    head = body[:SNIFF_BYTES].removeprefix(b"\xef\xbb\xbf").lstrip()
    while head.startswith((b"<!--", b"<?xml")):
        _, end, head = head.partition(b"-->" if head.startswith(b"<!--") else b">")
        if not end:
            return False
        head = head.lstrip()
    return _HTML_TAG.match(head) is not None


def is_surely_not_html(body: bytes) -> bool:
    """Whether the body begins with the signature of a PDF, image, archive, font or sound."""
    return body.startswith(_SIGNATURES) or (body[:4] == b"RIFF" and body[8:12] in (b"WEBP", b"WAVE", b"AVI "))


def undo_transfer(body: bytes, encoding: str) -> bytes | None:
    """The body without chunk framing; None where the framing breaks off in its middle.

    A body without a valid first chunk head was never chunked, or is so no longer: it is returned as it is. A last
    chunk that is cut, or absent, gives what is there. Other transfer encodings (`gzip`) are left to the content
    encoding, as crawlers do.
    """
    if "chunked" not in encoding or not _CHUNK_HEAD.match(body):
        return body
    parts: list[bytes] = []
    at = 0
    while at < len(body):
        head = _CHUNK_HEAD.match(body, at)
        if not head:
            return None if body[at : at + 64].strip() else b"".join(parts)
        size = int(head[1], 16)
        if size == 0:
            break
        parts.append(body[head.end() : head.end() + size])
        at = head.end() + size
        at += 2 if body[at : at + 2] == b"\r\n" else body[at : at + 1] == b"\n"
    return b"".join(parts)


def undo_content(body: bytes, encoding: str, max_bytes: int) -> bytes | None:
    """The body without its content encodings (gzip, deflate, br, zstd; several in the order of the header).

    Returns:
        The decoded body, at most `max_bytes`; None where an encoding is unknown or its data are broken.

    Raises:
        TooLargeError: more than `max_bytes` would come out; no more than that is ever unpacked.
    """
    if not encoding:
        return body
    names = [name for part in encoding.split(",") if (name := part.strip()) not in _IDENTITY]
    if len(names) > MAX_ENCODINGS:
        return None
    for name in reversed(names):
        decoded = _decode(body, name, max_bytes) if body else body
        if decoded is None:
            return body if looks_like_html(body) else None
        if len(decoded) > max_bytes:
            raise TooLargeError
        body = decoded
    return body


def _decode(body: bytes, name: str, max_bytes: int) -> bytes | None:
    if name in ("gzip", "x-gzip"):
        return _gunzip(body, max_bytes) if body.startswith(b"\x1f\x8b") else None
    if name == "deflate":
        decoded = _inflate(body, zlib.MAX_WBITS, max_bytes)
        return decoded if decoded is not None else _inflate(body, -zlib.MAX_WBITS, max_bytes)
    if name == "br":
        return _unbrotli(body, max_bytes)
    if name == "zstd":
        return _unzstd(body, max_bytes)
    return None


def _gunzip(body: bytes, max_bytes: int) -> bytes | None:
    """All members of a gzip body; what follows the last one is ignored, as browsers do."""
    parts: list[bytes] = []
    size = 0
    for _ in range(MAX_GZIP_MEMBERS):
        if size > max_bytes or not body.startswith(b"\x1f\x8b"):
            break
        member = zlib.decompressobj(16 + zlib.MAX_WBITS)
        try:
            part = member.decompress(body, max_bytes + 1 - size)
        except zlib.error:
            return b"".join(parts) if parts else None
        parts.append(part)
        size += len(part)
        body = member.unused_data
    return b"".join(parts)


def _inflate(body: bytes, window: int, max_bytes: int) -> bytes | None:
    try:
        return zlib.decompressobj(window).decompress(body, max_bytes + 1)
    except zlib.error:
        return None


def _unbrotli(body: bytes, max_bytes: int) -> bytes | None:
    decoder = brotli.Decompressor()
    parts: list[bytes] = []
    size = 0
    data = body
    try:
        while size <= max_bytes:
            part = decoder.process(data, output_buffer_limit=max_bytes + 1 - size)
            data = b""
            parts.append(part)
            size += len(part)
            if decoder.is_finished() or (not part and decoder.can_accept_more_data()):
                break
    except brotli.error:
        return None
    return b"".join(parts) if size or decoder.is_finished() else None


def _unzstd(body: bytes, max_bytes: int) -> bytes | None:
    decoder = zstandard.ZstdDecompressor(max_window_size=ZSTD_MAX_WINDOW)
    try:
        with decoder.stream_reader(body, read_across_frames=True) as reader:
            return bytes(reader.read(max_bytes + 1))
    except zstandard.ZstdError:
        return None
