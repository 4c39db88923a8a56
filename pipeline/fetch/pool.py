"""Connections of a fetch: brought up to public addresses, through proxies and TLS, kept for the next request.

One timer looks after the deadlines of all exchanges, instead of two timers for each.
"""

from __future__ import annotations

import asyncio
import functools
import os
import socket
import ssl
import weakref
from collections import OrderedDict
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, TypeVar

import aiohappyeyeballs
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import DefaultResolver

from pipeline.fetch.addresses import PublicResolver, literal
from pipeline.fetch.config import Config
from pipeline.fetch.connection import MAX_HEAD_BYTES, Connection
from pipeline.fetch.proxies import Proxies, Proxy
from pipeline.fetch.target import Target

ACCEPT = "image/*,*/*;q=0.5"
BUFFER_BYTES = 256 << 10
"""One read of a socket."""
SWEEP_S = 0.1
"""Seconds between looks at the deadlines, and so how late they may be kept."""
KEEP_S = 15.0
"""Seconds for which an unused connection is kept; servers close them after 5 to 75."""
MAX_KEPT = 256
"""Unused connections that are kept: a process may have 1,024 open files on most systems."""
LEAVE_S = 2.0
"""Seconds for which the end waits for connections to be gone: one over TLS takes its leave in several steps, and a loop
that is closed before raises."""
NAME_S = 300.0
"""Seconds for which the address of a name is remembered."""
SECOND_ADDRESS_S = 0.25
"""Head start of one address over the next one (RFC 8305, 8)."""

ProtocolT = TypeVar("ProtocolT", bound=asyncio.BaseProtocol)
Key = tuple[str, str, int, Proxy | None]


class NameLookupError(OSError):
    """A name has no address; the cause says why."""


class ProxyRefusedError(OSError):
    """The proxy would not connect."""


class Pool:
    """See the module; used within one event loop, as `async with`.

    Args:
        config: section [fetch].
        proxies: those of the environment.
    """

    def __init__(self, config: Config, proxies: Proxies) -> None:
        self._config, self._proxies = config, proxies
        self.idle_s = config.idle_s
        self.headers = f"User-Agent: {config.user_agent_line}\r\nAccept: {ACCEPT}\r\nAccept-Encoding: identity\r\n"
        """Lines of every request."""
        self._buffer = memoryview(bytearray(BUFFER_BYTES))
        self._kept: dict[Key, list[Connection]] = {}
        self._ages: OrderedDict[Connection, tuple[float, Key]] = OrderedDict()
        self._names: dict[tuple[str, int], tuple[float, list[ResolveResult]]] = {}
        self._at_work: set[Connection] = set()
        self._every: weakref.WeakSet[Connection] = weakref.WeakSet()
        self._sweeper: asyncio.TimerHandle | None = None

    async def __aenter__(self) -> Pool:
        self._loop = asyncio.get_running_loop()
        public = not self._config.allow_private
        self._resolver: AbstractResolver = PublicResolver(self._proxies.hosts) if public else DefaultResolver()
        self._sweeper = self._loop.call_later(SWEEP_S, self._sweep)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._sweeper is not None:
            self._sweeper.cancel()
        for connection in list(self._every):
            connection.abort()
        await self._resolver.close()
        end = self._loop.time() + LEAVE_S
        await asyncio.sleep(0)  # transports close in the loop's next round
        while self._loop.time() < end and not all(connection.is_gone for connection in list(self._every)):
            await asyncio.sleep(0.01)

    def proxy_of(self, target: Target) -> Proxy | None:
        """The proxy through which a target is asked."""
        return self._proxies.of(target.scheme, target.host)

    async def take(self, target: Target, deadline: float, *, new: bool = False) -> Connection:
        """An open connection for one exchange; to be given back by `put`.

        Args:
            target: what will be asked.
            deadline: of the event loop's clock, for bringing up a new one.
            new: not one that was used before.

        Raises:
            NameLookupError, PrivateAddressError, ProxyRefusedError, TimeoutError, ssl.SSLError, OSError.
        """
        key = self._key(target)
        kept = self._kept.get(key, [])
        while kept and not new:
            connection = kept.pop()
            del self._ages[connection]
            if connection.is_open:
                self._at_work.add(connection)
                return connection
        async with asyncio.timeout_at(min(deadline, self._loop.time() + self._config.connect_s)):
            connection = await self._open(target, self.proxy_of(target))
        self._at_work.add(connection)
        return connection

    def put(self, target: Target, connection: Connection) -> None:
        """Give a connection back: kept if it is still open."""
        self._at_work.discard(connection)
        if not connection.is_open:
            return
        key = self._key(target)
        self._kept.setdefault(key, []).append(connection)
        self._ages[connection] = (self._loop.time(), key)
        if len(self._ages) > MAX_KEPT:
            self._drop_oldest()

    def _key(self, target: Target) -> Key:
        proxy = self.proxy_of(target)
        if proxy is not None and target.scheme == "http":
            return (proxy.scheme, proxy.host, proxy.port, proxy)  # one connection for all hosts
        return (target.scheme, target.host, target.port, proxy)

    def _drop_oldest(self) -> None:
        connection, (_, key) = self._ages.popitem(last=False)
        kept = self._kept[key]
        kept.remove(connection)
        if not kept:
            del self._kept[key]
        connection.abort()

    def _sweep(self) -> None:
        now = self._loop.time()
        for connection in list(self._at_work):
            connection.check(now)
        while self._ages and next(iter(self._ages.values()))[0] < now - KEEP_S:
            self._drop_oldest()
        self._sweeper = self._loop.call_later(SWEEP_S, self._sweep)

    async def _open(self, target: Target, proxy: Proxy | None) -> Connection:
        if proxy is not None and target.scheme == "https":
            return await self._open_tunnel(target, proxy)
        scheme, host, port = proxy[:3] if proxy else target[:3]
        _, connection = await self._connect(scheme, host, port, lambda: Connection(self._buffer))
        self._every.add(connection)
        return connection

    async def _open_tunnel(self, target: Target, proxy: Proxy) -> Connection:
        transport, tunnel = await self._connect(proxy.scheme, proxy.host, proxy.port, _Tunnel)
        connection = Connection(self._buffer)
        try:
            place = f"[{target.host}]" if ":" in target.host else target.host
            lines = [f"CONNECT {place}:{target.port} HTTP/1.1", f"Host: {place}:{target.port}"]
            if proxy.credentials:
                lines.append(f"Proxy-Authorization: {proxy.credentials}")
            transport.write("\r\n".join([*lines, "", ""]).encode("ascii"))
            await tunnel.answered
            secure = await self._loop.start_tls(transport, connection, _tls(), server_hostname=target.host)
        except BaseException:
            transport.abort()
            raise
        connection.connection_made(secure)
        self._every.add(connection)
        return connection

    async def _connect(
        self, scheme: str, host: str, port: int, factory: Callable[[], ProtocolT]
    ) -> tuple[asyncio.Transport, ProtocolT]:
        found = await self._addresses(host, port)
        infos = [_info(each) for each in found]
        plain = await aiohappyeyeballs.start_connection(infos, happy_eyeballs_delay=SECOND_ADDRESS_S)
        if scheme == "https":
            return await self._loop.create_connection(factory, sock=plain, ssl=_tls(), server_hostname=host)
        return await self._loop.create_connection(factory, sock=plain)

    async def _addresses(self, host: str, port: int) -> Sequence[ResolveResult]:
        known = self._names.get((host, port))
        if known is not None and known[0] > self._loop.time():
            return known[1]
        address = literal(host)
        if address is not None:
            family = socket.AF_INET6 if ":" in address else socket.AF_INET
            return [ResolveResult(hostname=host, host=address, port=port, family=family, proto=0, flags=0)]
        try:
            found = await self._resolver.resolve(host, port, family=socket.AF_UNSPEC)
        except OSError as error:
            raise NameLookupError(f"{host}: {error}") from error
        self._names[host, port] = (self._loop.time() + NAME_S, found)
        return found


def _tls() -> ssl.SSLContext:
    """Verifies certificates; reading those of the system takes as long as asking for hundreds of images."""
    file, folder = os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR")
    return _context(file, _written(file), folder, _written(folder))


@functools.lru_cache(maxsize=1)
def _context(*_certificates: object) -> ssl.SSLContext:
    return ssl.create_default_context()


def _written(path: str | None) -> int:
    """When it was last written, in nanoseconds; 0 where there is none."""
    try:
        return os.stat(path).st_mtime_ns if path else 0  # noqa: PTH116 - a folder or a file, asked for often
    except OSError:
        return 0


def _info(found: ResolveResult) -> Any:
    """An address as `getaddrinfo` gives it."""
    place: tuple[Any, ...] = (found["host"], found["port"])
    if found["family"] == socket.AF_INET6:
        place += (0, 0)
    return (found["family"], socket.SOCK_STREAM, found["proto"], "", place)


class _Tunnel(asyncio.Protocol):
    """Waits for what a proxy says to CONNECT."""

    def __init__(self) -> None:
        self.answered: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._head = b""

    def data_received(self, data: bytes) -> None:
        self._head += data
        if b"\r\n\r\n" not in self._head:
            if len(self._head) > MAX_HEAD_BYTES:
                self._refuse("headers without end")
            return
        line = self._head.split(b"\r\n", 1)[0].split(None, 2)
        if len(line) < 2 or not line[0].startswith(b"HTTP/1.") or not line[1].startswith(b"2"):
            self._refuse(b" ".join(line).decode("latin-1")[:100])
        elif not self.answered.done():
            self.answered.set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:
        self._refuse(f"{exc!r}" if exc else "hung up")

    def _refuse(self, why: str) -> None:
        if not self.answered.done():
            self.answered.set_exception(ProxyRefusedError(f"proxy: {why}"))
