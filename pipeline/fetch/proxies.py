"""The proxies of the environment (http_proxy, https_proxy, no_proxy), read once.

The HTTP client can do this itself, and then reads the environment for every request.
"""

from __future__ import annotations

import base64
import urllib.request
from dataclasses import dataclass

from yarl import URL

Proxy = tuple[URL, dict[str, str]]
"""Address, and the headers that the proxy wants."""


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
        return frozenset(url.host for url, _ in self.by_scheme.values() if url.host)


def from_environment() -> Proxies:
    """The proxies for http and https."""
    found: dict[str, Proxy] = {}
    for scheme, address in urllib.request.getproxies().items():
        if scheme in ("http", "https") and address:
            url = URL(address if "://" in address else "http://" + address)
            found[scheme] = (url.with_user(None), _credentials(url))
    return Proxies(found)


def _credentials(url: URL) -> dict[str, str]:
    if not url.user:
        return {}
    pair = base64.b64encode(f"{url.user}:{url.password or ''}".encode()).decode()
    return {"Proxy-Authorization": f"Basic {pair}"}
