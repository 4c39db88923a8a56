"""Each repetition measure against the plain Python of its definition."""

from __future__ import annotations

import math
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.text import word_lists
from filters.text.measures import measure_document
from filters.text.repetition import CHARACTERS, DUPLICATE, TOP, WORDS
from filters.text.words import GAP, split

LISTS = word_lists.build({}, {})
TEXTS = st.lists(
    st.lists(st.sampled_from(["a", "bb", "the", "dog.", "Dog", "-", "x\n"]), max_size=40).map(" ".join), max_size=6
)


def grams(items, n):
    return [tuple(items[i : i + n]) for i in range(len(items) - n + 1)]


def bloom_characters(text):
    counts = Counter(grams(text.lower(), CHARACTERS))
    if not counts:
        return 0.0
    repeated = sum(1 for count in counts.values() if count > 1)
    top = sorted(counts.values(), reverse=True)[: min(math.isqrt(len(counts)), repeated)]
    return sum(top) / sum(counts.values())


def bloom_words(words):
    counts = Counter(grams(words, WORDS))
    return sum(c for c in counts.values() if c > 1) / sum(counts.values()) if counts else 0.0


def gopher_top(words, n, length):
    found = Counter(" ".join(gram) for gram in grams(words, n)).most_common(1)
    return len(found[0][0]) * found[0][1] / length if found else 0.0


def gopher_duplicate(words, n, length):
    seen, chars, at = set(), 0, 0
    while at < len(words) - n + 1:
        gram = tuple(words[at : at + n])
        if gram in seen:
            chars += len("".join(gram))
            at += n
        else:
            seen.add(gram)
            at += 1
    return chars / length if length else 0.0


@given(TEXTS)
def test_repetition_is_what_the_definitions_say(texts):
    document, nodes = measure_document(texts, "xx", LISTS)
    for text, node in zip(texts, nodes, strict=True):
        assert node.character_repetition == pytest.approx(bloom_characters(text), abs=1e-6)
        assert node.word_repetition == pytest.approx(bloom_words(split(text)), abs=1e-6)
    whole = GAP.join(texts)
    words = split(whole)
    assert document.character_repetition == pytest.approx(bloom_characters(whole), abs=1e-6)
    assert document.word_repetition == pytest.approx(bloom_words(words), abs=1e-6)
    for n in TOP:
        assert getattr(document, f"top_{n}gram") == pytest.approx(gopher_top(words, n, len(whole)), abs=1e-6)
    for n in DUPLICATE:
        expected = gopher_duplicate(words, n, len(whole))
        assert getattr(document, f"duplicate_{n}grams") == pytest.approx(expected, abs=1e-6)


def test_a_text_of_different_words_does_not_repeat():
    document, nodes = measure_document(["one two three four five six seven eight nine ten eleven"], "xx", LISTS)
    assert nodes[0].word_repetition == 0
    assert document.duplicate_5grams == 0
    assert document.character_repetition == 0


def test_one_sentence_twice_repeats_wholly_in_words():
    sentence = "one two three four five six"
    document, nodes = measure_document([sentence, sentence], "xx", LISTS)
    assert document.word_repetition == pytest.approx(4 / 8)  # two 5-grams, each twice, of eight
    assert [node.word_repetition for node in nodes] == [0, 0]


def test_repeats_do_not_cross_documents():
    from filters.text.measures import measure_batch

    text = "alpha beta gamma delta epsilon zeta eta theta"
    both = measure_batch([[text], [text]], ["xx", "xx"], LISTS)
    assert both.documents["word_repetition"].tolist() == [0, 0]
    assert both.documents["duplicate_lines"].tolist() == [0, 0]


@pytest.mark.parametrize("text", ["a" * 50_000, "ab " * 20_000, "\n" * 1_000, "   ", ""])
def test_a_text_of_one_thing_is_measured(text):
    document, nodes = measure_document([text], "xx", LISTS)
    assert document.num_chars == len(text)
    assert 0 <= nodes[0].character_repetition <= 1
