"""What must not be fetched or kept: lists of hosts, URLs and hashes, of opt-out registries and of safety organisations.

One entry a line, of any kind mixed; `#` begins a comment:

    example.com                          a host and its subdomains
    https://example.com/photos/          URLs that begin so, with http or https
    d41d8cd98f00b204e9800998ecf8427e     MD5, SHA-1 or SHA-256 of a file, in hex
    pdq:f8f8f0cce0f4a84d0e370a22028f67f0b36e2ed596623e1d33e6339c4e9c9b22
                                         PDQ hash of a picture: what is within 31 bits of it is blocked

Hashes are compared in memory, before anything is written; of a hit the SHA-256 is kept and nothing else. A service with
an interface of its own is a class with the two methods of `Registry`.
"""

from __future__ import annotations

import functools
import hashlib
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit, urlunsplit

from filters.images.measures import measure
from filters.images.near import Lookup
from filters.images.pdq import MIN_QUALITY, SAME, words
from pipeline.fetch.target import PORTS
from schemas.errors import ConfigError
from schemas.reasons import FileReason

_PDQ = re.compile(r"pdq:([0-9a-f]{64})")
_HASH = re.compile(r"(?:[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64})")
_HOST = re.compile(r"[a-z0-9_-]+(?:\.[a-z0-9_-]+)+")
_HASHES = {32: hashlib.md5, 40: hashlib.sha1, 64: hashlib.sha256}


class Registry(Protocol):
    """Somebody who objects."""

    def blocks_url(self, url: str) -> str | None:
        """Why the URL must not be asked, None if it may."""

    def blocks_bytes(self, data: bytes) -> str | None:
        """Why the bytes must not be kept, None if they may."""


class BlockLists:
    """The entries of one or more lists.

    Args:
        lines: entries as in the module's description.
        where: name of the list for messages.

    Raises:
        ConfigError: a line is none of the three kinds.
    """

    def __init__(self, lines: Iterable[str], where: str = "block list") -> None:
        self._hosts: set[str] = set()
        self._prefixes: dict[str, list[str]] = {}
        self._hashes: dict[int, set[str]] = {}
        pictures: list[str] = []
        for number, line in enumerate(lines, 1):
            entry = re.split(r"(?:^|\s)#", line, maxsplit=1)[0].strip()
            if entry:
                if found := _PDQ.fullmatch(entry.lower()):
                    pictures.append(found[1])
                else:
                    self._add(entry, f"{where}, line {number}")
        self._pictures = Lookup(words(pictures)) if pictures else None

    def blocks_url(self, url: str) -> str | None:
        """Why the URL must not be asked: its host or its beginning is listed."""
        try:
            host, place = _place(url)
        except ValueError:
            return None
        labels = host.split(".")
        if any(".".join(labels[i:]) in self._hosts for i in range(len(labels))):
            return "host is on a block list"
        if any(place.startswith(prefix) for prefix in self._prefixes.get(host, ())):
            return "URL is on a block list"
        return None

    def blocks_bytes(self, data: bytes) -> str | None:
        """Why the bytes must not be kept: one of their hashes is listed."""
        for length, listed in self._hashes.items():
            digest = _HASHES[length](data, usedforsecurity=False)
            if digest.hexdigest() in listed:
                return f"{digest.name} is on a block list"
        return self._blocks_picture(data)

    def _blocks_picture(self, data: bytes) -> str | None:
        """The picture is decoded, reduced, where a list holds PDQ hashes; what cannot be decoded is dropped later."""
        if self._pictures is None:
            return None
        looks = measure(data)
        if isinstance(looks, FileReason) or looks.pdq_quality < MIN_QUALITY:
            return None
        near = self._pictures.nearest(words([looks.pdq])[0], SAME)
        return None if near is None else "PDQ hash is on a block list"

    def _add(self, entry: str, where: str) -> None:
        lower = entry.lower()
        if _HASH.fullmatch(lower):
            self._hashes.setdefault(len(lower), set()).add(lower)
        elif lower.startswith(("http://", "https://")) and urlsplit(entry).hostname:
            host, place = _place(entry)
            self._prefixes.setdefault(host, []).append(place)
        elif _HOST.fullmatch(lower):
            self._hosts.add(lower)
        else:
            raise ConfigError(f"{where}: {entry!r} is no host, no http URL and no MD5, SHA-1, SHA-256 or pdq: hash")


def _place(url: str) -> tuple[str, str]:
    """The host in lower case without a final dot; the URL from the host on, without user and its scheme's port.

    Raises:
        ValueError: it cannot be read.
    """
    parts = urlsplit(url)
    host = (parts.hostname or "").rstrip(".").lower()
    port = parts.port
    where = host if port in (None, PORTS.get(parts.scheme.lower())) else f"{host}:{port}"
    return host, urlunsplit(("", where, parts.path or "/", parts.query, parts.fragment))


def read_lists(paths: Sequence[str]) -> BlockLists | None:
    """The entries of all files, None for no file.

    Raises:
        ConfigError: a file cannot be read, or holds a line of another kind.
    """
    if not paths:
        return None
    try:
        return _read(tuple((path, Path(path).stat().st_mtime_ns) for path in paths))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"fetch.block_lists cannot be read: {error}") from error


@functools.lru_cache(maxsize=1)  # a task reads them once, not once a slice
def _read(files: tuple[tuple[str, int], ...]) -> BlockLists:
    lines = [line for path, _ in files for line in Path(path).read_text("utf-8").splitlines()]
    return BlockLists(lines, " + ".join(path for path, _ in files))
