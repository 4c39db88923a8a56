"""No record can take a job down: a worker notes each record before it touches it, and a watchdog ends a worker.

Python cannot interrupt C code, so a record that crashes, hangs or starves its worker takes the process with it.
The journal is how the next attempt knows which one it was:

* each record is noted in one line before work on it begins;
* a C thread (`faulthandler`) ends the process when a record is over its time, and writes so into the journal;
* a fatal signal (SIGSEGV, SIGABRT, ...) writes so into the journal too;
* a process that vanished without a word (SIGKILL) may have been killed for reasons of its own: only a record at
  which that happened `SILENT_DEATHS` times is blamed.

An allocation over `max_bytes` fails inside the process (RLIMIT_DATA) and is an ordinary MemoryError there.
"""

from __future__ import annotations

import faulthandler
import os
import resource
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from schemas.reasons import DocumentReason

SILENT_DEATHS = 3
"""Deaths without a word at one record before it is blamed: an operator's kill hits the same record twice at most."""

_NOTE = "record "
_START = "attempt "
_END = "end"
_TIMEOUT = "Timeout ("
_FATAL = "Fatal Python error"


class Journal:
    """The notes of one slice's attempts; see the module."""

    def __init__(self, path: Path, *, seconds: float) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._seconds = seconds
        self._armed_at = 0.0
        notes = path.read_text("utf-8", "replace") if path.exists() else ""
        self.blamed = blamed(notes)
        self.is_retry = bool(notes)
        """An earlier attempt did not finish: records are best worked on one by one, so that it shows which it was."""
        self._file = path.open("a", encoding="utf-8", buffering=1)
        self._file.write(f"{_START}{os.getpid()}\n")

    def note(self, record: str) -> None:
        """Write down that work on `record` begins, and give it its time."""
        self._file.write(f"{_NOTE}{record}\n")
        now = time.monotonic()
        # Arming costs some 30 microseconds; a record is given between its time and a tenth less.
        if now - self._armed_at > self._seconds / 10:
            faulthandler.dump_traceback_later(self._seconds, exit=True, file=self._file)
            self._armed_at = now

    def rest(self) -> None:
        """Work on the record is over: what takes time or dies now (waiting for an archive, say) is not its fault."""
        faulthandler.cancel_dump_traceback_later()
        self._armed_at = 0.0
        self._file.write(f"{_END}\n")

    def finish(self) -> None:
        """The slice is committed: the notes are of no more use."""
        self.close()
        self._path.unlink(missing_ok=True)

    def close(self) -> None:
        """Stop the watchdog; the notes stay for the next attempt."""
        faulthandler.cancel_dump_traceback_later()
        if not self._file.closed:
            self._file.write(f"{_END}\n")
            self._file.close()

    @contextmanager
    def watching(self, max_bytes: int) -> Iterator[None]:
        """Fatal signals are written into the journal, and the process may take `max_bytes` more than it has now."""
        soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
        had_handler = faulthandler.is_enabled()
        faulthandler.enable(file=self._file)
        resource.setrlimit(resource.RLIMIT_DATA, (_limit(_data_bytes() + max_bytes, hard), hard))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))
            faulthandler.cancel_dump_traceback_later()
            faulthandler.disable()
            if had_handler:
                faulthandler.enable()


def blamed(notes: str) -> dict[str, DocumentReason]:
    """The records that earlier attempts died of, with the reason; `notes` is the text of a journal."""
    found: dict[str, DocumentReason] = {}
    silent: Counter[str] = Counter()
    current, ended = None, False
    for line in notes.splitlines():
        if line.startswith(_START):
            if current is not None and not ended:
                silent[current] += 1
            current, ended = None, False
        elif line.startswith(_NOTE):
            current, ended = line.removeprefix(_NOTE), False
        elif line == _END:
            ended = True
        elif current is not None and not ended and line.startswith((_TIMEOUT, _FATAL)):
            over_time = line.startswith(_TIMEOUT)
            found[current] = DocumentReason.OVER_TIME if over_time else DocumentReason.CRASHED
            ended = True
    if current is not None and not ended:
        silent[current] += 1
    for record, deaths in silent.items():
        if deaths >= SILENT_DEATHS:
            found.setdefault(record, DocumentReason.CRASHED)
    return found


def _data_bytes() -> int:
    """Private writable bytes that the process has mapped now, which is what RLIMIT_DATA counts."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmData:"):
            return int(line.split()[1]) * 1024
    return 0


def _limit(wanted: int, hard: int) -> int:
    return wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
