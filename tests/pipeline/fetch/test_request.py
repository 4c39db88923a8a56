import datetime
import socket

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.fetch.request import _may_pass, judge_bytes, retry_after, target_of
from schemas.reasons import FetchStatus

NOW = datetime.datetime(2026, 1, 1, 12, 0, 0, tzinfo=datetime.UTC)
PNG = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\0\x40\0\0\0\x20\x08\x02\0\0\0"


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0.0),
        (" 120 ", 120.0),
        ("Thu, 01 Jan 2026 12:00:30 GMT", 30.0),
        ("Thu, 01 Jan 2026 11:00:00 GMT", 0.0),
        ("Thu, 01 Jan 2026 12:00:30 -0000", 30.0),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("1.5", None),
    ],
)
def test_patience_is_a_number_or_a_date(value, seconds):
    assert retry_after(value, now=NOW) == seconds


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (PNG, FetchStatus.OK),
        (b"<svg/>", FetchStatus.OK),
        (b"<html>", FetchStatus.NOT_AN_IMAGE),
        (PNG[:20], FetchStatus.DECODE_ERROR),
        (b"", FetchStatus.TOO_SMALL),
    ],
)
def test_bytes_are_judged_by_their_header(body, status):
    assert judge_bytes(body, min_bytes=1, max_pixels=64 * 32)[0] is status


def test_the_pixel_limit_is_inclusive():
    assert judge_bytes(PNG, min_bytes=1, max_pixels=64 * 32 - 1)[0] is FetchStatus.DECODE_ERROR


@given(st.text(max_size=40))
def test_any_header_is_read(value):
    found = retry_after(value, now=NOW)
    assert found is None or found >= 0


@pytest.mark.parametrize(
    ("url", "asked"),
    [
        ("http://a.example/%7Ejoe/a%2Fb.jpg?sig=a%2Bb", "/%7Ejoe/a%2Fb.jpg?sig=a%2Bb"),
        ("http://a.example/two words.jpg", "/two%20words.jpg"),
        ("http://a.example/caf\u00e9.jpg?n=\u00e9", "/caf%C3%A9.jpg?n=%C3%A9"),
        ("http://a.example/{x}<y>|z.jpg", "/%7Bx%7D%3Cy%3E|z.jpg"),
        ("http://a.example/100%.jpg", "/100%.jpg"),
        ("http://a.example#top", "/"),
        ("http://a.example?x=1", "/?x=1"),
        ("http://b\u00fccher.example/\u00e9", "/%C3%A9"),
    ],
)
def test_urls_are_asked_as_browsers_ask_them(url, asked):
    assert target_of(url).raw_path_qs == asked


def test_a_host_of_other_letters_is_asked_by_its_ascii_name():
    assert target_of("http://b\u00fccher.example/x").raw_host == "xn--bcher-kva.example"


@pytest.mark.parametrize(
    ("cause", "passing"),
    [
        (socket.gaierror(socket.EAI_AGAIN, "later"), True),
        (socket.gaierror(socket.EAI_NONAME, "none"), False),
        (OSError(None, "of nobody"), False),
    ],
)
def test_a_name_server_that_does_not_answer_may_answer_later(cause, passing):
    key = aiohttp.client_reqrep.ConnectionKey("a.example", 80, False, True, None, None, None)
    assert _may_pass(aiohttp.ClientConnectorDNSError(key, cause)) is passing
    wrapped = OSError(None, "wrapped")
    wrapped.__cause__ = Exception(12 if passing else 4, "c-ares")
    assert _may_pass(aiohttp.ClientConnectorDNSError(key, wrapped)) is passing
    assert _may_pass(ConnectionResetError()) is True
