"""What a word is, and that its hash is the same wherever it stands."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.text import words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Hello, World!", ["hello", "world"]),
        ("don't and/or state-of-the-art", ["don't", "and/or", "state-of-the-art"]),
        ("(«quoted») ... — 2024", ["quoted", "2024"]),
        ("price: $5.00, #tag @name", ["price", "5.00", "tag", "name"]),
        ("a\tb\nc\u00a0d\u3000e\u200bf", ["a", "b", "c", "d", "e", "f"]),
        ("Été ŒUVRE ΣΊΣΥΦΟΣ", ["été", "œuvre", "σίσυφος"[:-1] + "ς"]),
        ("", []),
        ("... !!! ---", []),
        ("हिन्दी में", ["हिन्दी", "में"]),
        ("한국어 문장입니다.", ["한국어", "문장입니다"]),
        ("שלום, עולם", ["שלום", "עולם"]),
    ],
)
def test_a_word_is_what_stands_between_white_space_without_marks_around_it(text, expected):
    assert words.split(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("中文测试文本", ["中文", "测试", "文本"]),
        ("中文测,试文本。", ["中文", "测", "试文", "本"]),
        ("使用Python编程2024年", ["使用", "python", "编程", "2024", "年"]),
        ("ひらがなカタカナ漢字", ["ひらが", "な", "カタカナ", "漢字"]),
        ("สวัสดี", ["สวัสด", "ี"]),
    ],
)
def test_scripts_without_spaces_are_cut_into_units(text, expected):
    assert words.split(text) == expected


def test_a_chinese_page_has_about_as_many_words_as_its_translation():
    chinese = "联合国大会于一九四八年十二月十日通过了世界人权宣言,这是人类历史上的一座里程碑。"
    english = (
        "On 10 December 1948 the General Assembly of the United Nations adopted the Universal Declaration of Human"
        " Rights, a milestone in the history of mankind."
    )
    assert len(words.split(chinese)) == pytest.approx(len(words.split(english)), rel=0.25)


@given(st.text(max_size=60), st.text(max_size=60))
def test_a_hash_depends_on_the_word_alone(before, after):
    text = f"{before} Strawberry {after}"
    want = words.word_hashes(["strawberry"])[0]
    assert want in words.lay_out([text]).word_hashes


@given(st.lists(st.text(max_size=30), min_size=1, max_size=8))
def test_texts_laid_out_together_have_the_words_they_have_alone(texts):
    together = words.lay_out(texts)
    for number, text in enumerate(texts):
        alone = words.lay_out([text]).word_hashes
        assert np.array_equal(together.word_hashes[together.text_of_word == number], alone)


@given(st.text(max_size=200))
def test_words_come_back_as_themselves(text):
    assert words.split(" ".join(words.split(text))) is not None
    found = words.lay_out([text])
    assert (found.word_ends > found.word_starts).all()
    assert (found.word_starts[1:] >= found.word_ends[:-1]).all()


def test_words_of_another_segmenter_are_taken_as_they_are():
    found = words.lay_out(["我们是朋友, ok", "x y"], [["我们", "是", "朋友", ",", "ok", "nowhere"], ["y"]])
    assert np.array_equal(found.word_hashes, words.word_hashes(["我们", "是", "朋友", ",", "ok", "y"]))
    assert found.word_alpha.tolist() == [True, True, True, False, True, True]
    assert found.text_of_word.tolist() == [0, 0, 0, 0, 0, 1]


def test_hashes_are_fixed_for_ever():
    assert [hex(value) for value in words.word_hashes(["weft", "日本"]).tolist()] == FIXED


FIXED = ["0x988c0a0c411d84be", "0x80b99dc99cfb3ce1"]


def test_lone_surrogates_and_nulls_are_characters():
    assert words.lay_out(["a\ud800b \x00 c"]).word_hashes.size == 2
