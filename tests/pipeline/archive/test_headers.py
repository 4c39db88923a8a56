"""Headers are read however they are written."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.archive.headers import (
    media_type,
    parse_arc_head,
    parse_date,
    parse_http_head,
    parse_warc_head,
    text,
)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("2008-04-30T20:48:25Z", (2008, 4, 30, 20, 48, 25)),
        ("2008-04-30t20:48:25z", (2008, 4, 30, 20, 48, 25)),
        ("2008-04-30T20:48:25.987654Z", (2008, 4, 30, 20, 48, 25)),
        ("2008-04-30T20:48Z", (2008, 4, 30, 20, 48, 0)),
        ("2008-04-30T20:48", (2008, 4, 30, 20, 48, 0)),
        ("2008-04-30", (2008, 4, 30, 0, 0, 0)),
        ("2008-04", (2008, 4, 1, 0, 0, 0)),
        ("2008", (2008, 1, 1, 0, 0, 0)),
        ("2008-04-30T20:48:25+02:00", (2008, 4, 30, 18, 48, 25)),
        ("2008-04-30T23:48:25-0130", (2008, 5, 1, 1, 18, 25)),
        ("2016-12-31T23:59:60Z", (2016, 12, 31, 23, 59, 59)),
        ("20080430204825", (2008, 4, 30, 20, 48, 25)),
        ("20080430204825123", (2008, 4, 30, 20, 48, 25)),
        ("200804302048", (2008, 4, 30, 20, 48, 0)),
        ("20080430", (2008, 4, 30, 0, 0, 0)),
    ],
)
def test_dates_are_read_cut_short_too(written: str, meant: tuple[int, ...]) -> None:
    assert parse_date(written) == datetime(*meant, tzinfo=UTC)


@pytest.mark.parametrize(
    "written", ["", "blue monday", "2008-13-01", "2008043", "20081345", "0000", "٢٠٠٨", "2008-04-30T25"]
)
def test_what_is_no_date_is_none(written: str) -> None:
    assert parse_date(written) is None


@given(st.text(max_size=30))
def test_no_text_makes_the_date_parser_raise(written: str) -> None:
    found = parse_date(written)
    assert found is None or found.tzinfo is UTC


@given(st.datetimes(min_value=datetime(1990, 1, 1), max_value=datetime(2100, 1, 1)))
def test_a_date_written_as_the_standard_says_comes_back(when: datetime) -> None:
    when = when.replace(microsecond=0, tzinfo=UTC)
    assert parse_date(when.strftime("%Y-%m-%dT%H:%M:%SZ")) == when
    assert parse_date(when.strftime("%Y%m%d%H%M%S")) == when


def test_a_warc_head_is_read_in_any_case_folded_and_with_the_first_of_repeated_fields() -> None:
    head = parse_warc_head(
        b"WARC/1.0\r\nwarc-TYPE: Response\r\nWARC-Target-URI:\r\n\t<http://a/b>\r\nWARC-Target-URI: http://other/\r\n"
        b"Content-Length :  12 \nContent-Type: application/http; msgtype=response\r\nX-Content-Length: 99\r\n\r\n"
    )
    assert (head.record_type, head.url, head.block_length) == ("response", "http://a/b", 12)
    assert head.content_type == "application/http"
    assert head.date == ""


@pytest.mark.parametrize("length", [b"", b"-1", b"12a", b"1" * 30, b"\xd9\xa1"])
def test_a_length_that_is_no_number_is_none(length: bytes) -> None:
    assert parse_warc_head(b"WARC/1.0\r\nContent-Length: " + length + b"\r\n").block_length is None


@pytest.mark.parametrize(
    ("line", "found"),
    [
        (b"http://a/ 192.0.2.1 20080430204826 text/html 680\n", ("http://a/", "text/html", 680)),
        (b"http://a/b c 192.0.2.1 20080430204826 html 680\r\n", ("http://a/b c", None, 680)),
        (b"http://a/ 192.0.2.1 20080430204826 text/html 200 - - 12 a.arc 680\n", ("http://a/", "text/html", 680)),
        (b"filedesc://a.arc 0.0.0.0 20080430204825 text/plain 76\n", ("", None, 76)),
        (b"filedesc:// - - - what\n", ("", None, None)),
    ],
)
def test_an_arc_line_of_version_1_or_2_is_read(line: bytes, found: tuple[str, str | None, int | None]) -> None:
    head = parse_arc_head(line)
    assert head is not None
    assert (head.url, head.content_type, head.block_length) == found


def test_a_sentence_is_no_arc_line() -> None:
    assert parse_arc_head(b"note: this is a sentence of 2008\n") is None


def test_an_http_head_is_read_in_any_case_and_folded() -> None:
    head = parse_http_head(
        b"HTTP/1.1 200\r\ncontent-TYPE: Text/HTML;\r\n charset='utf-8'\nX-Robots-Tag: noai\nX-ROBOTS-TAG: a: none\n"
        b"Content-Encoding: GZIP\nTransfer-Encoding: Chunked\nContent-Length: 7\ntdm-reservation: 1\n\n"
    )
    assert head is not None
    assert (head.status, head.content_type, head.charset) == (200, "text/html", "utf-8")
    assert (head.content_encoding, head.transfer_encoding, head.content_length) == ("gzip", "chunked", 7)
    assert (head.robots, head.tdm) == (("noai", "a: none"), "1")


@pytest.mark.parametrize("block", [b"", b"HTTPX/1.1 200 OK\r\n", b"HTTP/1.1 20\r\n", b"HTTP/1.1 2000\r\n", b"<html>"])
def test_a_block_without_a_status_line_has_no_http_head(block: bytes) -> None:
    assert parse_http_head(block) is None


@given(st.binary(max_size=200))
def test_no_bytes_make_a_parser_raise(data: bytes) -> None:
    assert parse_warc_head(b"WARC/1.0\r\n" + data) is not None
    assert parse_http_head(b"HTTP/1.0 200 OK\r\n" + data) is not None
    parse_arc_head(b"http://a " + data)


@pytest.mark.parametrize(
    ("written", "found"),
    [("Text/HTML; a=b", "text/html"), ("text/html, text/plain", "text/html"), ("html", None), ("/", None), ("", None)],
)
def test_a_media_type_has_no_parameters(written: str, found: str | None) -> None:
    assert media_type(written) == found


def test_header_bytes_are_utf8_or_else_latin1() -> None:
    assert text("é".encode()) == "é"
    assert text("é".encode("latin-1")) == "é"
