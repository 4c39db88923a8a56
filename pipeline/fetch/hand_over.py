"""From the event loop's thread to the caller's: answers some at a time."""

from __future__ import annotations

import asyncio
import queue

from pipeline.fetch.answers import Answer

MOST, LONGEST_WAIT_S = 16, 0.002
"""Answers are handed over when so many wait, or the first has waited for so long."""


class HandOver:
    """Answers on their way to the caller's thread: to wake it for each would cost as much CPU as a small answer."""

    def __init__(self) -> None:
        self.lumps: queue.SimpleQueue[list[Answer] | BaseException | None] = queue.SimpleQueue()
        """None after the last."""
        self._held: list[Answer] = []

    def emit(self, answer: Answer) -> None:
        """Take an answer, in the event loop's thread."""
        self._held.append(answer)
        if len(self._held) == 1:
            asyncio.get_running_loop().call_later(LONGEST_WAIT_S, self.flush)
        elif len(self._held) >= MOST:
            self.flush()

    def flush(self) -> None:
        """Hand over what is held."""
        if self._held:
            self.lumps.put(self._held)
            self._held = []

    def end(self, error: BaseException | None) -> None:
        """Hand over what is held and say that no more will come, and why where that is an error."""
        self.flush()
        self.lumps.put(error)
