"""A URL as it is asked: where to connect, and what to say.

What browsers escape in a path is escaped, what is escaped already stays as it is: rewriting escapes (%2F, %7E) breaks
signed URLs.
"""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import quote, urlsplit

import idna

PORTS = {"http": 80, "https": 443}
_HOST = re.compile(r"[A-Za-z0-9._~-]+|[0-9A-Fa-f:.]+(?:%[A-Za-z0-9._~-]+)?")


class Target(NamedTuple):
    """The parts of a URL that a request needs, in ASCII."""

    scheme: str
    host: str
    """Without brackets."""
    port: int
    path: str
    """Path and query, never empty."""

    @property
    def authority(self) -> str:
        """Host and port as the Host header has them."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def origin(self) -> str:
        """`scheme://host[:port]`, to which a robots.txt belongs."""
        return f"{self.scheme}://{self.authority}"


def target_of(url: str) -> Target:
    """The target of an absolute http or https URL; user and password in it are left out.

    Raises:
        ValueError: it has no host, or one that no name server knows to spell.
    """
    parts = urlsplit(url)
    scheme, host = parts.scheme.lower(), (parts.hostname or "").rstrip(".")
    if not host.isascii():
        host = idna.encode(host, uts46=True).decode()
    if scheme not in PORTS or not _HOST.fullmatch(host):
        raise ValueError(f"no host that can be asked: {host!r}")
    path = _escape(parts.path) or "/"
    query = "?" + _escape(parts.query) if parts.query else ""
    return Target(scheme, host, parts.port or PORTS[scheme], path + query)


def _escape(text: str) -> str:
    """Percent-encode spaces, controls, quotes, angle brackets, braces, backquotes and what is not ASCII, as UTF-8."""
    return quote(text, safe="!#$%&'()*+,-./:;=?@[\\]^_|~", errors="replace")
