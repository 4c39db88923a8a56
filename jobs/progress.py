"""How a long command speaks: a live bar where a person watches, plain lines otherwise."""

from __future__ import annotations

import sys
import time

SECONDS_BETWEEN_LINES = 30.0


class Progress:
    """Lines go to standard output; the bar, on a terminal only, to standard error."""

    def __init__(self) -> None:
        self._live = sys.stderr.isatty()
        self._last = time.monotonic()
        self._width = 0
        self._step, self._began = "", 0.0

    def say(self, line: str) -> None:
        """Print a line."""
        self._clear()
        print(line, flush=True)
        self._last = time.monotonic()

    def tick(self, step: str, done: int, total: int | None) -> None:
        """Show how far a step is: `done` slices, of `total` where it is known, and how long it is at work."""
        now = time.monotonic()
        if step != self._step:
            self._step, self._began = step, now
        of = f" of {total:,}" if total else ""
        slices = (
            f"{done:,}{of} slices, " if done or total else ""
        )  # a table that Spark writes is one: no news until then
        line = f"{slices}{now - self._began:,.0f} s"
        if self._live:
            filled = int(30 * done / total) if total else 0
            bar = f"[{'#' * filled}{'.' * (30 - filled)}] " if total else ""
            line = f"  {bar}{line}"
            sys.stderr.write(f"\r{line:{self._width}}")
            sys.stderr.flush()
            self._width = len(line)
        elif now - self._last >= SECONDS_BETWEEN_LINES:
            self.say(f"  {step}: {line}")

    def _clear(self) -> None:
        if self._width:
            sys.stderr.write(f"\r{' ' * self._width}\r")
            sys.stderr.flush()
            self._width = 0
