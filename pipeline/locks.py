"""One run at a time makes a step of an output folder; others of its steps may be made by others meanwhile.

Two runs that make the same step of one folder would give rounds and slices the same names for other rows, and the
shards have one place whatever the recipe. So who makes a step holds its lock: an advisory lock of the system on a small
file of the output folder. It goes with the process that holds it, also by kill -9: nothing is ever to be cleaned up.
Where the file system knows no locks the run says so and goes on. See docs/decisions/one-run-a-step.md.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import platform
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType

from schemas.errors import OutputError

FOLDER = ".locks"
"""Below the output folder; its files stay, since a lock on a deleted file would keep nobody out."""
_UNKNOWN = (errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOLCK, errno.EINVAL)
"""What file systems without locks answer."""


class Locks:
    """The locks that this process holds in one output folder; they are given back at the end of the `with`."""

    def __init__(self, folder: Path, say: Callable[[str], None] = lambda _line: None) -> None:
        self._folder, self._say = folder, say
        self._held: dict[str, int] = {}

    def take(self, steps: Iterable[str]) -> None:
        """Hold the locks of the steps too, or of none of them.

        Raises:
            OutputError: another process holds one, which is named; or the folder cannot be written.
        """
        taken: list[str] = []
        try:
            for step in steps:
                if step not in self._held:
                    self._held[step] = self._lock(step)
                    taken.append(step)
        except BaseException:
            for step in taken:
                self.release(step)
            raise

    def release(self, step: str) -> None:
        """Give a lock back; one that is not held is as good."""
        if (handle := self._held.pop(step, None)) is not None:
            os.close(handle)

    def __enter__(self) -> Locks:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for step in list(self._held):
            self.release(step)

    def _lock(self, step: str) -> int:
        path = self._folder / FOLDER / f"{step.replace('/', '-')}.json"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)  # not inherited: it goes with this process alone
        except (PermissionError, NotADirectoryError, FileExistsError) as error:
            raise OutputError(f"{path} cannot be written: {error.strerror}") from error
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = _holder(handle)
            os.close(handle)
            raise OutputError(
                f"{step} of {self._folder} is in the hands of another run{holder}; run this again when that has "
                "ended, or with another output folder"
            ) from None
        except OSError as error:
            if error.errno not in _UNKNOWN:
                os.close(handle)
                raise
            self._say(f"the file system of {self._folder} knows no locks: see that no other run writes there")
            return handle
        with suppress(OSError):  # a full disk: who it is, is told for comfort only
            os.ftruncate(handle, 0)
            os.pwrite(handle, _who(), 0)
        return handle


def _who() -> bytes:
    since = datetime.now(UTC).isoformat(sep=" ", timespec="seconds")
    return json.dumps({"process": os.getpid(), "machine": platform.node(), "since": since}).encode()


def _holder(handle: int) -> str:
    """Who wrote the file, for a message; empty where that cannot be read."""
    try:
        facts = json.loads(os.pread(handle, 1 << 12, 0))
        return f" (process {facts['process']} on {facts['machine']}, since {facts['since']})"
    except (OSError, ValueError, KeyError, TypeError):
        return ""
