import asyncio
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.fetch.connection import (
    MAX_DRAINED_BYTES,
    MAX_FRAMING_BYTES,
    MAX_HEAD_BYTES,
    Connection,
    DisconnectedError,
    Headers,
    ProtocolError,
    TruncatedError,
    Verdict,
)

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-A: 1\r\nx-a: 2\r\n\r\nhello"


class Wire:
    """A transport that keeps what is written and does nothing."""

    def __init__(self):
        self.written, self.closed, self.paused = b"", False, False

    def write(self, data):
        self.written += data

    def abort(self):
        self.closed = True

    def close(self):
        self.closed = True

    def pause_reading(self):
        self.paused = True

    def resume_reading(self):
        self.paused = False


class Taker:
    def __init__(self, first=Verdict.READ, later=Verdict.READ):
        self.code, self.headers, self.parts, self.rooms = 0, None, [], 0
        self._first, self._later = first, later

    def head(self, code, headers):
        self.code, self.headers = code, headers
        return self._first

    def body(self, piece):
        self.parts.append(piece)
        return self._later

    async def room(self):
        self.rooms += 1


class Talk:
    """A connection and its wire."""

    def __init__(self):
        self.wire, self.buffer = Wire(), memoryview(bytearray(1 << 16))
        self.connection = Connection(self.buffer)
        self.connection.connection_made(self.wire)

    async def ask(self, taker, *pieces, ends=None, seconds=9.0):
        """Answer with pieces; then the connection ends without a word, by an error, or stays."""
        loop = asyncio.get_running_loop()
        task = asyncio.create_task(
            self.connection.exchange(b"GET", taker, deadline=loop.time() + seconds, idle_s=seconds)
        )
        await asyncio.sleep(0)
        for piece in pieces:
            self.feed(piece)
            await asyncio.sleep(0)
        if ends is not None:
            self.connection.connection_lost(ends or None)
        await asyncio.wait_for(task, 5)

    def feed(self, data):
        for at in range(0, len(data), len(self.buffer)):
            part = data[at : at + len(self.buffer)]
            self.buffer[: len(part)] = part
            self.connection.buffer_updated(len(part))


def ask(taker, *pieces, ends=None):
    async def run():
        talk = Talk()
        await talk.ask(taker, *pieces, ends=ends)
        return talk

    return asyncio.run(run())


def test_an_answer_is_handed_on_and_the_connection_stays():
    taker = Taker()
    talk = ask(taker, OK)
    assert (taker.code, b"".join(taker.parts)) == (200, b"hello")
    assert taker.headers.all("x-a") == ["1", "2"]
    assert taker.headers.only(frozenset({"x-a"})) == {"x-a": "1, 2"}
    assert talk.connection.is_open
    assert talk.wire.written == b"GET"


@given(st.integers(0, 2**32))
def test_the_cuts_of_the_network_do_not_matter(seed):
    dice = random.Random(seed)
    chunked = (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\nX-Trailer: 1\r\n\r\n"
    )
    for whole in (OK, chunked, b"HTTP/1.1 103 Early\r\nLink: x\r\n\r\n" + OK):
        cuts = sorted(dice.sample(range(len(whole)), 3))
        taker = Taker()
        talk = ask(taker, *(whole[a:b] for a, b in zip([0, *cuts], [*cuts, len(whole)], strict=True)))
        assert (taker.code, b"".join(taker.parts)) == (200, b"hello")
        assert talk.connection.is_open


@pytest.mark.parametrize(
    ("answer", "ends", "error"),
    [
        (b"", False, DisconnectedError),
        (b"", ConnectionResetError(), DisconnectedError),
        (b"HTTP/1.1 200", False, ProtocolError),
        (b"SSH-2.0-OpenSSH_9.2\r\n", None, ProtocolError),
        (b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", None, ProtocolError),
        (b"HTTP/1.1 101 Switch\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nabc", False, ProtocolError),
        (OK[:-1], False, TruncatedError),
        (OK[:-1], ConnectionResetError(), TruncatedError),
        (b"HTTP/1.1 200 OK\r\n\r\nhel", ConnectionResetError(), TruncatedError),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n", False, TruncatedError),
        (b"HTTP/1.1 200 OK\r\n" + b"X-Long: a\r\n" * (MAX_HEAD_BYTES // 11), None, ProtocolError),
    ],
)
def test_what_breaks_off_or_is_no_http_says_which(answer, ends, error):
    taker = Taker()
    with pytest.raises(error):
        ask(taker, *([answer] if answer else []), ends=ends)


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"


@pytest.mark.parametrize("start", [b"5;", b"0\r\nX: ", b"0\r\n", b"0\r\nA: b\r\n"])
def test_framing_without_end_is_no_answer(start):
    with pytest.raises(ProtocolError, match="framing"):
        ask(Taker(), CHUNKED + start + b"a" * 2 * MAX_FRAMING_BYTES)


def test_chunks_of_one_byte_are_a_body():
    taker = Taker()
    ask(taker, CHUNKED + b"1\r\na\r\n" * MAX_FRAMING_BYTES + b"0\r\n\r\n")
    assert len(b"".join(taker.parts)) == 5 + MAX_FRAMING_BYTES


def test_a_body_without_a_length_ends_with_the_connection():
    taker = Taker()
    talk = ask(taker, b"HTTP/1.0 200 OK\r\n\r\nhel", b"lo", ends=False)
    assert b"".join(taker.parts) == b"hello"
    assert not talk.connection.is_open


@pytest.mark.parametrize("answer", [OK + b"more", OK + OK, OK.replace(b"X-A: 1", b"Connection: close")])
def test_a_connection_that_cannot_be_trusted_is_not_used_again(answer):
    taker = Taker()
    talk = ask(taker, answer)
    assert b"".join(taker.parts) == b"hello"
    assert not talk.connection.is_open
    assert talk.wire.closed


def test_bytes_that_nobody_asked_for_close_the_connection():
    async def run():
        talk = Talk()
        await talk.ask(Taker(), OK)
        talk.feed(b"HTTP/1.1 408 Request Timeout\r\n\r\n")
        return talk

    assert not asyncio.run(run()).connection.is_open


def test_who_stops_reads_no_more_and_the_connection_is_closed():
    for taker in (Taker(first=Verdict.STOP), Taker(later=Verdict.STOP)):
        talk = ask(taker, OK)
        assert talk.wire.closed
        assert len(taker.parts) == (taker.code == 200 and taker._first is Verdict.READ)


def test_a_short_body_that_nobody_wants_is_read_over_and_a_long_one_is_not():
    for size, stays in ((MAX_DRAINED_BYTES, True), (MAX_DRAINED_BYTES + 1, False)):
        taker = Taker(first=Verdict.DRAIN)
        talk = ask(taker, b"HTTP/1.1 404 x\r\nContent-Length: %d\r\n\r\n" % size, bytes(size))
        assert taker.parts == []
        assert talk.connection.is_open is stays


def test_a_pause_stops_the_reading_until_there_is_room_and_its_time_is_given_back():
    async def run():
        talk, gate = Talk(), asyncio.Event()

        class Slow(Taker):
            async def room(self):
                self.rooms += 1
                await gate.wait()

        taker = Slow(later=Verdict.PAUSE)
        task = asyncio.create_task(talk.ask(taker, OK[:-4], seconds=0.2))
        await asyncio.sleep(0.25)
        assert talk.wire.paused
        talk.connection.check(asyncio.get_running_loop().time())  # more than a deadline has passed
        gate.set()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert not talk.wire.paused
        talk.connection.check(asyncio.get_running_loop().time())
        talk.feed(OK[-4:])
        await task
        return talk, taker

    talk, taker = asyncio.run(run())
    assert (b"".join(taker.parts), taker.rooms) == (b"hello", 1)
    assert not talk.wire.paused


def test_a_connection_whose_last_piece_was_one_too_many_reads_the_next_answer():
    talk = ask(Taker(later=Verdict.PAUSE), OK)
    assert not talk.wire.paused


@pytest.mark.parametrize(("deadline", "idle", "why"), [(1.0, 9.0, "deadline"), (9.0, 1.0, "silence")])
def test_time_that_is_over_ends_the_exchange(deadline, idle, why):
    async def run():
        talk, now = Talk(), asyncio.get_running_loop().time()
        task = asyncio.create_task(talk.connection.exchange(b"GET", Taker(), deadline=now + deadline, idle_s=idle))
        await asyncio.sleep(0)
        talk.connection.check(now + 0.9)
        assert not talk.wire.closed
        talk.connection.check(now + 1.1)
        with pytest.raises(TimeoutError, match=why):
            await task
        assert talk.wire.closed

    asyncio.run(run())


def test_a_mistake_of_the_receiver_is_raised():
    class Wrong(Taker):
        def body(self, _piece):
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        ask(Wrong(), OK)


def test_header_values_of_any_bytes_are_text():
    headers = Headers()
    headers.add(b"Location", b"/caf\xe9")
    headers.add(b"X", "\u00e9".encode())
    assert (headers.get("location"), headers.get("x"), headers.get("y")) == ("/caf\u00e9", "\u00e9", None)
