"""Which network addresses may be asked: public ones, unless the recipe allows more.

A page may name http://169.254.169.254/ or a host whose name resolves to 10.0.0.1, and a redirect may lead
there. The check stands in the resolver of the HTTP client, so the address that is checked is the address
that is connected to.
"""

from __future__ import annotations

import ipaddress
import socket

from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import DefaultResolver

_LOCAL_NAMES = ("localhost", ".localhost", ".local", ".internal")
_NAT64 = ipaddress.ip_network("64:ff9b::/96")  # RFC 6052: an IPv4 address inside
_IPV4_COMPATIBLE = ipaddress.ip_network("::/96")  # RFC 4291, 2.5.5.1: the same, deprecated
_NOT_GLOBAL = tuple(map(ipaddress.ip_network, ("fec0::/10", "64:ff9b:1::/48", "3fff::/20", "5f00::/16")))
"""Site-local (RFC 3879), local NAT64 (RFC 8215), documentation (RFC 9637), segment routing (RFC 9602); what Python's
lists lack depends on its version."""


class PrivateAddressError(OSError):
    """A name or a literal stands for an address that is not public."""


def is_public(address: str) -> bool:
    """Whether a literal IPv4 or IPv6 address is one of the public internet."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
        if any(ip in network for network in _NOT_GLOBAL):
            return False
        if ip in _NAT64 or (ip in _IPV4_COMPATIBLE and int(ip) > 1):
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(str(inner))
    return ip.is_global and not ip.is_multicast


def literal(host: str) -> str | None:
    """The address that a host name is itself, None for a true name; odd spellings (0x7f.1, 2130706433) count
    too."""
    host = host.strip("[]").rstrip(".")
    try:
        return str(ipaddress.ip_address(host.partition("%")[0]))
    except ValueError:
        pass
    last = host.rpartition(".")[2].lower()
    if not (last.isdigit() or (last.startswith("0x") and last.isalnum())):
        return None
    try:
        return socket.inet_ntoa(socket.inet_aton(host))
    except OSError:
        return None


def check_host(host: str) -> None:
    """Raise PrivateAddressError for a literal that is not public, or a name that is local by definition."""
    address = literal(host)
    if address is not None and not is_public(address):
        raise PrivateAddressError(f"{host} is not a public address")
    name = "." + host.rstrip(".").lower()
    if address is None and any(name.endswith("." + local.lstrip(".")) for local in _LOCAL_NAMES):
        raise PrivateAddressError(f"{host} is a local name")


class PublicResolver(AbstractResolver):
    """A resolver that fails for names of which any address is not public.

    Args:
        allowed: names that may be anywhere: the proxies of the environment.
    """

    def __init__(self, allowed: frozenset[str]) -> None:
        self._resolver = DefaultResolver()
        self._allowed = allowed

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """The addresses of `host`; PrivateAddressError where one of them is not public."""
        found = await self._resolver.resolve(host, port, family)
        for each in found:
            if host not in self._allowed and not is_public(each["host"]):
                raise PrivateAddressError(f"{host} resolves to {each['host']}, which is not public")
        return found

    async def close(self) -> None:
        """Release the resolver underneath."""
        await self._resolver.close()
