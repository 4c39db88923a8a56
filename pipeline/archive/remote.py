"""Archives that are not on this machine, read as if they were: in order, from any byte, through faults.

A request that is answered 403, 408, 425, 429 or 5xx, refused, or broken off in its body is asked again from the byte
where it stopped: after `Retry-After` where the server says so, else after a wait that doubles, with jitter. Common
Crawl's server answers 403 and 503 to those who ask too fast, so both are waited out, up to `read_warc.max_wait_s`.
The ceiling of requests a second is for the whole job: each task keeps to its share.
"""

from __future__ import annotations

import http.client
import random
import time
import urllib.error
import urllib.request
from abc import ABC, abstractmethod
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit
from urllib.request import url2pathname

from pipeline.archive.config import Config
from pipeline.archive.members import Source
from schemas.errors import InputError

USER_AGENT = "weft (+https://www.apache.org/licenses/LICENSE-2.0)"
FIRST_WAIT_S = 1.0
LONGEST_WAIT_S = 120.0
"""Of one wait that the server did not ask for."""
SKIP_BYTES = 1 << 20
"""A jump forwards of up to this much is read and thrown away; it costs less than a new request."""

_WAITED_OUT = frozenset({403, 408, 425, 429, 500, 502, 503, 504})
_DROPPED = (OSError, http.client.HTTPException)


class Stream(Protocol):
    """An answer being read."""

    def read(self, size: int, /) -> bytes: ...  # noqa: D102
    def close(self) -> None: ...  # noqa: D102


class _RefusedError(Exception):
    """An answer that is worth asking again for, and after how many seconds, where the server says."""

    def __init__(self, why: str, after_s: float | None = None) -> None:
        super().__init__(why)
        self.after_s = after_s


class Throttle:
    """At most `rate` calls of `wait` return in a second, evenly spaced."""

    def __init__(
        self, rate: float, clock: Callable[[], float] = time.monotonic, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._interval = 1 / rate
        self._next = 0.0
        self._clock, self._sleep = clock, sleep

    def wait(self) -> None:
        """Return when it is this caller's turn."""
        now = self._clock()
        turn = max(now, self._next)
        self._next = turn + self._interval
        if turn > now:
            self._sleep(turn - now)


_throttles: dict[float, Throttle] = {}


def throttle_for(config: Config, num_tasks: int) -> Throttle:
    """This process's share of the job's ceiling; one throttle a process, however many files it opens."""
    rate = config.max_requests_per_second / max(1, num_tasks)
    return _throttles.setdefault(rate, Throttle(rate))


class RemoteFile(ABC):
    """A remote file that is read forwards, asked again from the byte where an answer broke off."""

    def __init__(self, url: str, config: Config, throttle: Throttle, end: int | None = None) -> None:
        self.url, self.config, self.throttle = url, config, throttle
        self.end = end
        """Read no further than this, where it is known that no more is wanted."""
        self.size: int | None = None
        """Bytes of the whole file, once the server has said."""
        self._at = 0
        self._stream: Stream | None = None

    @abstractmethod
    def open_at(self, offset: int) -> Stream | None:
        """An answer that begins at `offset`; None at or behind the file's end; sets `size` where it can.

        Raises:
            _RefusedError: ask again.
            InputError: asking again is of no use.
        """

    def seek(self, offset: int, /) -> int:
        """Go on reading at `offset`."""
        if self._stream is not None and not 0 <= offset - self._at <= SKIP_BYTES:
            self.close()
        if self._stream is None:
            self._at = offset
        while self._at < offset and self.read(min(offset - self._at, SKIP_BYTES)):
            pass
        self._at = offset
        return offset

    def read(self, size: int, /) -> bytes:
        """Up to `size` bytes; empty only at the end.

        Raises:
            InputError: the file cannot be had, or not within `max_wait_s`.
        """
        tries, waited = 0, 0.0
        if self.end is not None:
            size = min(size, self.end - self._at)
        while size > 0:
            try:
                if self._stream is None:
                    self.throttle.wait()
                    self._stream = self.open_at(self._at)
                if self._stream is None:
                    return b""
                data = self._stream.read(size)
                if not data and self.size is not None and self._at < self.size:
                    raise _RefusedError(f"the answer broke off at byte {self._at} of {self.size}")
                self._at += len(data)
                return data
            except (_RefusedError, *_DROPPED) as error:
                self.close()
                pause = self._pause(error, tries)
                if waited + pause > self.config.max_wait_s:
                    raise InputError(self._given_up(error, waited)) from error
                time.sleep(pause)
                waited += pause
                tries += 1
        return b""

    def close(self) -> None:
        """Give up the answer in hand; a later read asks anew."""
        if self._stream is not None:
            self._stream.close()
            self._stream = None

    def _pause(self, error: Exception, tries: int) -> float:
        asked = error.after_s if isinstance(error, _RefusedError) else None
        own: float = min(LONGEST_WAIT_S, FIRST_WAIT_S * 2**tries) * random.uniform(0.5, 1.0)
        return own if asked is None else asked + random.uniform(0, 0.1) * own

    def _given_up(self, error: Exception, waited: float) -> str:
        return (
            f"{self.url}: {error} (waited {waited:.0f} s); try later, lower read_warc.max_requests_per_second, "
            "or raise read_warc.max_wait_s"
        )


class HttpFile(RemoteFile):
    """A file behind `http://` or `https://`; proxies as the environment says."""

    def open_at(self, offset: int) -> Stream | None:
        """See `RemoteFile`; a server that knows no ranges is read from its beginning."""
        headers = {"User-Agent": USER_AGENT, "Accept-Encoding": "identity"}
        if offset or self.end is not None:
            headers["Range"] = f"bytes={offset}-{'' if self.end is None else self.end - 1}"
        request = urllib.request.Request(self.url, headers=headers)
        try:
            answer = urllib.request.urlopen(request, timeout=self.config.timeout_s or None)
        except urllib.error.HTTPError as error:
            with error:
                self._refuse(error.code, error.headers)
            return None
        if answer.status == 206:
            about = answer.headers.get("Content-Range", "")
            begin, _, total = about.removeprefix("bytes ").partition("/")
            self.size = int(total) if total.isdigit() else self.size
            if begin.partition("-")[0] != str(offset):
                answer.close()
                raise InputError(f"{self.url}: asked for bytes from {offset}, was given {about or 'others'}")
            return _Answer(answer)
        length = answer.headers.get("Content-Length", "")
        self.size = int(length) if length.isdigit() else self.size
        if offset and not _discard(answer, offset):
            answer.close()
            return None
        return _Answer(answer)

    def _refuse(self, status: int, headers: Any) -> None:
        """Say what an error status means; 416 is the end of the file."""
        if status == 416:
            return
        if status in _WAITED_OUT:
            raise _RefusedError(f"answered {status}", _retry_after(headers.get("Retry-After")))
        raise InputError(f"{self.url}: answered {status}; is the address right?")


class _Answer:
    """An HTTP answer whose short reads are left to `RemoteFile`, which knows how long the file is."""

    def __init__(self, answer: Any) -> None:
        self._answer = answer

    def read(self, size: int, /) -> bytes:
        try:
            return bytes(self._answer.read(size))
        except http.client.IncompleteRead as error:
            return bytes(error.partial)

    def close(self) -> None:
        self._answer.close()


class StoreFile(RemoteFile):
    """A file behind `s3://`, `gs://` or another scheme that fsspec knows."""

    def open_at(self, offset: int) -> Stream | None:
        """See `RemoteFile`."""
        fs, path = filesystem(self.url)
        try:
            if self.size is None:
                self.size = int(fs.size(path))
            if offset >= self.size:
                return None
            stream: Stream = fs.open(path, "rb", block_size=8 << 20, cache_type="readahead")
            stream.seek(offset)  # type: ignore[attr-defined]
        except FileNotFoundError as error:
            raise InputError(f"{self.url} does not exist") from error
        return stream


def _store_errors() -> tuple[type[Exception], ...]:
    try:
        exceptions = import_module("botocore.exceptions")
    except ImportError:
        return (OSError,)
    return (OSError, exceptions.BotoCoreError, exceptions.ClientError)


STORE_ERRORS = _store_errors()
"""What fsspec's stores raise: errors of the system, and of the S3 client that are none."""


def filesystem(url: str) -> tuple[Any, str]:
    """The fsspec file system of a URL and the path in it.

    Raises:
        InputError: no file system for this scheme is installed.
    """
    import fsspec

    try:
        fs, path = fsspec.core.url_to_fs(url)
    except ImportError as error:
        raise InputError(f"{url}: {error}; for s3:// install the extra: pip install 'weft[s3]'") from error
    except ValueError as error:
        raise InputError(f"{url}: {error}") from error
    return fs, path


def is_remote(path: str) -> bool:
    """Whether the path has a scheme other than `file`."""
    return "://" in path and not path.startswith("file://")


def local_path(path: str) -> Path:
    """The path without `file://`."""
    return Path(url2pathname(urlsplit(path).path)) if path.startswith("file://") else Path(path)


def open_source(path: str, config: Config, *, num_tasks: int = 1, end: int | None = None) -> Source:
    """An archive's bytes, wherever it is.

    Args:
        path: local path, `file://`, `http(s)://`, or a scheme of fsspec (`s3://`, `gs://`, ...).
        config: waits and ceiling.
        num_tasks: tasks of the job that read at the same time; the ceiling is divided by it.
        end: nothing behind this byte is wanted.

    Raises:
        OSError: a local file cannot be opened. Remote ones fail on their first `read`, with InputError.
    """
    if not is_remote(path):
        return local_path(path).open("rb", buffering=0)
    kind = HttpFile if path.startswith(("http://", "https://")) else StoreFile
    return kind(path, config, throttle_for(config, num_tasks), end)


def _retry_after(value: str | None) -> float | None:
    """Seconds that a Retry-After header asks for, as a number or a date."""
    if not value:
        return None
    if value.strip().isdigit():
        return float(value)
    try:
        until = parsedate_to_datetime(value)
    except ValueError:
        return None
    if until.tzinfo is None:
        until = until.replace(tzinfo=UTC)
    return max(0.0, (until - datetime.now(UTC)).total_seconds())


def _discard(answer: Any, count: int) -> bool:
    while count:
        data = answer.read(min(count, SKIP_BYTES))
        if not data:
            return False
        count -= len(data)
    return True
