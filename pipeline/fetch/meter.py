"""How many bytes a fetch holds: bodies under way, and answers that the caller has not taken.

Over the limit readers wait, and the deadlines of their URLs with them. One reader at a time may go on all the same, to
its end: else bodies that are half read could wait for each other for ever.
"""

from __future__ import annotations

import asyncio


class Meter:
    """The bytes of one fetch, with a limit."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.held = 0
        self._may_pass: RequestMeter | None = None
        self._room = asyncio.Event()

    def give(self, num_bytes: int) -> None:
        """Bytes that are no longer held."""
        self.held -= num_bytes
        if self.held <= self.limit:
            self._room.set()

    async def room(self, reader: RequestMeter) -> None:
        """Return when `reader` may read on."""
        while self.held > self.limit and self._may_pass is not reader:
            if self._may_pass is None:
                self._may_pass = reader
                return
            self._room.clear()
            await self._room.wait()

    def ended(self, reader: RequestMeter) -> None:
        """A reader has come to its end."""
        if self._may_pass is reader:
            self._may_pass = None
            self._room.set()


class RequestMeter:
    """The bytes of one request, counted with all others."""

    def __init__(self, common: Meter) -> None:
        self._common = common
        self.counted = 0

    def take(self, num_bytes: int) -> bool:
        """Count bytes of the body; True where `room` is to be awaited before reading on."""
        self.counted += num_bytes
        self._common.held += num_bytes
        return self._common.held > self._common.limit

    async def room(self) -> None:
        """Return when there is room."""
        await self._common.room(self)

    def close(self, kept: int) -> None:
        """The request is over; of its bytes `kept` stay in memory."""
        self._common.give(self.counted - kept)
        self._common.ended(self)
