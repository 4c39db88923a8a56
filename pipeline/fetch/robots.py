"""robots.txt as RFC 9309 says: what may be asked, and the table of what hosts answered.

4xx: there are no rules. 5xx: everything is disallowed. Unreachable: the host's URLs carry what stopped it.
An entry is good for 24 hours (RFC 9309, 2.4).
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import quote, urlsplit

from schemas.reasons import FetchStatus

MAX_BYTES = 500 << 10
"""Bytes of a robots.txt that are read; RFC 9309 (2.5) asks for at least 500 KiB."""
MAX_AGE_S = 24 * 3600
"""Seconds for which an entry is good (RFC 9309, 2.4)."""
MAX_REDIRECTS = 5
"""RFC 9309, 2.3.1.2 asks for at least five."""
_SAFE = "!#$%&'()*+,/:;=?@[]~"  # characters of a path that stay as they are; unreserved ones always do


@dataclass(frozen=True, slots=True)
class Rule:
    """One allow or disallow line."""

    allow: bool
    path: str
    parts: tuple[str, ...]
    """What stands between the asterisks of the path."""
    anchored: bool
    """It ends in `$`: the URL ends there."""

    def matches(self, path: str) -> bool:
        """Whether a path falls under the rule; each part is looked for once, so no file makes this slow."""
        first, *middle = self.parts
        if not path.startswith(first):
            return False
        at = len(first)
        if not middle:
            return not self.anchored or at == len(path)
        last = middle.pop()
        for part in middle:
            at = path.find(part, at) + len(part)
            if at < len(part):
                return False
        return path.endswith(last) and len(path) - len(last) >= at if self.anchored else path.find(last, at) >= 0


@dataclass(frozen=True, slots=True)
class Robots:
    """The rules of one host for one agent; the longest matching rule wins, allow wins a tie."""

    rules: tuple[Rule, ...] = ()

    def allows(self, url: str) -> bool:
        """Whether the path and query of `url` may be asked."""
        if not self.rules:
            return True
        path = _path_of(url)
        if path == "/robots.txt":
            return True
        matching = [rule for rule in self.rules if rule.matches(path)]
        if not matching:
            return True
        return max(matching, key=lambda rule: (len(rule.path), rule.allow)).allow


def parse(text: str, agent: str) -> Robots:
    """The rules that `text` has for the product token `agent` (case does not matter), else those for `*`."""
    groups: dict[str, list[Rule]] = {}
    names: list[str] = []
    open_group = False
    for line in text.lstrip("\ufeff").splitlines():
        key, colon, value = line.partition("#")[0].partition(":")
        key, value = key.strip().lower(), value.strip()
        if not colon:
            continue
        if key == "user-agent":
            if not open_group:
                names = []
            names.append(_product(value))
            groups.setdefault(names[-1], [])
            open_group = True
        elif key in ("allow", "disallow"):
            open_group = False
            if value and names:
                rule = _rule(key == "allow", value)
                for name in names:
                    groups[name].append(rule)
    return Robots(tuple(groups.get(_product(agent), groups.get("*", []))))


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What a host answered for its robots.txt."""

    fetched_at: float
    """Seconds since the epoch."""
    text: str | None = None
    """The file, "" where there is none (4xx); None where everything is disallowed or the host failed."""
    failure: FetchStatus | None = None
    """Where `text` is None: ROBOTS for 5xx, or what stopped the connection."""
    detail: str | None = None

    def is_fresh(self, now: float) -> bool:
        """Whether the entry may still be used."""
        return now - self.fetched_at < MAX_AGE_S


class Table(Protocol):
    """Where entries are kept; an origin is `scheme://host[:port]`. Shared tables may be slow: calls are
    few."""

    def get(self, origin: str) -> Entry | None:
        """The entry of an origin, None if there is none."""

    def put(self, origin: str, entry: Entry) -> None:
        """Keep an entry."""


@dataclass(slots=True)
class MemoryTable:
    """Entries of this process."""

    entries: dict[str, Entry] = field(default_factory=dict)

    def get(self, origin: str) -> Entry | None:
        """The entry of an origin, None if there is none or it is too old."""
        entry = self.entries.get(origin)
        return entry if entry is not None and entry.is_fresh(time.time()) else None

    def put(self, origin: str, entry: Entry) -> None:
        """Keep an entry."""
        self.entries[origin] = entry


def _product(value: str) -> str:
    token = re.match(r"[A-Za-z0-9_.-]+|\*", value)  # RFC 9309 has no digits, names such as img2dataset do
    return token[0].lower() if token else ""


def _rule(allow: bool, value: str) -> Rule:
    path = quote(value, safe=_SAFE)
    anchored = path.endswith("$")
    body = re.sub(r"\*+", "*", path[:-1] if anchored else path)
    return Rule(allow, path, tuple(_normal(part) for part in body.split("*")), anchored)


def _path_of(url: str) -> str:
    parts = urlsplit(url)
    path = (parts.path or "/") + ("?" + parts.query if parts.query else "")
    return _normal(quote(path, safe=_SAFE))


def _normal(path: str) -> str:
    """Percent-encoding in one form: escapes of unreserved characters undone, the others in upper case."""

    def one(found: re.Match[str]) -> str:
        char = chr(int(found[1], 16))
        return char if char.isascii() and (char.isalnum() or char in "-._~") else found[0].upper()

    return re.sub(r"%([0-9A-Fa-f]{2})", one, path)
