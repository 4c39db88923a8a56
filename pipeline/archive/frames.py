"""Archives compressed with zstd (`.warc.zst`, dictionaries included) or lz4 (`.warc.lz4`): one frame a record.

The decoders of these formats read ahead and do not say where a frame ended, so its blocks are walked here: a frame is
handed to the decoder in pieces that end where the frame does (RFC 8878, section 3.1; LZ4 frame format 1.6.4).
"""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Iterator
from typing import Any, cast

import zstandard

from pipeline.archive.members import (
    LZ4_MAGIC,
    SKIPPABLE_MAGIC,
    ZSTD_MAGIC,
    DamageError,
    Members,
    Source,
)

MAX_WINDOW = 128 << 20
"""Largest zstd window that is granted, as the `zstd` command does without `--long`; bounds the memory."""
MAX_DICTIONARY = 16 << 20
_DICTIONARY_MAGIC = b"\x5d\x2a\x4d\x18"


class FrameMembers(Members):
    """A file of frames; skippable frames are passed over."""

    def read(self, max_bytes: int) -> bytes:
        """Up to `max_bytes` of the frame; empty at its end."""
        try:
            data = bytes(self._decoder.read(max_bytes))
        except (zstandard.ZstdError, OSError, ValueError, RuntimeError) as error:
            raise DamageError(str(error)) from error
        if not data:
            for _ in self._pieces:  # what the decoder left unread, so that `position` is the frame's end
                pass
        return data

    def _begin(self) -> None:
        while SKIPPABLE_MAGIC.match(self._input, self._at):
            for _ in self._skippable():
                pass
            self.start = self.position
            if self._left() < 32 and not self._more() and not self._left():
                break
        self._pieces = self._walk()
        self._decoder = self._open(_Feed(self._pieces))

    @abstractmethod
    def _walk(self) -> Iterator[bytes]: ...

    @abstractmethod
    def _open(self, feed: _Feed) -> Any: ...

    def _skippable(self) -> Iterator[bytes]:
        head = self._pass(8)
        yield from self._pass_on(int.from_bytes(head[4:], "little"))

    def _pass(self, count: int) -> bytes:
        """The next `count` bytes of the file, consumed."""
        while self._left() < count:
            if not self._more():
                raise DamageError("the frame is cut")
        data = self._input[self._at : self._at + count]
        self._at += count
        self.position += count
        return data

    def _pass_on(self, count: int) -> Iterator[bytes]:
        while count:
            piece = self._pass(min(count, 64 << 10))
            count -= len(piece)
            yield piece


class ZstdMembers(FrameMembers):
    """zstd frames, with the dictionary that the file begins with, where it does."""

    magic = re.compile(re.escape(ZSTD_MAGIC))

    def __init__(self, source: Source, offset: int) -> None:
        self._zstd = zstandard.ZstdDecompressor(max_window_size=MAX_WINDOW, dict_data=_dictionary(source))
        super().__init__(source, offset, b"")
        self.jump(offset)

    def _open(self, feed: _Feed) -> Any:
        return self._zstd.stream_reader(cast(Any, feed), read_across_frames=False)

    def _walk(self) -> Iterator[bytes]:
        head = self._pass(5)
        if not head.startswith(ZSTD_MAGIC):
            raise DamageError("no zstd frame")
        flags = head[4]
        single = flags >> 5 & 1
        content_size = (single, 2, 4, 8)[flags >> 6]
        yield head + self._pass((1 - single) + (0, 1, 2, 4)[flags & 3] + content_size)
        last = False
        while not last:
            block = self._pass(3)
            about = int.from_bytes(block, "little")
            last, kind, size = bool(about & 1), about >> 1 & 3, about >> 3
            yield block
            yield from self._pass_on(1 if kind == 1 else size)
        if flags >> 2 & 1:
            yield self._pass(4)


class Lz4Members(FrameMembers):
    """lz4 frames."""

    magic = re.compile(re.escape(LZ4_MAGIC))

    def _open(self, feed: _Feed) -> Any:
        from fastwarc.stream_io import Lz4Reader

        return Lz4Reader(cast(Any, feed))

    def _walk(self) -> Iterator[bytes]:
        head = self._pass(6)
        if not head.startswith(LZ4_MAGIC):
            raise DamageError("no lz4 frame")
        flags = head[4]
        yield head + self._pass(1 + 8 * (flags >> 3 & 1) + 4 * (flags & 1))
        while True:
            block = self._pass(4)
            size = int.from_bytes(block, "little") & 0x7FFFFFFF
            yield block
            if size == 0:
                break
            yield from self._pass_on(size + 4 * (flags >> 4 & 1))
        if flags >> 2 & 1:
            yield self._pass(4)


class _Feed:
    """A frame as a file that a decoder reads and that ends with the frame."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._rest = b""
        self._told = 0

    def read(self, size: int = -1, /) -> bytes:
        if not self._rest:
            self._rest = next(self._pieces, b"")
        data = self._rest if size < 0 else self._rest[:size]
        self._rest = self._rest[len(data) :]
        self._told += len(data)
        return data

    def tell(self) -> int:
        return self._told

    def close(self) -> None:
        pass


def open_frames(source: Source, offset: int = 0) -> Members:
    """The frames of the file from `offset` on, zstd or lz4 by what stands there (behind skippable frames)."""
    at = offset
    while True:
        source.seek(at)
        head = source.read(8)
        if not SKIPPABLE_MAGIC.match(head) or len(head) < 8:
            break
        at += 8 + int.from_bytes(head[4:8], "little")
    if not head.startswith(LZ4_MAGIC):
        return ZstdMembers(source, offset)
    source.seek(offset)
    return Lz4Members(source, offset, b"")


def _dictionary(source: Source) -> zstandard.ZstdCompressionDict | None:
    """The dictionary in the first frame of a `.warc.zst` (IIPC proposal), plain or itself compressed."""
    source.seek(0)
    head = source.read(8)
    size = int.from_bytes(head[4:8], "little")
    if not head.startswith(_DICTIONARY_MAGIC) or not 0 < size <= MAX_DICTIONARY:
        return None
    data = b""
    while len(data) < size and (more := source.read(size - len(data))):
        data += more
    if data.startswith(ZSTD_MAGIC):
        try:
            data = zstandard.ZstdDecompressor().decompress(data, max_output_size=MAX_DICTIONARY)
        except zstandard.ZstdError:
            return None
    return zstandard.ZstdCompressionDict(data)
