"""The image store: bytes written once into plain tar files, addressed as (file, offset, length) ever after.

`root/ab/NAME-ATTEMPT-0000.tar` under 256 prefixes. The prefix comes from the name of the writer (a slice of
URLs), not from each image: a task then has one file open instead of 256, files are large, and the images of
one slice, which are of few hosts and so of few documents, lie side by side and are read in one go. Object
stores spread load by prefix, and no folder holds more than one part in 256 of the files.

A tar without the commit record that names it does not exist for any reader: names hold a token of the
attempt, nothing is renamed, nothing is written twice.
"""

from __future__ import annotations

import hashlib
import itertools
import os
import uuid
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

import fsspec

from pipeline.tar_heads import BLOCK, END, header
from schemas.errors import ConfigError, OutputError, StepFailed

MAX_FILE_BYTES = 256 << 20
"""Default size at which a writer begins its next file: few files, and a compaction rewrites little."""
MAX_GAP = 64 << 10
"""Default gap between two images that is read and thrown away rather than skipped: half a millisecond of a
disk, far less than a second request to an object store."""
MAX_READ = 16 << 20
"""Default size of one read; a single larger image is still read whole."""


class Address(NamedTuple):
    """Where bytes stand: in `file` (relative to the root), from `offset`, `length` bytes. Sorts in reading
    order."""

    file: str
    offset: int
    length: int


class StoreWriter:
    """Appends files to the store; used by one task.

    Args:
        root: folder or fsspec URL.
        name: letters, digits, dot, dash and underscore; names the slice, so that a person can tell where a
            file came from.
        max_bytes: size at which the next tar is begun.
    """

    def __init__(self, root: str | Path, name: str, *, max_bytes: int = MAX_FILE_BYTES) -> None:
        if not name or not all(c.isascii() and (c.isalnum() or c in "._-") for c in name) or name[0] == ".":
            raise ConfigError(f"store file name {name!r} must be letters, digits, dot, dash, underscore")
        self._fs, self._root = _filesystem(root)
        self._stem = f"{hashlib.sha256(name.encode()).hexdigest()[:2]}/{name}-{uuid.uuid4().hex[:12]}"
        self._max_bytes = max_bytes
        self._out: Any = None
        self._at = 0
        self._files: list[tuple[str, int]] = []  # (file, images in it)

    def append(self, data: bytes, *, name: str) -> Address:
        """Write `data` under the member name `name` (its SHA-256 in hex) and say where it stands.

        Raises:
            OutputError: the store cannot be written (disk full, no permission).
        """
        head = header(name, len(data))
        try:
            if self._out is None:
                self._open()
            start = self._at + len(head)
            self._out.write(head)
            self._out.write(data)
            self._out.write(bytes(-len(data) % BLOCK))
            self._at = start + len(data) + -len(data) % BLOCK
            file, members = self._files[-1]
            self._files[-1] = (file, members + 1)
            address = Address(file, start, len(data))
            if self._at >= self._max_bytes:
                self._finish()
        except OSError as error:
            raise OutputError(f"cannot write the image store under {self._root}: {error}") from error
        return address

    def close(self) -> list[tuple[str, int]]:
        """End the last tar; list (file relative to the root, images in it) of all that were written, for the
        commit.

        When it returns, the bytes are on the disk (flushed and synced), or in the object store.
        """
        try:
            self._finish()
        except OSError as error:
            raise OutputError(f"cannot write the image store under {self._root}: {error}") from error
        return list(self._files)

    def abandon(self) -> None:
        """Close without a promise: for a task that failed. `close` then lists nothing, and no commit names it."""
        self._files = []
        if self._out is not None:
            out, self._out = self._out, None
            try:
                out.close()
            except OSError:
                return

    def __enter__(self) -> StoreWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
        else:
            self.abandon()

    def _open(self) -> None:
        file = f"{self._stem}-{len(self._files):04d}.tar"
        path = f"{self._root}/{file}"
        self._fs.makedirs(path.rsplit("/", 1)[0], exist_ok=True)
        self._out = self._fs.open(path, "wb")
        self._at = 0
        self._files.append((file, 0))

    def _finish(self) -> None:
        if self._out is None:
            return
        out, self._out = self._out, None
        with out:
            out.write(END)
            out.flush()
            if _is_local(self._fs):
                os.fsync(out.fileno())


def read_ranges(
    root: str | Path,
    addresses: Iterable[Address],
    *,
    max_gap: int = MAX_GAP,
    max_read: int = MAX_READ,
    digests: Mapping[Address, str] | None = None,
) -> Iterator[tuple[Address, bytes]]:
    """The bytes at each distinct address, in reading order: sorted, neighbours read together.

    Args:
        root: folder or fsspec URL of the store.
        addresses: any order, repeats allowed (each is given once).
        max_gap: bytes between two images up to which one read takes both.
        max_read: bytes of one read, and so of memory, unless a single image is larger.
        digests: SHA-256 in hex by address; bytes that differ raise.

    Raises:
        StepFailed: a file is missing, shorter than an address says, or holds other bytes.
    """
    fs, base = _filesystem(root)
    ordered = sorted(set(addresses))
    for file, of_file in itertools.groupby(ordered, key=lambda a: a.file):
        for run in coalesce(list(of_file), max_gap=max_gap, max_read=max_read):
            first, last = run[0].offset, max(a.offset + a.length for a in run)
            block = _read(fs, f"{base}/{file}", first, last)
            for address in run:
                data = block[address.offset - first : address.offset - first + address.length]
                if digests and hashlib.sha256(data).hexdigest() != digests.get(address):
                    raise StepFailed(f"{file} at {address.offset}: the bytes are not those that were stored")
                yield address, data


def erase(root: str | Path, addresses: Iterable[Address]) -> int:
    """Overwrite the bytes at each address with zeros, in place; the number of distinct addresses.

    The tar stays readable and every other address stays right. Twice is as good as once.

    Raises:
        OutputError: the store cannot be written in place (an object store, or no permission).
    """
    fs, base = _filesystem(root)
    ordered = sorted(set(addresses))
    if ordered and not _is_local(fs):
        raise OutputError(f"the image store under {root} cannot be written in place; use a file system")
    for file, of_file in itertools.groupby(ordered, key=lambda a: a.file):
        try:
            with open(f"{base}/{file}", "r+b") as f:  # noqa: PTH123 - a path of the store
                for address in of_file:
                    f.seek(address.offset)
                    f.write(bytes(address.length))
                f.flush()
                os.fsync(f.fileno())
        except OSError as error:
            raise OutputError(f"cannot erase images from {base}/{file}: {error}") from error
    return len(ordered)


def coalesce(addresses: list[Address], *, max_gap: int, max_read: int) -> Iterator[list[Address]]:
    """Runs of sorted addresses of one file that are read together."""
    run: list[Address] = []
    end = 0
    for address in addresses:
        stop = address.offset + address.length
        if run and (address.offset - end > max_gap or max(stop, end) - run[0].offset > max_read):
            yield run
            run = []
        end = max(stop, end) if run else stop
        run.append(address)
    if run:
        yield run


def _read(fs: Any, path: str, first: int, last: int) -> bytes:
    try:
        if _is_local(fs):
            with open(path, "rb", buffering=0) as f:  # noqa: PTH123 - a path of the store, unbuffered
                data = os.pread(f.fileno(), last - first, first)
        else:
            data = fs.cat_file(path, start=first, end=last)
    except OSError as error:
        raise StepFailed(f"the image store lost {path}: {error}") from error
    if len(data) != last - first:
        raise StepFailed(f"{path} ends before byte {last}: it is not the file that was committed")
    return bytes(data)


def _filesystem(root: str | Path) -> tuple[Any, str]:
    fs, path = fsspec.core.url_to_fs(str(root))
    return fs, path.rstrip("/")


def _is_local(fs: Any) -> bool:
    protocol = fs.protocol
    return "file" in ((protocol,) if isinstance(protocol, str) else protocol)
