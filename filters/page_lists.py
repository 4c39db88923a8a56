"""Which pages are not wanted by their address: lists of hosts, of URLs and of words.

The formats are those of the UT1 lists (Universite Toulouse 1): `domains` has a host a line and stands for its
subdomains too, `urls` a host with a path a line and stands for all below it, words are ours, one a line. Words are
looked for between word boundaries in host and path, in lower case: `sex` is in `sex-shop.example`, not in
`essex.example`. Lists are given by path in the recipe; none is shipped.
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

from filters.file_digest import file_digest
from schemas.errors import InputError

_KINDS = ("domains", "urls", "words")
_SPLIT = re.compile(r"[^0-9a-z\u00a1-\U0010ffff]+")
_PREFIX = re.compile(r"^(?:[a-z]+://)?(?:www\d?\.)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Recipe section [page_urls]: which pages are not read for their address."""

    blocklists: tuple[str, ...] = field(default=(), metadata={"operational": True})  # their content counts
    """Folders or files of lists, see the module."""


@dataclass(frozen=True, slots=True)
class Blocklist:
    """Hosts, URLs (host and path, no scheme) and words that are not wanted; all lower case, without `www.`."""

    hosts: frozenset[str]
    urls: frozenset[str]
    words: frozenset[str]

    def blocks(self, url: str) -> str | None:
        """Which entry a URL falls under, as `host example.com`, `url example.com/x` or `word x`; None = none.

        A URL that cannot be read is blocked by nothing.
        """
        try:
            parts = urlsplit(url.strip().lower())
            host = (parts.hostname or "").rstrip(".")
        except ValueError:
            return None
        if not host:
            return None
        bare = _PREFIX.sub("", host)
        for parent in _parents(bare):
            if parent in self.hosts:
                return f"host {parent}"
        path = unquote(parts.path).lower()  # again: %53 is an S
        if self.urls:
            for place in _beginnings(bare + path):
                if place in self.urls:
                    return f"url {place}"
        if self.words:
            for word in _SPLIT.split(f"{host}{path}"):
                if word in self.words:
                    return f"word {word}"
        return None


def blocklist(hosts: Iterable[str] = (), urls: Iterable[str] = (), words: Iterable[str] = ()) -> Blocklist:
    """A list from lines: blanks and lines that begin with # are left out, schemes and `www.` taken off."""
    return Blocklist(
        frozenset(_PREFIX.sub("", line).rstrip("./") for line in _lines(hosts)),
        frozenset(_PREFIX.sub("", line).rstrip("/") for line in _lines(urls)),
        frozenset(_lines(words)),
    )


def load(paths: Iterable[str]) -> Blocklist:
    """The lists at `paths` together: a folder of UT1's layout (`domains`, `urls`, `words`), or such files; gzip too.

    A file's kind is its name up to the first dot; one of another name holds hosts.

    Raises:
        InputError: a path is missing, or a file is no text.
    """
    found: dict[str, list[str]] = {name: [] for name in _KINDS}
    for file in _files(paths):
        found.get(file.name.split(".")[0], found["domains"]).extend(_read(file))
    return blocklist(found["domains"], found["urls"], found["words"])


def fingerprint(config: Config) -> list[str]:
    """Hex digests that stand for the content of the lists.

    Raises:
        InputError: a path is missing.
    """
    return [file_digest(file) for file in _files(config.blocklists)]


def _files(paths: Iterable[str]) -> list[Path]:
    found: list[Path] = []
    for name in paths:
        path = Path(name).expanduser()
        if not path.exists():
            raise InputError(f"blocklist: there is no {path}")
        files = sorted(p for p in path.iterdir() if p.name.split(".")[0] in _KINDS) if path.is_dir() else [path]
        if not files:
            raise InputError(f"blocklist: {path} holds no file domains, urls or words")
        found += files
    return found


def _read(file: Path) -> list[str]:
    data = file.read_bytes()
    try:
        return (gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data).decode("utf-8").splitlines()
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise InputError(f"blocklist: {file} is no list: {error}") from error


def _lines(lines: Iterable[str]) -> list[str]:
    stripped = (line.strip().lower() for line in lines)
    return [line for line in stripped if line and not line.startswith("#")]


def _parents(host: str) -> list[str]:
    """The host and the domains above it: a.b.c, b.c, c."""
    labels = host.split(".")
    return [".".join(labels[place:]) for place in range(len(labels))]


def _beginnings(place: str) -> list[str]:
    """The address up to each slash: h/a/b gives h/a, h/a/b."""
    parts = [part for part in place.split("/") if part]
    return ["/".join(parts[:count]) for count in range(2, len(parts) + 1)]
