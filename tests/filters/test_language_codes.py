"""Codes of GlotLID and OpenLID come out as lid.176 has them."""

from __future__ import annotations

import pytest

from filters.language_codes import _SHORT, short_code


@pytest.mark.parametrize(
    ("code", "short"),
    [
        ("eng", "en"),
        ("arb", "ar"),
        ("cmn", "zh"),
        ("zsm", "ms"),
        ("nob", "no"),
        ("ceb", "ceb"),
        ("de", "de"),
        ("iw", "he"),
    ],
)
def test_a_code_is_shortened_where_there_is_a_shorter_one(code, short):
    assert short_code(code) == short


def test_codes_have_the_lengths_of_their_standards():
    assert all(len(short) == 2 or short in ("uzn", "tmh") for short in _SHORT.values())
    assert all(short_code(short) == short for short in _SHORT.values() if len(short) == 2 and short not in _SHORT)


def test_all_two_letter_languages_are_reached():
    assert len(set(_SHORT.values())) > 180
