"""The shipped lists, and how texts are looked up in them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.text import word_lists
from filters.text.measures import measure_document

SENTENCES = {
    "en": "The cat sat on the mat and it was not there when we came back to the house.",
    "de": "Die Katze saß auf der Matte und sie war nicht mehr da, als wir wieder in das Haus kamen.",
    "fr": "Le chat était sur le tapis et il n'était plus là quand nous sommes revenus dans la maison.",
    "es": "El gato estaba en la alfombra y ya no estaba allí cuando nosotros volvimos a la casa.",
    "ru": "Кошка была на ковре, и её уже не было там, когда мы вернулись в дом.",
    "ar": "كانت القطة على السجادة ولم تكن هناك عندما عدنا إلى البيت من هذا المكان",
    "hi": "बिल्ली चटाई पर थी और जब हम घर में वापस आए तो वह वहाँ नहीं थी",
    "tr": "Kedi halının üzerindeydi ve biz eve geri geldiğimizde o artık orada değildi ama bir şey vardı.",
}


def test_there_are_lists_for_at_least_twenty_languages():
    lists = word_lists.load()
    assert len(lists.stop.numbers) >= 45
    assert len(lists.flagged.numbers) >= 20


@pytest.mark.parametrize("language", SENTENCES)
def test_prose_has_stop_words_in_its_language_and_few_in_another(language):
    lists = word_lists.load()
    own = measure_document([SENTENCES[language]], language, lists)[1][0].stop_words
    other = measure_document([SENTENCES[language]], "fi" if language != "fi" else "en", lists)[1][0].stop_words
    assert own > 0.2
    assert other < own / 2


def test_a_menu_has_hardly_any_english_stop_words():
    menu = "Home Products Services News Contact Imprint World Sports Business Page Site Map"
    assert measure_document([menu], "en", word_lists.load())[1][0].stop_words == 0


def test_clean_prose_holds_no_flagged_words():
    text = "Essex and Middlesex grow grapefruit, therapists analyse cocktails in Scunthorpe, Pakistan and Penistone."
    assert measure_document([text], "en", word_lists.load())[1][0].flagged_words == 0


def test_a_flagged_word_is_found():
    assert measure_document(["Porn here"], "en", word_lists.load())[1][0].flagged_words == pytest.approx(0.5)


@pytest.mark.parametrize("language", sorted(word_lists.UNSPACED))
def test_languages_without_spaces_go_unmeasured(language):
    assert word_lists.load().missing(language) == ["stop_words", "flagged_words"]


def test_phrases_of_up_to_three_words_are_entries():
    found = word_lists.entries(["one", "two words", "now three words", "this has four words", "...", ""])
    assert [n for n, _ in found] == [1, 2, 3]


@given(
    st.lists(st.text(alphabet="abc", min_size=1, max_size=3), max_size=12),
    st.sets(st.text("abc", min_size=1, max_size=3)),
)
def test_counts_are_those_of_a_set(text, listed):
    lists = word_lists.build({"xx": listed}, {"xx": word_lists.entries(listed)}, listed)
    found = measure_document([" ".join(text)], "xx", lists)[1][0]
    share = sum(word in listed for word in text) / len(text) if text else 0
    assert found.stop_words == pytest.approx(share, abs=1e-6)
    assert found.flagged_words == pytest.approx(share, abs=1e-6)
    assert found.spam_words == pytest.approx(share, abs=1e-6)


@given(
    st.lists(st.integers(0, 40) | st.integers(0, 2**64 - 1)), st.lists(st.integers(0, 40) | st.integers(0, 2**64 - 1))
)
def test_a_hashed_set_contains_what_a_set_contains(listed, asked):
    found = word_lists.Hashed.of(np.array(listed, dtype=np.uint64)).contains(np.array(asked, dtype=np.uint64))
    assert found.tolist() == [value in set(listed) for value in asked]
