"""Reads a shard's tar from front to back, once, hashing every byte and trusting none.

`tarfile` skips what it cannot read and stops silently at a cut; here a damage is named, with where it stands. Memory is
one member.
"""

from __future__ import annotations

import hashlib
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

from pipeline.tar_heads import BLOCK, END, header
from schemas.shard_faults import ShardFault

MAX_MEMBER_BYTES = 1 << 30
"""A larger member is none of ours: images are bounded far below, and it would have to be held in memory."""


@dataclass(frozen=True, slots=True)
class Member:
    """A member's name, where its data begins in the tar, and the data."""

    name: str
    offset: int
    data: bytes

    @property
    def key(self) -> str:
        """The part of the name before the first dot."""
        return self.name.partition(".")[0]

    @property
    def suffix(self) -> str:
        """The part of the name after the first dot."""
        return self.name.partition(".")[2]


@dataclass(slots=True)
class TarStream:
    """Iterates over the members; afterwards `sha256`, `size` and `faults` are those of the whole file."""

    file: BinaryIO
    size: int = 0
    faults: list[tuple[ShardFault, str]] = field(default_factory=list)
    _digest: hashlib._Hash = field(default_factory=hashlib.sha256)

    @property
    def sha256(self) -> str:
        """Hex digest of all bytes read."""
        return self._digest.hexdigest()

    def __iter__(self) -> Iterator[Member]:
        yield from self._members()
        while self._read(1 << 20):  # what stands after a damage or the end counts in size and digest
            pass

    def documents(self) -> Iterator[tuple[str, list[Member]]]:
        """The members that stand together under one key."""
        key, held = "", list[Member]()
        for member in self:
            if held and member.key != key:
                yield key, held
                held = []
            key = member.key
            held.append(member)
        if held:
            yield key, held

    def _members(self) -> Iterator[Member]:
        while True:
            at = self.size
            head = self._read(BLOCK)
            if head == END[:BLOCK]:
                self._end(at)
                return
            if len(head) < BLOCK:
                self.faults.append((ShardFault.TAR_CUT, f"ends at byte {self.size:,} where a header should be"))
                return
            try:
                info = tarfile.TarInfo.frombuf(head, "utf-8", "surrogateescape")
            except tarfile.HeaderError as error:
                self.faults.append((ShardFault.TAR_HEADER, f"at byte {at:,}: {error}"))
                return
            if head != _fixed(info):
                self.faults.append((ShardFault.MEMBER_HEADER, f"{info.name!r} at byte {at:,}"))
            if info.size > MAX_MEMBER_BYTES or info.size < 0:
                self.faults.append((ShardFault.TAR_HEADER, f"at byte {at:,}: a member of {info.size:,} bytes"))
                return
            data = self._read(info.size)
            padding = -info.size % BLOCK
            if len(data) < info.size or len(self._read(padding)) < padding:
                self.faults.append((ShardFault.TAR_CUT, f"ends inside {info.name!r} that begins at byte {at:,}"))
                return
            yield Member(info.name, at + BLOCK, data)

    def _end(self, at: int) -> None:
        if self._read(BLOCK) != END[:BLOCK]:
            self.faults.append((ShardFault.TAR_CUT, f"ends after one empty block at byte {at:,}"))
        elif self._read(1):
            self.faults.append((ShardFault.TAR_TAIL, f"bytes after the end at byte {at + 2 * BLOCK:,}"))

    def _read(self, count: int) -> bytes:
        """`count` bytes, fewer at the end of the file only."""
        pieces = []
        while count and (piece := self.file.read(count)):
            pieces.append(piece)
            count -= len(piece)
            self._digest.update(piece)
            self.size += len(piece)
        return b"".join(pieces)


def _fixed(info: tarfile.TarInfo) -> bytes:
    """The header that the member should have; none where its name could not be ours."""
    try:
        return header(info.name, info.size)
    except (UnicodeError, ValueError):
        return b""
