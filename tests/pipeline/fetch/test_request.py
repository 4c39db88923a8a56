import datetime
import gzip
import socket
import zlib

import brotli
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from pipeline.fetch.pool import NameLookupError
from pipeline.fetch.request import Limits, Outcome, _decoded, _may_pass, judge_bytes, retry_after
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
    ("cause", "passing"),
    [
        (socket.gaierror(socket.EAI_AGAIN, "later"), True),
        (socket.gaierror(socket.EAI_NONAME, "none"), False),
        (OSError(None, "of nobody"), False),
    ],
)
def test_a_name_server_that_does_not_answer_may_answer_later(cause, passing):
    error = NameLookupError("a.example")
    error.__cause__ = cause
    assert _may_pass(error) is passing
    wrapped = OSError(None, "wrapped")
    wrapped.__cause__ = Exception(12 if passing else 4, "c-ares")
    error.__cause__ = wrapped
    assert _may_pass(error) is passing


@pytest.mark.parametrize(
    ("pack", "encoding"),
    [
        (gzip.compress, "gzip"),
        (zlib.compress, "deflate"),
        (lambda body: zlib.compress(body)[2:-4], "deflate"),
        (brotli.compress, "br"),
        (lambda body: zstandard.ZstdCompressor().compress(body), "zstd"),
    ],
)
def test_encodings_are_undone_within_the_limit(pack, encoding):
    body = PNG + bytes(1_000)
    for most, status in ((len(body), FetchStatus.OK), (len(body) - 1, FetchStatus.TOO_LARGE)):
        outcome = Outcome(status=FetchStatus.OK)
        _decoded(outcome, pack(body), encoding, Limits(seconds=1, max_bytes=most))
        assert outcome.status is status
        assert outcome.body == (body if status is FetchStatus.OK else b"")


def test_a_packed_robots_file_is_cut_and_not_refused():
    outcome = Outcome(status=FetchStatus.OK)
    _decoded(outcome, gzip.compress(b"#" * 500), "gzip", Limits(seconds=1, max_bytes=100, cut=True))
    assert outcome.body == b"#" * 100
