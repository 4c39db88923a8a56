from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from demo.prose import Prose
from demo.words.vocabulary import LANGUAGES


@given(st.sampled_from(LANGUAGES), st.integers(0, 10**6))
@settings(max_examples=40)
def test_no_sentence_comes_twice_while_there_are_others(language: str, key: int) -> None:
    prose = Prose(language, key)
    themes = [prose.theme(4) for _ in range(9)]
    assert len(set(themes)) == 9
    assert not any("{" in theme for theme in themes)


def test_the_same_key_gives_the_same_text_and_another_key_another() -> None:
    texts = [Prose("en", key).paragraph("opening", "people", "work") for key in (1, 1, 2)]
    assert texts[0] == texts[1] != texts[2]


def test_a_variant_changes_few_sentences() -> None:
    plain, variant = Prose("en", 7), Prose("en", 7, variant=5)
    pairs = [(plain.line(section), variant.line(section)) for section in ("work", "people", "history") * 6]
    assert 1 <= sum(a != b for a, b in pairs) <= 3


def test_a_section_that_is_used_up_is_skipped_in_paragraphs_and_starts_again_in_lines() -> None:
    prose = Prose("en", 1)
    count = len(prose.words.lines["quotes"])
    lines = [prose.line("quotes") for _ in range(count)]
    assert len(set(lines)) == count
    assert not prose.can("quotes")
    assert prose.paragraph("quotes") == ""
    assert prose.line("quotes") in lines


@pytest.mark.parametrize(("language", "joint"), [("en", " "), ("zh", "")])
def test_sentences_are_joined_as_the_language_does(language: str, joint: str) -> None:
    assert Prose(language, 1).join(["a", "b"]) == f"a{joint}b"


def test_names_are_the_same_throughout_and_russian_numbers_fit_their_nouns() -> None:
    prose = Prose("ru", 3)
    assert prose.said("{woman} {town}") == f"{prose.fixed['woman']} {prose.fixed['town']}"
    numbers = {int(prose.said("{n}")) for _ in range(300)}
    assert all(n % 10 in (0, 5, 6, 7, 8, 9) or 11 <= n <= 14 for n in numbers)
