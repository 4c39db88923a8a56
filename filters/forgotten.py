"""What was to be forgotten, known by hashes alone: whether a URL, a host or a file is among it, and texts without it.

A tombstone is 128 bits of SHA-256 of a URL without its scheme, of a host (which stands for all hosts below it), or of a
file's SHA-256. Nothing can be read back from it; it only recognises what comes again.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from typing import Any, Final
from urllib.parse import urlsplit

import numpy as np
import numpy.typing as npt

from filters.page_urls import canonical

KINDS: Final = ("url", "host", "hash")
PREFIX: Final = "forgotten:"
"""What a forgotten URL begins with where a table needs one; the rest is a hash of it."""
MARK: Final = "<url>"
"""Stands in a text for an address that was forgotten."""

_ADDRESS: Final = re.compile(r"(?:https?:)?//[^\s\"'<>\\^`{}|]+", re.IGNORECASE)
_HOST: Final = re.compile(r"(?:[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?\.)+[a-z][a-z0-9-]*[a-z0-9]", re.IGNORECASE)
_TRAIL: Final = ".,;:!?)]}*_~'\u2019\u201d"
_SHA256: Final = re.compile(r"[0-9a-f]{64}")


def digest(kind: str, value: str) -> bytes:
    """16 bytes that stand for a URL, a host or the SHA-256 of a file."""
    return hashlib.sha256(f"{kind}\n{_plain(kind, value)}".encode("utf-8", "surrogatepass")).digest()[:16]


def is_entry(kind: str, value: str) -> bool:
    """Whether a line of a list is a URL, host or SHA-256 at all."""
    if kind == "hash":
        return _SHA256.fullmatch(value.lower()) is not None
    try:
        parts = urlsplit(value if kind == "url" else f"http://{value}/")
    except ValueError:
        return False
    return bool(parts.hostname) and parts.scheme.lower() in ("http", "https") and (kind == "url" or "/" not in value)


def replacement(url: str) -> str:
    """What stands for a forgotten URL where a table needs one: the same for the same URL, another for another."""
    if url.startswith(PREFIX):
        return url
    return PREFIX + hashlib.sha256(url.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def host_of(url: str) -> str:
    """The host of a URL in lower case and IDNA form, "" where there is none."""
    try:
        return (urlsplit(canonical(url)).hostname or "").rstrip(".")
    except ValueError:
        return ""


class Forgotten:
    """A set of tombstones: 24 bytes each, a million in half a second.

    Args:
        digests: (kind, digest) of each.
    """

    def __init__(self, digests: Iterable[tuple[str, bytes]]) -> None:
        by_kind: dict[str, list[bytes]] = {kind: [] for kind in KINDS}
        for kind, value in digests:
            by_kind[kind].append(value)
        self._known = {kind: _sorted(values) for kind, values in by_kind.items()}
        self._hosts: dict[str, bool] = {}

    def __bool__(self) -> bool:
        return any(len(known) for known in self._known.values())

    def has_file(self, sha256: str | None) -> bool:
        """Whether a file of that SHA-256 (hex) was to be forgotten."""
        return sha256 is not None and self._has("hash", sha256)

    def has_host(self, host: str) -> bool:
        """Whether the host, or one above it, was to be forgotten."""
        if not len(self._known["host"]):
            return False
        known = self._hosts.get(host)
        if known is None:
            labels = host.lower().rstrip(".").split(".")
            known = any(self._has("host", ".".join(labels[place:])) for place in range(len(labels)))
            if len(self._hosts) > 100_000:
                self._hosts.clear()
            self._hosts[host] = known
        return known

    def has_url(self, url: str | None) -> bool:
        """Whether the URL, its host, or the file that a `data:` URL names, was to be forgotten."""
        if not url or url.startswith(PREFIX):
            return False
        if url.startswith("data:"):
            return self.has_file(url.rpartition(",")[2])
        return self._has("url", url) or self.has_host(host_of(url))

    def without(self, text: str) -> str:
        """The text with every address in it that was to be forgotten replaced by `<url>`."""
        if "//" not in text:
            return text
        return _ADDRESS.sub(self._mark, text)

    def mentions(self, text: str) -> bool:
        """Whether the text holds an address, or is a host or hash, that was to be forgotten."""
        if self.without(text) != text or self.has_url(text):
            return True
        if _SHA256.fullmatch(text):
            return False  # a hash tells nothing: tables may name what is gone by it
        return len(text) < 254 and _HOST.fullmatch(text) is not None and self.has_host(text)

    def within(self, value: Any) -> Any:
        """A JSON value with `without` applied to every string."""
        if isinstance(value, str):
            return self.without(value)
        if isinstance(value, list):
            return [self.within(entry) for entry in value]
        if isinstance(value, dict):
            return {name: self.within(entry) for name, entry in value.items()}
        return value

    def _mark(self, found: re.Match[str]) -> str:
        """An address in running text may end before the punctuation that follows it."""
        for address in dict.fromkeys((found[0].rstrip(_TRAIL), found[0])):
            if self.has_url(f"http:{address}" if address.startswith("//") else address):
                return MARK + found[0][len(address) :]
        return found[0]

    def _has(self, kind: str, value: str) -> bool:
        known = self._known[kind]
        if not len(known):
            return False
        wanted = np.frombuffer(digest(kind, value), ">u8")
        first = int(np.searchsorted(known[:, 0], wanted[0]))
        while first < len(known) and known[first, 0] == wanted[0]:
            if known[first, 1] == wanted[1]:
                return True
            first += 1
        return False


def _sorted(values: list[bytes]) -> npt.NDArray[np.uint64]:
    """The digests as rows of two numbers, sorted by the first."""
    if not values:
        return np.empty((0, 2), np.uint64)
    rows = np.frombuffer(b"".join(values), ">u8").astype(np.uint64).reshape(-1, 2)
    return rows[np.argsort(rows[:, 0], kind="stable")]


def _plain(kind: str, value: str) -> str:
    """The one form under which a thing is known: http and https are the same place."""
    if kind == "url":
        return canonical(value).partition("://")[2] or value
    return value.lower().rstrip(".") if kind == "host" else value.lower()
