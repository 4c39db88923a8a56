"""The name of a document is fixed: other people's tools compute it too (design, section 3)."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.document_id import document_id, pair_key

WHEN = datetime(2024, 5, 18, 4, 10, 7, tzinfo=UTC)
DIGEST = "sha1:3I42H3S6NNFQ2MSVX7XZKYAYSCX5QBYJ"


@pytest.mark.parametrize(
    ("url", "when", "name"),
    [
        ("https://example.com/", WHEN, "8f2bb99f8a52d0add415e35f61640c6e"),
        ("https://example.com/ä", WHEN, "daf038f2da07ff7e8b4631ce4ac5b3ab"),
        ("https://example.com/", datetime(2008, 1, 1, tzinfo=UTC), "e9995c89f8f5505bfe30198e16a9b36a"),
    ],
)
def test_these_names_never_change(url: str, when: datetime, name: str) -> None:
    assert document_id(url, when, DIGEST) == name


def test_the_name_is_the_first_half_of_a_sha256_over_three_lines() -> None:
    lines = f"https://example.com/\n2024-05-18T04:10:07Z\n{DIGEST}".encode()
    assert document_id("https://example.com/", WHEN, DIGEST) == hashlib.sha256(lines).hexdigest()[:32]


def test_the_same_moment_has_one_name_in_every_time_zone_and_fractions_do_not_count() -> None:
    there = WHEN.astimezone(timezone(timedelta(hours=5, minutes=30))).replace(microsecond=999)
    assert document_id("u", there, DIGEST) == document_id("u", WHEN, DIGEST)


def test_a_time_without_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        document_id("u", datetime(2024, 1, 1), DIGEST)


@given(st.text(max_size=50), st.datetimes(timezones=st.just(UTC)), st.text(max_size=40))
def test_the_name_is_32_hex_digits_and_depends_on_each_part(url: str, when: datetime, digest: str) -> None:
    name = document_id(url, when, digest)
    assert len(name) == 32
    assert set(name) <= set("0123456789abcdef")
    assert name != document_id(url + "x", when, digest)
    assert name != document_id(url, when, digest + "x")


def test_the_key_of_a_pair_is_that_of_the_design():
    assert pair_key("0" * 32, 3, "alt") == hashlib.sha256(b"0" * 32 + b"\n3\nalt").hexdigest()[:32]


@given(st.integers(0, 999), st.integers(0, 999), st.sampled_from(("alt", "caption")))
def test_every_pair_of_a_document_has_a_key_of_its_own(one, other, kind):
    assert (pair_key("a" * 32, one, kind) == pair_key("a" * 32, other, "alt")) == (one == other and kind == "alt")
