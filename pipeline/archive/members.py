"""The bytes of an archive as members: gzip members, zstd or lz4 frames, or one stretch where nothing is compressed.

A member is decoded in bounded steps and knows where it begins and ends in the file. This is why the framing is done
here and not by FastWARC: its reader says where a member begins but not where it ends, stops for good at the first
damage, and drops a cut or mislabelled record without a word (versions 1.0 to 2.0).
"""

from __future__ import annotations

import re
import zlib
from abc import ABC, abstractmethod
from io import BytesIO
from typing import Protocol

from pipeline.archive.headers import ARC_LINE, FILEDESC, WARC_LINE

READ_BYTES = 256 << 10
"""Read from the file at once."""
FEED_BYTES = 32 << 10
"""Given to the decompressor at once: what it leaves over is copied, so this bounds the cost of tiny members."""
STEP_BYTES = 128 << 10
"""Decoded at once; most records fit into it whole."""
PROBE_BYTES = 8 << 10
SNIFF_BYTES = 64 << 10
HEAD_BYTES = 32
"""Enough to tell what begins here."""

GZIP_MAGIC = b"\x1f\x8b\x08"
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
LZ4_MAGIC = b"\x04\x22\x4d\x18"
SKIPPABLE_MAGIC = re.compile(rb"[\x50-\x5f]\x2a\x4d\x18")

_LEADING_BLANK = re.compile(rb"\s*")


class Source(Protocol):
    """The bytes of an archive, read forwards with a few jumps: an open binary file or a remote one."""

    def read(self, size: int, /) -> bytes: ...  # noqa: D102
    def seek(self, offset: int, /) -> int: ...  # noqa: D102
    def close(self) -> None: ...  # noqa: D102


class DamageError(Exception):
    """The bytes at hand are not what the format says."""


class Members(ABC):
    """The members of one archive, in order. `start` is where the current one begins, `position` what is consumed."""

    exact = False
    """Whether a decoded position is a position in the file, as where nothing is compressed."""
    magic: re.Pattern[bytes]
    """What a member begins with."""

    def __init__(self, source: Source, offset: int, head: bytes) -> None:
        """`head` is what the source, which stands behind it, holds at `offset`; it is not asked for again."""
        self.source = source
        self.start = self.position = offset
        self._input, self._at = head, 0

    def jump(self, offset: int) -> None:
        """Go on at `offset`, which should be the beginning of a member."""
        self.start = self.position = offset
        self._input, self._at = b"", 0
        self.source.seek(offset)

    def next_member(self) -> bool:
        """Begin the next member; False at the end of the file.

        Raises:
            DamageError: what stands here is no member.
        """
        self.start = self.position
        if self._left() < HEAD_BYTES:
            self._more()
        if not self._left():
            return False
        self._begin()
        return True

    def find_next(self, after: int) -> tuple[int, bool]:
        """Where the next readable record begins in the file, at or behind `after`, and True; else the end and False."""
        scan = _Scan(self.source, after, self.magic)
        for offset in scan:
            if self.opens_a_record(offset):
                return offset, True
        return scan.end, False

    @abstractmethod
    def read(self, max_bytes: int) -> bytes:
        """Up to `max_bytes` of the current member, decoded; empty only at its end.

        Raises:
            DamageError: the member is cut or broken.
        """

    @abstractmethod
    def _begin(self) -> None: ...

    def opens_a_record(self, offset: int) -> bool:
        """Whether the member at `offset` can be decoded and begins with the head of a record; moves there."""
        self.jump(offset)
        try:
            return self.next_member() and begins_record(self.read(PROBE_BYTES))
        except DamageError:
            return False

    def _left(self) -> int:
        return len(self._input) - self._at

    def _more(self) -> bool:
        """Read on; what is left over is kept before it."""
        data = self.source.read(READ_BYTES)
        if data:
            self._input, self._at = self._input[self._at :] + data, 0
        return bool(data)


class _Scan:
    """Offsets at which a pattern of a few bytes begins, found reading forwards; the source may be moved between."""

    def __init__(self, source: Source, after: int, pattern: re.Pattern[bytes]) -> None:
        self.source, self.pattern = source, pattern
        self.end = after
        """Where the bytes read so far end."""
        self._window, self._at = b"", 0

    def __iter__(self) -> _Scan:
        return self

    def __next__(self) -> int:
        while True:
            match = self.pattern.search(self._window, self._at)
            if match:
                self._at = match.start() + 1
                return self.end - len(self._window) + match.start()
            self.source.seek(self.end)
            data = self.source.read(READ_BYTES)
            if not data:
                raise StopIteration
            kept = self._window[max(self._at, len(self._window) - HEAD_BYTES) :]
            self._window, self._at = kept + data, 0
            self.end += len(data)


class PlainMembers(Members):
    """A file that is not compressed: one member over all of it."""

    exact = True
    magic = re.compile(rb"WARC/\d+\.\d+[ \t]*\r?\n|(?:https?|ftp|dns):[^\r\n]")

    def skip(self, count: int) -> bool:
        """Leave out `count` bytes without reading them; False where the file is shorter than that."""
        in_hand = min(count, self._left())
        self._at += in_hand
        self.position += in_hand
        if count > in_hand:
            last = self.position + count - in_hand - 1
            self.source.seek(last)
            self._input, self._at = self.source.read(READ_BYTES), 1
            self.position = last + min(1, len(self._input))
            self._at = min(1, len(self._input))
            return bool(self._input)
        return True

    def read(self, max_bytes: int) -> bytes:
        """Up to `max_bytes` from here on; empty at the end of the file."""
        if not self._left():
            self._more()
        data = self._input[self._at : self._at + max_bytes]
        self._at += len(data)
        self.position += len(data)
        return data

    def _begin(self) -> None:
        pass

    def opens_a_record(self, offset: int) -> bool:
        """Whether a line begins at `offset`, and with it a record; moves there."""
        self.source.seek(max(0, offset - 1))
        at_line_start = offset == 0 or self.source.read(1) == b"\n"
        return at_line_start and super().opens_a_record(offset)


class GzipMembers(Members):
    """A gzip file, one member a record or all records in one."""

    magic = re.compile(re.escape(GZIP_MAGIC))

    def read(self, max_bytes: int) -> bytes:
        """Up to `max_bytes` of the member; empty at its end, its checksum verified."""
        decoder = self._decoder
        while not decoder.eof:
            if not self._left() and not self._more():
                raise DamageError("the gzip member is cut")
            fed = self._input[self._at : self._at + FEED_BYTES]
            try:
                data = decoder.decompress(fed, max_bytes)
            except zlib.error as error:
                raise DamageError(str(error)) from error
            used = len(fed) - len(decoder.unused_data if decoder.eof else decoder.unconsumed_tail)
            self._at += used
            self.position += used
            if data:
                return data
        return b""

    def _begin(self) -> None:
        if not self._input.startswith(GZIP_MAGIC, self._at):
            raise DamageError("no gzip member")
        self._decoder = zlib.decompressobj(16 + zlib.MAX_WBITS)


def begins_record(decoded: bytes) -> bool:
    """Whether decoded bytes begin, after blanks, with the head of a WARC or ARC record."""
    at = _LEADING_BLANK.match(decoded).end()  # type: ignore[union-attr]
    return bool(WARC_LINE.match(decoded, at) or FILEDESC.match(decoded, at) or ARC_LINE.match(decoded, at))


def open_members(source: Source, offset: int = 0) -> Members:
    """The members of the archive from `offset` on, by the magic bytes found there.

    Where these open no record they may be damage, and what follows decides: the first kind that finds a record in
    the file's first part.
    """
    source.seek(offset)
    head = b""
    while len(head) < SNIFF_BYTES and (more := source.read(SNIFF_BYTES - len(head))):
        head += more
    declared = _kind_of(head)
    if not _begin_kind(declared, head).opens_a_record(0):
        by_content = [kind for kind in ("plain", "gzip", "frames") if _begin_kind(kind, head).find_next(0)[1]]
        if by_content and declared not in by_content:
            declared = by_content[0]
        elif not by_content and declared == "plain" and GZIP_MAGIC in head:
            declared = "gzip"  # its first record is longer than what was read of it
    if declared == "frames":
        from pipeline.archive.frames import open_frames

        return open_frames(source, offset)
    return (GzipMembers if declared == "gzip" else PlainMembers)(source, offset, head)


def _kind_of(head: bytes) -> str:
    if head.startswith(GZIP_MAGIC):
        return "gzip"
    return "frames" if head.startswith((ZSTD_MAGIC, LZ4_MAGIC)) or SKIPPABLE_MAGIC.match(head) else "plain"


def _begin_kind(kind: str, head: bytes) -> Members:
    """The first part of a file, read as one kind."""
    if kind == "frames":
        from pipeline.archive.frames import open_frames

        return open_frames(BytesIO(head))
    return (GzipMembers if kind == "gzip" else PlainMembers)(BytesIO(head), 0, b"")
