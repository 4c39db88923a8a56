"""Kinds of characters, against the Unicode database and by example."""

from __future__ import annotations

import unicodedata

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.text import characters as ch


@given(st.characters(codec="utf-8"))
def test_kinds_follow_the_unicode_category(char):
    kind = ch.kinds()[ord(char)]
    category = unicodedata.category(char)
    if ord(char) >= 0x33480 and not 0xE0100 <= ord(char) < 0xE01F0:
        assert kind & ch.SPECIAL  # planes without letters
        return
    assert bool(kind & ch.ALPHA) == (category[0] == "L")
    assert bool(kind & ch.WORD) == (category[0] in "LMN")
    assert bool(kind & ch.SPECIAL) == (category[0] not in "LM")
    if char not in "\u200b\u0f0b":
        assert bool(kind & ch.SPACE) == (char.isspace() and category[0] not in "LMN")


@pytest.mark.parametrize(
    ("chars", "kind"),
    [
        (" \n\t\u00a0\u3000\u200b\u2028", ch.SPACE),
        (",;:?!.，。؟।", ch.PUNCTUATION),
        (".?!。؟।！", ch.TERMINAL),
        ("\"'”’»", ch.QUOTE),
        ("\U0001f600☀", ch.EMOJI),
        ("0٣Ⅷ½", ch.DIGIT),
        ("AÉΩЖ", ch.UPPER),
    ],
)
def test_characters_of_a_kind_are_marked(chars, kind):
    assert all(ch.kinds()[ord(char)] & kind for char in chars)


@pytest.mark.parametrize(
    ("chars", "script"),
    [("中々𠀀", 1), ("あん", 2), ("アーｱ", 3), ("กี", 4), ("ຄ", 5), ("ក", 6), ("မ", 7), ("aя한अ,", 0)],
)
def test_scripts_without_spaces_are_told_apart(chars, script):
    assert {int(ch.kinds()[ord(char)]) >> ch.SCRIPT_SHIFT for char in chars} == {script}


def test_lower_case_is_the_first_code_point_of_pythons():
    assert "".join(map(chr, ch.lower()[ch.code_points("ÀΩЖİA1")])) == "àωжia1"


def test_mixing_is_one_to_one_on_a_sample():
    sample = np.arange(100_000, dtype=np.uint64)
    assert np.unique(ch.mix(sample)).size == sample.size


@given(
    st.lists(st.sampled_from(["a", "é", "\u0301", "\u0327", "\uff9e", "\U0001d165", " "]), max_size=150).map("".join)
)
def test_of_marks_in_a_row_thirty_stay_and_all_else_stays(text):
    kept, run = [], 0
    for char in text:
        run = run + 1 if char in "\u0301\u0327\uff9e\U0001d165" else 0
        kept += [char] if run <= ch.MAX_MARKS else []
    assert ch.bound_marks(text) == "".join(kept)


def test_marks_are_looked_for_wherever_they_are():
    marks = {code for code in range(ch.SIZE) if unicodedata.combining(unicodedata.normalize("NFKD", chr(code))[0])}
    assert set(np.flatnonzero(ch._marks()).tolist()) == marks
    assert all(ch._MAY_BE_MARK.search(chr(code)) for code in marks)


def test_surrogates_stay_where_marks_are_bounded():
    text = "\ud800" + "\u0301" * 31 + "\udc00"
    assert ch.bound_marks(text) == "\ud800" + "\u0301" * 30 + "\udc00"
