"""The proxies of the environment (http_proxy, https_proxy, no_proxy), read once."""

from __future__ import annotations

import base64
import urllib.request
from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from schemas.errors import ConfigError


class Proxy(NamedTuple):
    """Where requests are sent instead."""

    scheme: str
    """How the proxy itself is spoken to: http or https."""
    host: str
    port: int
    credentials: str | None = None
    """Value of Proxy-Authorization."""


@dataclass(frozen=True, slots=True)
class Proxies:
    """Where requests of each scheme are sent."""

    by_scheme: dict[str, Proxy]

    def of(self, scheme: str, host: str) -> Proxy | None:
        """The proxy for a URL, None for a direct connection."""
        if not self.by_scheme:
            return None
        found = self.by_scheme.get(scheme)
        return None if found is None or urllib.request.proxy_bypass(host) else found

    @property
    def hosts(self) -> frozenset[str]:
        """Host names of the proxies: they may stand inside the network."""
        return frozenset(proxy.host for proxy in self.by_scheme.values())


def from_environment() -> Proxies:
    """The proxies for http and https.

    Raises:
        ConfigError: an address that is no http or https proxy's.
    """
    found = urllib.request.getproxies()
    return Proxies({scheme: _proxy(found[scheme]) for scheme in ("http", "https") if found.get(scheme)})


def _proxy(address: str) -> Proxy:
    try:
        parts = urlsplit(address if "://" in address else "http://" + address)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise ConfigError(f"proxy {address!r} of the environment: {error}") from error
    if parts.scheme not in ("http", "https") or not host:
        raise ConfigError(f"proxy {address!r} of the environment: only http and https proxies are known")
    credentials = None
    if parts.username:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}".encode()
        credentials = f"Basic {base64.b64encode(pair).decode()}"
    return Proxy(parts.scheme, host, port or (443 if parts.scheme == "https" else 80), credentials)
