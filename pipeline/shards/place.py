"""A folder of shards wherever it lies: a local path, or a URL that fsspec knows (s3://, gs://, https://).

Files are asked for by name, never listed where the folder is remote: a bucket of a million keys costs nothing. What is
written appears whole: locally under its name at the end, in an object store when its upload is completed.
"""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import fsspec

from schemas.errors import InputError, OutputError

CHUNK = 16 << 20
"""Bytes of one read or of one part of an upload."""


class Place:
    """A folder; names are relative to it."""

    def __init__(self, root: str | Path) -> None:
        self.root = str(root).rstrip("/") or "/"
        try:
            self._fs, path = fsspec.core.url_to_fs(self.root)
            self._fs.invalidate_cache()  # what another process wrote meanwhile is there, too
        except (ValueError, ImportError) as error:
            raise InputError(f"{root}: {error}") from error
        self._path = path.rstrip("/")
        protocol = self._fs.protocol
        self.is_local = "file" in ((protocol,) if isinstance(protocol, str) else protocol)

    @property
    def folder(self) -> Path:
        """The folder as a path, where it is local."""
        if not self.is_local:
            raise OutputError(f"{self.root} is not a local folder: what is to be done there needs one; copy it first")
        return Path(self._path)

    def read(self, name: str) -> bytes:
        """The whole of a small file.

        Raises:
            FileNotFoundError: there is none.
        """
        try:
            return bytes(self._fs.cat_file(self._join(name)))
        except NotADirectoryError as error:
            raise FileNotFoundError(f"{self.root} is no folder") from error

    def size(self, name: str) -> int | None:
        """Bytes of a file, None where there is none."""
        try:
            return int(self._fs.size(self._join(name)))
        except (FileNotFoundError, NotADirectoryError):
            return None

    @contextmanager
    def open(self, name: str) -> Iterator[BinaryIO]:
        """The file, to be read from its beginning in large pieces."""
        # "readahead" asks ahead in one direction; the default of some stores keeps every block that was read.
        options: dict[str, Any] = {} if self.is_local else {"block_size": CHUNK, "cache_type": "readahead"}
        with self._fs.open(self._join(name), "rb", **options) as file:
            yield file

    def names(self) -> list[str] | None:
        """The files of a local folder; None for a remote one, which is not listed.

        Raises:
            InputError: there is no such folder.
        """
        if not self.is_local:
            return None
        try:
            return sorted(os.listdir(self._path))  # noqa: PTH208 - names are what is wanted
        except OSError as error:
            raise InputError(f"{self.root}: {error.strerror}") from error

    def put(self, name: str, data: bytes) -> None:
        """Write a small file whole."""
        path = self._join(name)
        if not self.is_local:
            self._fs.pipe_file(path, data)
            return
        draft = self.folder / f".{Path(name).name}-{uuid.uuid4().hex[:12]}"
        draft.write_bytes(data)
        draft.replace(path)

    def put_file(self, name: str, source: BinaryIO) -> None:
        """Write a large file from another, in parts."""
        path = self._join(name)
        if self.is_local:
            draft = self.folder / f".{Path(name).name}-{uuid.uuid4().hex[:12]}"
            with draft.open("wb") as out:
                shutil.copyfileobj(source, out, CHUNK)
            draft.replace(path)
            return
        with self._fs.open(path, "wb", block_size=CHUNK) as out:
            shutil.copyfileobj(source, out, CHUNK)

    def delete(self, name: str) -> None:
        """Delete a file; one that is not there is as good."""
        if self.size(name) is not None:
            self._fs.rm_file(self._join(name))

    def make(self) -> None:
        """See that the folder is there.

        Raises:
            OutputError: it is a file, or cannot be made.
        """
        try:
            self._fs.makedirs(self._path, exist_ok=True)
        except OSError as error:
            raise OutputError(f"{self.root} cannot be written: {error.strerror or error}") from error

    def _join(self, name: str) -> str:
        return f"{self._path}/{name}"


def shards_place(root: str | Path) -> Place:
    """The folder that holds the manifest: the one given, or `shards` in it.

    Raises:
        InputError: neither does.
    """
    for where in (str(root).rstrip("/"), f"{str(root).rstrip('/')}/shards"):
        place = Place(where)
        if place.size("manifest.json") is not None:
            return place
    raise InputError(f"{root} holds no shards (no manifest.json); has weft run finished?")
