"""Texts as a reader sees them."""

from __future__ import annotations

import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.extract.text import BREAK, clean_code, clean_inline


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("  a \n\t b ", "a b"),
        (f"a{BREAK} b {BREAK}c", "a\nb\nc"),
        (f"{BREAK}a{BREAK}", "a"),
        ("co\u00adoperate\u200b!", "cooperate!"),
        ("\ufeffa\u2060b", "ab"),
        ("e\u0301", "\u00e9"),
        ("\u4e2d\n  \u6587", "\u4e2d\u6587"),
        ("\u4e2d \u6587", "\u4e2d \u6587"),
        ("\u4e2d\nabc", "\u4e2d abc"),
        ("a\u00a0b", "a b"),
        ("\u0645\u06cc\u200c\u0631\u0648\u0645", "\u0645\u06cc\u200c\u0631\u0648\u0645"),
        ("\u00e9a\u0007b", "\u00e9ab"),
        ("con\x01trol \x7f", "control"),
        (f"a\x02{BREAK}\x7fb", "a\nb"),
    ],
)
def test_white_space_and_invisible_characters(raw: str, expected: str) -> None:
    assert clean_inline(raw) == expected


def test_code_keeps_its_lines_and_indentation() -> None:
    assert clean_code("\n\nif a:\r\n    b  \n\n\nc\n") == "if a:\n    b\n\n\nc"
    assert clean_code("a\x01\tb\x7f") == "a\tb"


@given(st.text(max_size=200))
def test_a_clean_text_is_clean(raw: str) -> None:
    once = clean_inline(raw)
    assert not any((c < " " and c not in f"\n{BREAK}") or c == "\x7f" for c in once)
    assert clean_inline(once.replace("\n", BREAK)) == once
    assert unicodedata.is_normalized("NFC", once)
    assert not any(line != line.strip() for line in once.split("\n"))


def test_marks_without_end_are_cut_where_they_would_have_to_be_sorted():
    start = time.process_time()
    for clean in (clean_inline, clean_code):
        assert len(clean("a" + "\u0301\u0327" * 200_000)) <= 31
    assert time.process_time() - start < 3
