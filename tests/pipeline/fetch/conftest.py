"""A web server of our own on loopback that misbehaves on request, in raw bytes: no library smooths anything."""

import asyncio
import gzip
import io
import threading
import time

import pytest
from PIL import Image

from pipeline.fetch import Config, HostLimit


def png(colour=(10, 20, 30)):
    out = io.BytesIO()
    Image.new("RGB", (8, 8), colour).save(out, format="PNG")
    return out.getvalue()


PNG = png()
SECONDS = 30
"""What nothing here takes, however busy the machine is: longer is a fault, and raises."""


class Site:
    """Answers by path; counts what was asked. `routes` maps a path to bytes, or to an async function of (site, w)."""

    def __init__(self):
        self.routes, self.asked, self.agents, self.now, self.peak, self.times = {}, [], [], 0, 0, []
        self.routes["/robots.txt"] = self.answer(404)
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        self.transports = set()
        self.server = asyncio.run_coroutine_threadsafe(
            self.loop.create_server(self.protocol, "127.0.0.1", 0), self.loop
        ).result(SECONDS)
        self.port = self.server.sockets[0].getsockname()[1]

    def url(self, path, host="127.0.0.1"):
        return f"http://{host}:{self.port}{path}"

    @staticmethod
    def answer(code, body=b"", *headers, length=None):
        size = len(body) if length is None else length
        return "\r\n".join([f"HTTP/1.1 {code} x", f"Content-Length: {size}", *headers, "", ""]).encode() + body

    def image(self, *headers, body=PNG):
        return self.answer(200, body, *headers)

    def protocol(self, handle=None):
        """What `asyncio.start_server` makes, and its transport is known from the first moment on."""
        site, reader = self, asyncio.StreamReader(loop=self.loop)

        class Known(asyncio.StreamReaderProtocol):
            def connection_made(self, transport):
                site.transports.add(transport)
                super().connection_made(transport)

            def connection_lost(self, exc):
                site.transports.discard(self._transport)
                super().connection_lost(exc)

        return Known(reader, handle or self.handle, loop=self.loop)

    async def handle(self, reader, writer):
        try:
            while line := await reader.readline():
                path = ([*line.split(), b"", b""])[1].decode("latin-1")
                while (header := await reader.readline()).strip():
                    if header.lower().startswith(b"user-agent:"):
                        self.agents.append(header.split(b":", 1)[1].strip().decode())
                if not path.startswith("/"):
                    break
                self.asked.append(path)
                self.times.append(time.monotonic())
                self.now += 1
                self.peak = max(self.peak, self.now)
                try:
                    route = self.routes.get(path) or self.routes.get("*") or self.answer(404)
                    if not isinstance(route, bytes):
                        route = await route(self, writer)
                finally:
                    self.now -= 1
                if route is None:
                    break
                writer.write(route)
                await writer.drain()
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    def close(self):
        async def end():
            self.server.close()
            while left := asyncio.all_tasks() - {asyncio.current_task()}:  # those that have not begun yet, too
                for task in left:
                    task.cancel()
                await asyncio.wait(left, timeout=0.1)
            while self.transports:  # what nobody reads any more is not waited for
                for transport in self.transports:
                    transport.abort()
                await asyncio.sleep(0)

        asyncio.run_coroutine_threadsafe(end(), self.loop).result(SECONDS)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()


class Faults:
    """Ways to misbehave, as routes."""

    @staticmethod
    async def stall(site, w):
        w.write(site.answer(200, PNG[:20], length=len(PNG)))
        await w.drain()
        await asyncio.sleep(30)

    @staticmethod
    async def silence(_site, _w):
        await asyncio.sleep(30)

    @staticmethod
    async def drip(site, w):
        w.write(site.answer(200, PNG[:20], length=10_000))
        for _ in range(1000):
            w.write(b"x")
            await w.drain()
            await asyncio.sleep(0.05)

    @staticmethod
    async def endless(_site, w):
        w.write(b"HTTP/1.1 200 x\r\nConnection: close\r\n\r\n" + PNG)
        while True:
            w.write(bytes(65_536))
            await w.drain()

    @staticmethod
    async def truncated(site, w):
        w.write(site.answer(200, PNG[:20], length=len(PNG)))

    @staticmethod
    async def cut_chunks(_site, w):
        w.write(b"HTTP/1.1 200 x\r\nTransfer-Encoding: chunked\r\n\r\n14\r\n" + PNG[:20] + b"\r\n")

    @staticmethod
    async def reset(site, w):
        w.write(site.answer(200, PNG[:20], length=len(PNG)))
        await w.drain()
        w.transport.abort()

    @staticmethod
    async def hang_up(_site, w):
        w.transport.abort()

    @staticmethod
    async def nonsense(_site, w):
        w.write(b"SSH-2.0-OpenSSH_9.2\r\n\r\n")

    @staticmethod
    def once(code, *headers):
        seen = []

        async def route(site, _w):
            seen.append(1)
            return site.answer(code, b"later", *headers) if len(seen) == 1 else site.image()

        return route

    @staticmethod
    def gzip_bomb(size):
        return Site.answer(200, gzip.compress(bytes(size)), "Content-Encoding: gzip")


@pytest.fixture
def site(monkeypatch):
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    site = Site()
    yield site
    site.close()


@pytest.fixture
def faults():
    return Faults


@pytest.fixture
def quick():
    """A configuration whose time-outs a test can wait for; a busy machine is late for them."""
    return {
        "allow_private": True, "deadline_s": 1.2, "idle_s": 0.5, "connect_s": 0.5, "backoff_s": 0.05,
        "max_bytes": 100_000, "host": HostLimit(concurrency=8, rate=0.0),
    }  # fmt: skip


@pytest.fixture
def patient(quick):
    """A configuration for all that does not end by a time-out, however busy the machine is."""
    return {**quick, "deadline_s": 60.0, "idle_s": 30.0, "connect_s": 30.0}


@pytest.fixture
def config(patient):
    return Config(**patient)
