"""Copies shards to another place, local or an object store, checked on the way and resumable.

Files are named by the manifest, so nothing is listed. Each is hashed as it goes and compared with the manifest: damage
is never published. What arrived is noted at the destination after each file; the manifest goes last, and until then
there is no data set. Large files go in parts (multipart upload); what the store refuses for a while is tried again.
"""

from __future__ import annotations

import hashlib
import io
import json
import time
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO, cast

from pipeline.shards import manifest as manifests
from pipeline.shards.place import Place
from schemas.errors import InputError, OutputError

NOTE = "copying.json"
BESIDE = ("README.md",)
"""Files that go along where they are there."""
TRIES = 6
"""Of one file, 1, 2, 4, ... seconds apart: below this the client of the store tries single requests by itself."""


class _Hashing(io.RawIOBase):
    """A file that hashes what is read from it."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self.digest, self.size = file, hashlib.sha256(), 0

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(size)
        self.digest.update(data)
        self.size += len(data)
        return data


def publish(
    source: Place,
    target: Place,
    *,
    say: Callable[[str], None] = lambda _line: None,
    wait: Callable[[float], None] = time.sleep,
) -> int:
    """Copy the shards; how many files were sent, those that were there already left out.

    Raises:
        InputError: a file of the source is missing, or not the one of its manifest.
        OutputError: the target does not take a file after several tries.
    """
    manifest = manifests.load(source)
    target.make()
    known = _arrived(target)
    before = _manifest_of(target)
    if before == manifest:
        return 0
    arrived = {name: digest for name, digest in known.items() if name in dict(_files(manifest))}
    sent = 0
    for number, (name, digest) in enumerate(_files(manifest), 1):
        found = arrived.get(name)
        if found is not None and found == (digest or _digest(source, name)):
            continue
        # A reader must not find the manifest of other shards while files change.
        if before is not None:
            target.put(NOTE, json.dumps(arrived).encode())
            target.delete(manifests.NAME)
            before = None
        arrived[name] = _send(source, target, name, digest, wait)
        sent += 1
        _patiently(lambda: target.put(NOTE, json.dumps(arrived).encode()), NOTE, wait)
        say(f"{number:,} of {2 * manifest['num_shards']:,} files")
    for name in BESIDE:
        if source.size(name) is not None:
            data = source.read(name)
            _patiently(lambda name=name, data=data: target.put(name, data), name, wait)  # type: ignore[misc]
    data = source.read(manifests.NAME)
    _patiently(lambda: target.put(manifests.NAME, data), manifests.NAME, wait)
    target.delete(NOTE)
    return sent


def _files(manifest: dict[str, Any]) -> Iterator[tuple[str, str | None]]:
    """Every file with the SHA-256 that the manifest gives it."""
    for entry in manifest["shards"]:
        yield entry["name"].removesuffix(".tar") + ".idx.parquet", None
        yield entry["name"], entry["sha256"]


def _send(source: Place, target: Place, name: str, digest: str | None, wait: Callable[[float], None]) -> str:
    """Copy a file whole; its SHA-256."""
    if source.size(name) is None:
        raise InputError(f"{source.root}/{name} is missing")
    found = ""

    def once() -> None:
        nonlocal found
        with source.open(name) as file:
            hashing = _Hashing(file)
            target.put_file(name, cast("BinaryIO", hashing))
            found = hashing.digest.hexdigest()

    _patiently(once, name, wait)
    if digest is not None and found != digest:
        target.delete(name)
        raise InputError(f"{source.root}/{name} is not the file of its manifest; weft verify says more")
    return found


def _patiently(action: Callable[[], object], name: str, wait: Callable[[float], None]) -> None:
    for attempt in range(TRIES):
        try:
            action()
        except OSError as error:
            if attempt == TRIES - 1:
                raise OutputError(f"{name} could not be written in {TRIES} tries: {error}") from error
            wait(float(1 << attempt))
        else:
            return


def _arrived(target: Place) -> dict[str, str]:
    """What an interrupted copy noted, and what the manifest of an earlier one says of its tars."""
    noted: dict[str, str] = {}
    try:
        noted = json.loads(target.read(NOTE))
    except (FileNotFoundError, ValueError):
        noted = {}
    before = _manifest_of(target)
    return {entry["name"]: entry["sha256"] for entry in (before or {}).get("shards", [])} | noted


def _manifest_of(target: Place) -> dict[str, Any] | None:
    try:
        return manifests.load(target)
    except InputError:
        return None


def _digest(source: Place, name: str) -> str:
    """SHA-256 of a small file."""
    return hashlib.sha256(source.read(name)).hexdigest()
