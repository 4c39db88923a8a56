"""One HTTP/1.1 connection: a request out, its answer in, as often as the server lets it.

The answer is parsed by llhttp (Node's parser, through httptools) out of one buffer that all connections of a pool
share, and handed on piece by piece, so that whoever receives it may stop at any byte. Who waits for it is woken once a
request. A client library that is made for every use costs five times as much CPU (docs/decisions/own-http-client.md).
"""

from __future__ import annotations

import asyncio
import enum
from typing import Any, Protocol

import httptools

MAX_HEAD_BYTES = 64 << 10
"""Of a status line and headers; browsers take 256 KiB, servers send 1."""
MAX_FRAMING_BYTES = 4 * MAX_HEAD_BYTES
"""Of headers, sizes of chunks, and trailers, which the parser keeps."""
FRAMING = 16
"""Bytes of framing that one of the body makes up for: a chunk of one has five."""
MAX_DRAINED_BYTES = 16 << 10
"""Of a body that nobody wants, read so that the connection can be used again."""


class ProtocolError(Exception):
    """The answer is no HTTP that a browser would take."""


class DisconnectedError(ConnectionError):
    """The connection ended before an answer began."""


class TruncatedError(Exception):
    """The connection ended within an answer."""


class Verdict(enum.Enum):
    """What is to become of the rest of an answer."""

    READ = "read"
    PAUSE = "pause"
    """Read no further before `Receiver.room`."""
    DRAIN = "drain"
    """Throw the body away, if it is short; else STOP."""
    STOP = "stop"
    """Close the connection."""


class Headers:
    """The headers of an answer, names without case."""

    def __init__(self) -> None:
        self._all: dict[str, list[bytes]] = {}

    def add(self, name: bytes, value: bytes) -> None:
        """Append one."""
        self._all.setdefault(name.decode("latin-1").lower(), []).append(value)

    def get(self, name: str) -> str | None:
        """The first value of a name in lower case, None if there is none."""
        values = self._all.get(name)
        return _text(values[0]) if values else None

    def all(self, name: str) -> list[str]:
        """All values of a name in lower case."""
        return [_text(value) for value in self._all.get(name, ())]

    def only(self, names: frozenset[str]) -> dict[str, str]:
        """Those of `names` that are there; several values of one name joined by commas."""
        return {name: ", ".join(map(_text, values)) for name, values in self._all.items() if name in names}


def _text(value: bytes) -> str:
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value.decode("latin-1")


class Receiver(Protocol):
    """Who takes an answer."""

    def head(self, code: int, headers: Headers) -> Verdict:
        """The status line and headers have come."""

    def body(self, piece: bytes) -> Verdict:
        """A piece of the body has come."""

    async def room(self) -> None:
        """Return when reading may go on after PAUSE."""


class Connection(asyncio.BufferedProtocol):
    """See the module.

    Args:
        buffer: where the system puts what comes; may be shared, because each piece is parsed at once.
    """

    def __init__(self, buffer: memoryview) -> None:
        self._buffer = buffer
        self._transport: Any = None
        self._parser: Any = None
        self._receiver: Receiver | None = None
        self._future: asyncio.Future[None] | None = None
        self._error: BaseException | None = None
        self._headers = Headers()
        self._head_bytes = self._framing = 0
        self._drained = -1
        self._code = 0
        self._ended = True
        self._paused = self._until_eof = False
        self.is_open = False
        self.is_gone = False
        self.uses = 0
        self.deadline = self.quiet_until = float("inf")
        self.idle_s = 0.0

    def connection_made(self, transport: Any) -> None:
        """Of asyncio; to be called by who brings the connection up through a tunnel."""
        self._transport, self.is_open = transport, True

    async def exchange(self, request: bytes, receiver: Receiver, *, deadline: float, idle_s: float) -> None:
        """Send a request and hand its answer to `receiver`; returns when it is over or not wanted any more.

        Args:
            request: the request's bytes.
            receiver: who takes the answer.
            deadline: of the event loop's clock; moved by what `receiver.room` takes. Kept by `check`.
            idle_s: seconds of silence after which it is given up.

        Raises:
            TimeoutError, ProtocolError, DisconnectedError, TruncatedError: what went wrong; the connection is closed.
        """
        loop = asyncio.get_running_loop()
        self._parser, self._receiver, self._headers = httptools.HttpResponseParser(self), receiver, Headers()
        self._parser.set_dangerous_leniencies(
            lenient_headers=True,
            lenient_chunked_length=True,
            lenient_optional_cr_before_lf=True,
            lenient_spaces_after_chunk_size=True,
        )
        self._error, self._code, self._head_bytes, self._framing, self._drained = None, 0, 0, 0, -1
        self._ended = self._paused = self._until_eof = False
        self.deadline, self.idle_s, self.quiet_until = deadline, idle_s, loop.time() + idle_s
        self.uses += 1
        try:
            self._transport.write(request)
            while not self._ended:
                self._future = loop.create_future()
                await self._future
                if self._paused and not self._ended:
                    await self._wait_for_room(loop)
        except BaseException:
            self.abort()
            raise
        finally:
            self._future, self._receiver = None, None
        if self._paused and self.is_open:  # the last piece filled the memory: the next answer is another's
            self._transport.resume_reading()
        if self._error is not None:
            raise self._error

    def check(self, now: float) -> None:
        """End the exchange where its time is over; called now and then by the pool."""
        if now >= self.deadline:
            self._end(TimeoutError("deadline"), close=True)
        elif now >= self.quiet_until:
            self._end(TimeoutError("silence"), close=True)

    def abort(self) -> None:
        """Close at once."""
        self.is_open, self._ended = False, True
        if self._transport is not None:
            self._transport.abort()

    async def _wait_for_room(self, loop: asyncio.AbstractEventLoop) -> None:
        assert self._receiver is not None
        began, end = loop.time(), self.deadline
        self.deadline = self.quiet_until = float("inf")
        await self._receiver.room()
        self._paused = False
        self.deadline = end + loop.time() - began
        self.quiet_until = loop.time() + self.idle_s
        if not self._ended:
            self._transport.resume_reading()

    def _end(self, error: BaseException | None = None, *, close: bool = False) -> None:
        if self._ended:
            return
        self._ended, self._error = True, error
        if close:
            self.abort()
        self._wake()

    def _wake(self) -> None:
        if self._future is not None and not self._future.done():
            self._future.set_result(None)

    def _obey(self, verdict: Verdict) -> None:
        if verdict is Verdict.STOP:
            self._end(close=True)
        elif verdict is Verdict.DRAIN:
            self._drained = 0
        elif verdict is Verdict.PAUSE and not self._paused:
            self._paused = True
            self._transport.pause_reading()
            self._wake()

    # What asyncio calls.

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002 - the size is ours
        """Where the next bytes go."""
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        """Bytes have come."""
        if self._ended:  # nobody asked
            self.abort()
            return
        self.quiet_until = asyncio.get_running_loop().time() + self.idle_s
        if not self._code:
            self._head_bytes += nbytes
        self._framing += nbytes
        try:
            self._parser.feed_data(self._buffer[:nbytes])
        except httptools.HttpParserCallbackError as error:
            self._end(error.__context__ or error, close=True)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            self._end(ProtocolError(str(error) or "no HTTP"), close=True)
        if not self._code and self._head_bytes > MAX_HEAD_BYTES:
            self._end(ProtocolError(f"headers of over {MAX_HEAD_BYTES} bytes"), close=True)
        elif self._framing > MAX_FRAMING_BYTES:
            self._end(ProtocolError("more framing than body"), close=True)

    def eof_received(self) -> None:
        """The server sends no more; the transport closes."""

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone."""
        self.is_open, self.is_gone = False, True
        if self._ended:
            return
        if not self._code:
            why = f"{exc!r}" if exc else "the server hung up"
            begun = self._head_bytes > 0
            self._end(ProtocolError("headers are cut short") if begun and exc is None else DisconnectedError(why))
        elif self._until_eof and exc is None:
            self._end()
        else:
            self._end(TruncatedError(f"{exc!r}" if exc else "the server hung up"))

    # What the parser calls.

    def on_message_begin(self) -> None:
        """An answer begins; one after the end is none that was asked for."""
        if self._ended:
            self.abort()

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header, or a trailer after the body, which nobody wants."""
        if not self._code:
            self._headers.add(name, value)

    def on_headers_complete(self) -> None:
        """The head is there."""
        if self._ended:
            return
        code = self._parser.get_status_code()
        if 100 <= code < 200:
            self._headers = Headers()
            return
        self._code = code
        chunked = "chunked" in (self._headers.get("transfer-encoding") or "").lower()
        self._until_eof = not chunked and self._headers.get("content-length") is None
        assert self._receiver is not None
        self._obey(self._receiver.head(code, self._headers))

    def on_body(self, piece: bytes) -> None:
        """Part of the body."""
        self._framing = max(0, self._framing - FRAMING * len(piece))
        if self._ended or self._receiver is None:
            return
        if self._drained >= 0:
            self._drained += len(piece)
            if self._drained > MAX_DRAINED_BYTES:
                self._end(close=True)
            return
        self._obey(self._receiver.body(piece))

    def on_message_complete(self) -> None:
        """The answer is whole, or was one that announces another."""
        if not self._code or self._ended:
            return
        if not self._parser.should_keep_alive():
            self.is_open = False
            self._transport.close()
        self._end()
