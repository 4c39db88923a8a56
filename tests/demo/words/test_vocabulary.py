from __future__ import annotations

import pytest

from demo.pictures.scene import COLOURS, LAYOUTS, PATTERNS, PLACES, THINGS, TIMES
from demo.words.vocabulary import LANGUAGES, fill, parts, vocabulary


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_language_has_a_word_for_everything_that_can_be_drawn(language: str) -> None:
    words = vocabulary(language)
    assert set(words.tables["nouns"]) == {*THINGS, "bar", "slice"}
    assert set(words.tables["colours"]) == set(COLOURS)
    assert set(words.tables["layouts"]) == {*LAYOUTS, "alone"}
    assert set(words.tables["patterns"]) == set(PATTERNS)
    assert set(words.tables["places"]) == set(PLACES)
    assert set(words.tables["times"]) == set(TIMES)
    assert len(words.row("numbers")) == 9


@pytest.mark.parametrize("language", LANGUAGES)
def test_all_languages_have_the_sections_of_english_and_as_many_sentences(language: str) -> None:
    english, words = vocabulary("en"), vocabulary(language)
    assert set(english.lines) <= set(words.lines)
    for section in ("opening", "work", "people", "closing", "describe", "captions", "posts", "steps"):
        assert len(words.lines[section]) == len(english.lines[section])
    assert set(words.tables["chrome"]) == set(english.tables["chrome"])


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_sentence_stands_twice_in_a_language(language: str) -> None:
    sentences = [line for lines in vocabulary(language).lines.values() for line in lines if len(line) > 40]
    assert len(sentences) == len(set(sentences))


@pytest.mark.parametrize("language", LANGUAGES)
def test_signs_can_be_written_in_the_font_of_the_pictures(language: str) -> None:
    assert all(word.isascii() for word in vocabulary(language).lines["signs"])


def test_slots_are_filled_and_a_missing_one_is_an_error() -> None:
    assert parts("a {b} c") == ("a ", "b", " c")
    assert fill("a {b} c{d}", {"b": "1", "d": "2"}) == "a 1 c2"
    assert fill("no slot", {}) == "no slot"
    with pytest.raises(KeyError):
        fill("{x}", {})
