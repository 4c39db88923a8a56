"""The decoded bytes of an archive around the place that is read: a buffer that moves forwards over its members."""

from __future__ import annotations

import re

from pipeline.archive.headers import MAX_HEADER_BYTES
from pipeline.archive.members import PROBE_BYTES, STEP_BYTES, Members, PlainMembers, begins_record

_NEXT_WARC = re.compile(rb"\n(?=WARC/\d+\.\d+[ \t]*\r?\n)", re.IGNORECASE)
_NEXT_ARC = re.compile(rb"\n(?=[a-z]+:[^\r\n]+ \S+ \d{4,17} [^\r\n]*\d+\r?\n)", re.IGNORECASE)
_BLANKS = re.compile(rb"\s*")


class Window:
    """`buffer[at:]` is decoded and not yet consumed. All methods raise DamageError where a member is cut or broken."""

    def __init__(self, members: Members) -> None:
        self.members = members
        self.buffer, self.at = b"", 0
        self.spans_members = False
        """Whether what is read may go on in the next member, as the record in hand may."""
        self._ahead: bytes | None = None  # the beginning of the next member, looked at and found to be a record

    def next_member(self) -> bool:
        """Begin the next member; False at the end of the file."""
        self.spans_members = False
        if self._ahead is None and not self.members.next_member():
            return False
        self.buffer, self.at, self._ahead = self._ahead or b"", 0, None
        return True

    def jump(self, offset: int) -> None:
        """Go on with the member that begins at `offset`."""
        self._ahead = None
        self.members.jump(offset)

    def where(self) -> int:
        """The position in the file of what is to be consumed next; exact only where nothing is compressed."""
        return self.members.position - (len(self.buffer) - self.at)

    def member_end(self) -> int:
        """Where the member ends, once all of it is consumed."""
        return self.members.position if self._ahead is None else self.members.start

    def find_record(self, is_arc: bool) -> bool:
        """Go to the next line of this member, behind the byte at hand, that begins a record; False at its end."""
        pattern = _NEXT_ARC if is_arc else _NEXT_WARC
        self.at += 1
        while True:
            match = pattern.search(self.buffer, self.at - 1)
            if match:
                self.at = match.end()
                return True
            keep = MAX_HEADER_BYTES if is_arc else 64
            self.at = max(self.at, len(self.buffer) - keep)
            if not self.fill(len(self.buffer) - self.at + 1):
                self.at = len(self.buffer)
                return False

    def at_boundary(self) -> bool:
        """Whether a record can end here: before a line feed, or where only blanks are left before the next record."""
        if not self.fill(1) or self.buffer[self.at] in b"\r\n":
            return True
        self.fill(PROBE_BYTES)
        rest = self.buffer[self.at : self.at + PROBE_BYTES].lstrip()
        return begins_record(rest) if rest else not self.fill(PROBE_BYTES)

    def skip_blanks(self) -> bool:
        """Pass over blanks and line feeds; False at the member's end."""
        if self.at < len(self.buffer) and self.buffer[self.at] > 32:
            return True
        while self.fill(1):
            self.at = _BLANKS.match(self.buffer, self.at).end()  # type: ignore[union-attr]
            if self.at < len(self.buffer):
                return True
        return False

    def find(self, pattern: re.Pattern[bytes], max_bytes: int) -> int:
        """How far behind `at` the first match ends; 0 where there is none within `max_bytes`."""
        size = 0
        while True:
            match = pattern.search(self.buffer, self.at, self.at + max_bytes)
            if match:
                return match.end() - self.at
            size = len(self.buffer) - self.at
            if size >= max_bytes or not self.fill(size + 1):
                return 0

    def fill(self, count: int) -> bool:
        """Whether `count` bytes are in hand, after decoding as much as that takes."""
        missing = count - (len(self.buffer) - self.at)
        if missing <= 0:
            return True
        parts = [self.buffer[self.at :]]
        while missing > 0:
            part = self.members.read(max(missing, STEP_BYTES)) if self._ahead is None else b""
            if not part and not (self.spans_members and (part := self._next_part())):
                break
            parts.append(part)
            missing -= len(part)
        self.buffer, self.at = b"".join(parts), 0
        return missing <= 0

    def _next_part(self) -> bytes:
        """More of the record in hand from the next member; empty where that begins a record of its own.

        Some writers cut a record into several members, at its header or every 64 KiB.
        """
        part = b""
        while not part and self._ahead is None and self.members.next_member():
            part = self.members.read(STEP_BYTES)
            if begins_record(part):
                self._ahead, part = part, b""
        return part

    def take(self, count: int) -> bytes:
        """`count` bytes that are in hand, or what of them is, consumed."""
        taken = self.buffer[self.at : self.at + count]
        self.at += len(taken)
        return taken

    def skip(self, count: int) -> bool:
        """Pass over `count` bytes, keeping none; False where the member is shorter."""
        while True:
            step = min(count, len(self.buffer) - self.at)
            self.at += step
            count -= step
            if count == 0:
                return True
            self.buffer, self.at = b"", 0
            if isinstance(self.members, PlainMembers) and count > STEP_BYTES:
                return self.members.skip(count)
            if not self.fill(1):
                return False
