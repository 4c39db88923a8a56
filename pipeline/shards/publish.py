"""Copies shards to another place, local or an object store, checked on the way and resumable.

Files are named by the manifest, so nothing is listed. Each is hashed as it goes and compared with the manifest: damage
is never published. What arrived is noted at the destination after each file; the manifest goes last, and until then
there is no data set. The note also says which copy is at work: of two at once the one that began first stops. Large
files go in parts (multipart upload); what the store refuses for a while is tried again.
"""

from __future__ import annotations

import hashlib
import io
import json
import time
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO, cast

from pipeline.commits import new_attempt
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
        OutputError: the target does not take a file after several tries, or another copy to it began meanwhile.
    """
    manifest = manifests.load(source)
    target.make()
    known = _arrived(target)
    if _manifest_of(target) == manifest:
        return 0
    arrived = {name: digest for name, digest in known.items() if name in dict(_files(manifest))}
    mine, sent = new_attempt(), 0
    _note(target, mine, arrived, wait)
    is_bare = False
    for number, (name, digest) in enumerate(_files(manifest), 1):
        found = arrived.get(name)
        if found is not None and found == (digest or _digest(source, name)):
            continue
        if not is_bare:  # a reader must not find the manifest of other shards while files change
            target.delete(manifests.NAME)
            is_bare = True
        _check_mine(target, mine)
        arrived[name] = _send(source, target, name, digest, wait)
        sent += 1
        _check_mine(target, mine)
        _note(target, mine, arrived, wait)
        say(f"{number:,} of {2 * manifest['num_shards']:,} files")
    for name in BESIDE:
        if source.size(name) is not None:
            data = source.read(name)
            _patiently(lambda name=name, data=data: target.put(name, data), name, wait)  # type: ignore[misc]
    data = source.read(manifests.NAME)
    _check_mine(target, mine)
    _patiently(lambda: target.put(manifests.NAME, data), manifests.NAME, wait)
    target.delete(NOTE)
    return sent


def _note(target: Place, by: str, arrived: dict[str, str], wait: Callable[[float], None]) -> None:
    """Keep at the target which copy is at work there, and what has arrived."""
    body = json.dumps({"by": by, "arrived": arrived}).encode()
    _patiently(lambda: target.put(NOTE, body), NOTE, wait)


def _check_mine(target: Place, by: str) -> None:
    """Raise where another copy to the same place began after this one: the last that began has the place.

    Raises:
        OutputError: two copies would mix their files.
    """
    if _noted(target).get("by") != by:
        raise OutputError(
            f"another copy to {target.root} began meanwhile; wait for its end, then run the copy again that is to stay"
        )


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
    before = _manifest_of(target)
    noted: dict[str, str] = _noted(target).get("arrived", {})
    return {entry["name"]: entry["sha256"] for entry in (before or {}).get("shards", [])} | noted


def _noted(target: Place) -> dict[str, Any]:
    try:
        return dict(json.loads(target.read(NOTE)))
    except (FileNotFoundError, ValueError):
        return {}


def _manifest_of(target: Place) -> dict[str, Any] | None:
    try:
        return manifests.load(target)
    except InputError:
        return None


def _digest(source: Place, name: str) -> str:
    """SHA-256 of a small file."""
    return hashlib.sha256(source.read(name)).hexdigest()
