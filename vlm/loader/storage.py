"""Bytes of a dataset folder, wherever it is: local disk, `s3://`, `gs://`, `https://`, or a local cache of those.

A store answers ranges (`read_ranges`), retries what a network may fail at, and raises `ShardLost` when it gives up.
Two processes may share one cache folder: an entry is locked while its file is fetched, checked and renamed, and
eviction unlinks files that open readers keep until they close them. Each version of a dataset has entries of its own.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import logging
import os
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from vlm.loader.errors import DatasetError, LoaderConfigError, ShardLost

log = logging.getLogger(__name__)
T = TypeVar("T")
Range = tuple[int, int]

GAP_BYTES = 16 << 10
"""Two ranges nearer than this are one read: a tar header and padding are 1 KB, a seek of an object store far more."""
CHUNK_BYTES = 8 << 20
CHANGES = ("size", "ETag", "etag", "LastModified", "Last-Modified", "mtime")
"""What fsspec's stores (S3, GCS, HTTP) say of a file that differs once it was written anew."""


def coalesce(ranges: Sequence[Range], gap: int = GAP_BYTES) -> list[tuple[int, int, list[int]]]:
    """(offset, length, which of `ranges`) of the fewest reads that cover `ranges`, in the order of the file."""
    merged: list[tuple[int, int, list[int]]] = []
    for i in sorted(range(len(ranges)), key=lambda k: ranges[k]):
        offset, length = ranges[i]
        if merged and offset <= merged[-1][0] + merged[-1][1] + gap:
            start, old, which = merged[-1]
            which.append(i)
            merged[-1] = (start, max(old, offset + length - start), which)
        else:
            merged.append((offset, length, [i]))
    return merged


def _spread(ranges: Sequence[Range], reads: list[tuple[int, int, list[int]]], data: Sequence[Any]) -> list[memoryview]:
    out: list[memoryview] = [memoryview(b"")] * len(ranges)
    for (start, _, which), block in zip(reads, data, strict=True):
        view = memoryview(block)
        for i in which:
            offset, length = ranges[i]
            out[i] = view[offset - start : offset - start + length]
    return out


@dataclass(frozen=True, slots=True)
class LocalStore:
    """A folder on this machine."""

    url: str

    def read(self, name: str) -> bytes:
        """All bytes of a file."""
        try:
            return (Path(self.url) / name).read_bytes()
        except FileNotFoundError:
            raise
        except OSError as error:
            raise ShardLost(f"{self.url}/{name}: {error}") from error

    def read_ranges(self, name: str, ranges: Sequence[Range]) -> list[memoryview]:
        """The bytes of each range, writable, so that tensors can be made on them without a copy."""
        reads = coalesce(ranges)
        try:
            with (Path(self.url) / name).open("rb", buffering=0) as file:
                return _spread(ranges, reads, [_pread(file.fileno(), o, n) for o, n, _ in reads])
        except OSError as error:
            raise ShardLost(f"{self.url}/{name}: {error}") from error

    def signature(self, name: str) -> str:
        """Size and time of last change."""
        facts = (Path(self.url) / name).stat()
        return f"{facts.st_size}-{facts.st_mtime_ns}"


def _pread(handle: int, offset: int, length: int) -> memoryview:
    block = np.empty(length, np.uint8).data  # not filled with zeros first, as a bytearray would be
    got = 0
    while got < length:
        n = os.preadv(handle, [block[got:]], offset + got)
        if n == 0:
            return block[:got]  # the file ends here: the checksum of the member will say so
        got += n
    return block


def _is_passing(error: FileNotFoundError) -> bool:
    """Whether fsspec only says that a file is not there (for HTTP's HEAD): the server was busy, or did not answer."""
    cause = error.__cause__
    silent = isinstance(cause, TimeoutError) or type(cause).__module__.startswith("aiohttp")
    return int(getattr(cause, "status", 599 if silent else 0)) >= 429


def _part(name: str, block: Any, length: int) -> bytearray:
    """What a server gave for a range: nothing where it lies behind the end of the file, as on a local disk."""
    if isinstance(block, Exception):
        if getattr(block, "status", 0) == 416 or "range" in str(block).lower():  # S3 says it in words
            return bytearray()
        raise block
    if len(block) > length:
        raise DatasetError(f"{name}: the server sends more than the range that is asked for: give a cache_dir")
    return bytearray(block)


class RemoteStore:
    """A folder behind a URL, read through fsspec, with retries and growing pauses."""

    def __init__(self, url: str, *, retries: int, timeout_s: float) -> None:
        """What else fsspec needs (an S3 endpoint, keys) is in the environment or in its configuration."""
        import fsspec

        self.url = url.rstrip("/")
        self._retries = retries
        scheme = url.split("://", 1)[0]
        extra: dict[str, Any] = {}
        if scheme in ("http", "https"):
            import aiohttp

            extra["client_kwargs"] = {"timeout": aiohttp.ClientTimeout(sock_connect=timeout_s, sock_read=timeout_s)}
        elif scheme == "s3":
            timeouts = {"connect_timeout": timeout_s, "read_timeout": timeout_s, "retries": {"max_attempts": 1}}
            extra["config_kwargs"] = timeouts
        self._fs, self._root = fsspec.core.url_to_fs(self.url, use_listings_cache=False, **extra)

    def _path(self, name: str) -> str:
        return f"{self._root}/{name}"

    def _try(self, what: str, call: Callable[[], T]) -> T:
        for attempt in range(self._retries + 1):
            try:
                return call()
            except Exception as error:
                if getattr(error, "errno", 0) in (errno.ENOSPC, errno.EDQUOT):  # of the cache: no shard is lost by it
                    raise LoaderConfigError(f"cache_dir has no room for {what}: {error}; less cache_bytes?") from error
                if isinstance(error, DatasetError) or (isinstance(error, FileNotFoundError) and not _is_passing(error)):
                    raise
                # whatever a client library of a network raises: the boundary where it becomes ours
                if attempt == self._retries:
                    raise ShardLost(f"{self.url}/{what}: gave up after {attempt + 1} attempts: {error!r}") from error
                pause = min(0.1 * 2**attempt, 10.0)
                log.warning("%s/%s: %r; attempt %d in %.1f s", self.url, what, error, attempt + 2, pause)
                time.sleep(pause)
        raise AssertionError("unreachable")

    def read(self, name: str) -> bytes:
        """All bytes of a file."""
        return bytes(self._try(name, lambda: self._fs.cat_file(self._path(name))))

    def read_ranges(self, name: str, ranges: Sequence[Range]) -> list[memoryview]:
        """The bytes of each range; near ones are one request."""
        reads = coalesce(ranges, gap=16 * GAP_BYTES)
        starts, ends = [r[0] for r in reads], [r[0] + r[1] for r in reads]

        def get() -> list[bytearray]:
            data = self._fs.cat_ranges([self._path(name)] * len(reads), starts, ends, on_error="return")
            return [_part(f"{self.url}/{name}", block, n) for block, (_, n, _) in zip(data, reads, strict=True)]

        return _spread(ranges, reads, self._try(name, get))

    def signature(self, name: str) -> str:
        """Size and whatever of entity tag and time the server tells."""
        info = self._try(name, lambda: self._fs.info(self._path(name)))
        return "-".join(str(info.get(fact)) for fact in CHANGES if fact in info)

    def fetch(self, name: str, into: Path, size: int | None = None) -> None:
        """Write a file to `into`, in chunks. Raises ShardLost where it has not `size` bytes, or those that are told."""

        def copy() -> None:
            with self._fs.open(self._path(name), "rb", block_size=CHUNK_BYTES) as src, into.open("wb") as dst:
                while block := src.read(CHUNK_BYTES):
                    dst.write(block)
                want = src.size if size is None else size
                if want not in (None, dst.tell()):
                    raise OSError(f"{dst.tell()} bytes came, want {want}")

        self._try(name, copy)


class CachedStore:
    """A remote store whose files are kept whole in a local folder of at most `max_bytes`, oldest use first out."""

    def __init__(self, remote: RemoteStore, folder: str, *, max_bytes: int) -> None:
        """Several processes may give the same folder."""
        self.url = remote.url
        self._remote, self._max_bytes = remote, max_bytes
        self.signature = remote.signature
        self._root = Path(folder)
        self._root.mkdir(parents=True, exist_ok=True)
        (self._root / "evict.lock").touch()
        self.expect("", {})

    def expect(self, version: str, sizes: Mapping[str, int]) -> None:
        """From here on keep and serve files of this version of the dataset only; `sizes` are bytes by name."""
        self._sizes = sizes
        key = hashlib.sha256(f"{self.url} {version}".encode()).hexdigest()[:16]
        self._folder = self._root / f"shards-{key}"

    def _file(self, name: str) -> Path:
        path = self._folder / name
        self._folder.mkdir(parents=True, exist_ok=True)
        with (self._folder / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            with suppress(FileNotFoundError):
                os.utime(path)
                return path
            part = self._folder / f"{name}.part"  # ours alone while the lock is
            try:
                self._remote.fetch(name, part, self._sizes.get(name))
                part.replace(path)
            finally:
                part.unlink(missing_ok=True)
        self._evict(keep=path)
        return path

    def _evict(self, keep: Path) -> None:
        with (self._root / "evict.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            files = []
            for path in self._root.glob("shards-*/*"):  # token tables lie beside these folders and stay
                if path.suffix == ".part":
                    _unlink_orphan(path)
                elif path.suffix in (".tar", ".parquet"):
                    facts = path.stat()
                    files.append((facts.st_mtime_ns, facts.st_size, path))
            total = sum(f[1] for f in files)
            for _, size, path in sorted(files):
                if total <= self._max_bytes:
                    break
                if path != keep:
                    path.unlink(missing_ok=True)
                    total -= size

    def _serve(self, name: str, use: Callable[[BufferedReader], T]) -> T:
        for _ in range(3):
            path = self._file(name)  # FileNotFoundError: it is not at its origin
            with suppress(FileNotFoundError), path.open("rb") as file:  # another process evicted it in between
                return use(file)
        raise ShardLost(f"{self.url}/{name}: evicted from the cache as often as it was fetched; raise cache_bytes")

    def read(self, name: str) -> bytes:
        """All bytes of a file; the manifest is never taken from the cache."""
        return self._remote.read(name) if name.endswith(".json") else self._serve(name, lambda file: file.read())

    def read_ranges(self, name: str, ranges: Sequence[Range]) -> list[memoryview]:
        """The bytes of each range, from the whole file on local disk."""
        reads = coalesce(ranges)
        try:
            data = self._serve(name, lambda file: [_pread(file.fileno(), o, n) for o, n, _ in reads])
        except FileNotFoundError as error:
            raise ShardLost(f"{self.url}/{name}: not there") from error
        return _spread(ranges, reads, data)


def _unlink_orphan(part: Path) -> None:
    """Remove what a killed process left of a fetch; nobody holds the lock of its entry."""
    with part.with_suffix(".lock").open("w") as lock, suppress(BlockingIOError):
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        part.unlink(missing_ok=True)


Store = LocalStore | RemoteStore | CachedStore
"""A folder that is read, never written: `read` of a whole file, `read_ranges`, and its `signature`."""


def open_store(
    url: str, *, cache_dir: str | None = None, cache_bytes: int = 64 << 30, retries: int = 5, timeout_s: float = 60.0
) -> Store:
    """The store of a folder or URL. Raises LoaderConfigError for a scheme that nothing here can read."""
    if "://" not in url or url.startswith("file://"):
        return LocalStore(str(Path(url.removeprefix("file://"))))
    try:
        remote = RemoteStore(url, retries=retries, timeout_s=timeout_s)
    except (ImportError, ValueError) as error:
        raise LoaderConfigError(f"{url}: {error} (for s3:// install the extra `s3`)") from error
    try:
        return remote if cache_dir is None else CachedStore(remote, cache_dir, max_bytes=cache_bytes)
    except OSError as error:
        raise LoaderConfigError(f"cache_dir={cache_dir} cannot be written: {error}") from error
