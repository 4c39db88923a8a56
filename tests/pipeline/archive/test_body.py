"""Bodies come out as a browser would show them, and never larger than the bound."""

from __future__ import annotations

import gzip
import random
import time
import zlib

import brotli
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from pipeline.archive import body
from pipeline.archive.body import TooLargeError, is_surely_not_html, looks_like_html, undo_content, undo_transfer

TEXT = b"<html><body>" + b"words and more words " * 40


def raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


PACKERS = {
    "gzip": gzip.compress,
    "x-gzip": gzip.compress,
    "deflate": zlib.compress,
    "Deflate ": raw_deflate,
    "br": brotli.compress,
    "zstd": zstandard.compress,
    "identity": bytes,
    "": bytes,
}


@pytest.mark.parametrize("name", PACKERS)
def test_each_encoding_is_undone_up_to_the_bound_and_no_further(name: str) -> None:
    packed = PACKERS[name](TEXT)
    assert undo_content(packed, name.lower(), len(TEXT)) == TEXT
    if name not in ("identity", ""):
        with pytest.raises(TooLargeError):
            undo_content(packed, name.lower(), len(TEXT) - 1)


@pytest.mark.parametrize("name", ["gzip", "deflate", "br", "zstd"])
def test_a_bomb_is_refused_at_once(name: str) -> None:
    packed = PACKERS[name](bytes(30_000_000)) if name != "br" else brotli.compress(bytes(30_000_000), quality=1)
    started = time.process_time()
    with pytest.raises(TooLargeError):
        undo_content(packed, name, 10_000)
    assert time.process_time() - started < 0.2


@pytest.mark.parametrize("name", ["gzip", "deflate", "br", "zstd"])
def test_a_stream_that_stops_early_gives_what_came(name: str) -> None:
    words = random.Random(1).randbytes(300_000).hex().encode()
    packed = brotli.compress(words, quality=1) if name == "br" else PACKERS[name](words)
    some = undo_content(packed[: len(packed) // 2], name, 1_000_000)
    assert some is not None
    assert len(some) > 1000
    assert words.startswith(some)


def test_encodings_on_top_of_each_other_are_undone_from_the_last() -> None:
    assert undo_content(gzip.compress(brotli.compress(TEXT)), "br, gzip", 10_000) == TEXT
    assert undo_content(TEXT, "gzip, gzip, gzip, gzip, gzip", 10_000) is None


def test_all_members_of_a_gzip_body_count_and_what_follows_does_not() -> None:
    packed = gzip.compress(b"one ") + gzip.compress(b"two") + b"trailing"
    assert undo_content(packed, "gzip", 100) == b"one two"


def test_many_tiny_members_do_not_cost_a_copy_of_the_rest_each() -> None:
    packed = gzip.compress(b"") * 100_000
    started = time.process_time()
    assert undo_content(packed, "gzip", 100) == b""
    assert time.process_time() - started < 1


@pytest.mark.parametrize("name", ["gzip", "br", "zstd", "deflate", "compress", "whatever"])
def test_a_page_that_is_not_encoded_after_all_is_read_and_other_bytes_are_not(name: str) -> None:
    assert undo_content(TEXT, name, 10_000) == TEXT
    assert undo_content(b"\xfe\xff neither packed nor a page", name, 10_000) is None


@pytest.mark.parametrize(
    ("chunked", "plain"),
    [
        (b"3\r\nabc\r\n2;name=value\r\nde\r\n0\r\n\r\n", b"abcde"),
        (b"3\nabc\n2\nde\n0\n", b"abcde"),
        (b"A \r\n0123456789\r\n0\r\nTrailer: 1\r\n\r\n", b"0123456789"),
        (b"3\r\nabc\r\n", b"abc"),
        (b"5\r\nabc", b"abc"),
        (b"<html> was never chunked", b"<html> was never chunked"),
        (b"", b""),
        (b"3\r\nabc\r\nbroken", None),
    ],
)
def test_chunks_are_joined(chunked: bytes, plain: bytes | None) -> None:
    assert undo_transfer(chunked, "chunked") == plain
    assert undo_transfer(chunked, "identity") == chunked


@given(st.lists(st.binary(min_size=1, max_size=50), max_size=8))
def test_what_is_cut_into_chunks_comes_back(parts: list[bytes]) -> None:
    chunked = b"".join(b"%X\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"
    assert undo_transfer(chunked, "chunked") == b"".join(parts)


@given(st.binary(max_size=300), st.sampled_from(["gzip", "deflate", "br", "zstd", "gzip, br"]))
def test_no_bytes_raise_or_pass_the_bound(data: bytes, name: str) -> None:
    try:
        decoded = undo_content(data, name, 200)
    except TooLargeError:
        return
    assert decoded is None or len(decoded) <= 200 or decoded == data


@pytest.mark.parametrize(
    ("data", "is_html"),
    [
        (b"<!DOCTYPE html>", True),
        (b"\xef\xbb\xbf \n<HTML>", True),
        (b"<?xml version='1.0'?><!-- a --><!-- b -->\n<html xmlns='x'>", True),
        (b"<title>x", True),
        (b"<p>a fragment</p>", False),
        (b"<?xml version='1.0'?><rss>", False),
        (b"<htmlx>", False),
        (b"text with <html> in it", False),
        (b"<!-- never closed <html>", False),
        (b"", False),
    ],
)
def test_a_page_is_known_by_how_it_begins(data: bytes, is_html: bool) -> None:
    assert looks_like_html(data) is is_html


def test_a_body_of_nothing_but_comments_is_looked_at_quickly() -> None:
    started = time.process_time()
    assert looks_like_html(b"<!---->" * 1_000_000) is False
    assert time.process_time() - started < 0.1


def test_signatures_of_other_formats_are_known() -> None:
    assert is_surely_not_html(b"\xff\xd8\xff\xe0")
    assert is_surely_not_html(b"RIFF\x00\x00\x00\x00WEBP")
    assert not is_surely_not_html(b"RIFF\x00\x00\x00\x00 is a word")
    assert not is_surely_not_html(b"")
    assert body.MAX_GZIP_MEMBERS == 100
