"""Measures at their edges, and against counts by plain Python."""

from __future__ import annotations

import math
import string
import unicodedata
from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filters.text import measures, word_lists, words
from filters.text.measures import measure_batch, measure_document

LISTS = word_lists.build({"en": ["the", "and"]}, {"en": word_lists.entries(["darn", "holy cow"])}, ["share"])


def node(text, language="en"):
    return measure_document([text], language, LISTS)[1][0]


def document(*texts, language="en"):
    return measure_document(texts, language, LISTS)[0]


def test_the_simple_shares_of_a_node():
    found = node("The CAT and 12 dogs! \U0001f600")
    assert found.num_chars == 22
    assert found.num_words == 5
    assert found.mean_word_length == pytest.approx((3 + 3 + 3 + 2 + 4) / 5)
    assert found.special_characters == pytest.approx((5 + 2 + 1 + 1) / 22, abs=1e-6)
    assert found.digits == pytest.approx(2 / 22, abs=1e-6)
    assert found.emoji == pytest.approx(1 / 22, abs=1e-6)
    assert found.upper_case == pytest.approx(4 / 13, abs=1e-6)
    assert found.punctuation == pytest.approx(1 / 6, abs=1e-6)
    assert found.stop_words == pytest.approx(2 / 5)
    assert found.terminal_punctuation is False


def test_an_empty_text_measures_nothing_and_fails_nowhere():
    found = node("")
    assert (found.num_chars, found.num_words, found.mean_word_length, found.punctuation) == (0, 0, 0, 0)
    assert found.stop_words == 0
    assert document().num_nodes == 0
    assert measure_batch([], [], LISTS).counts.size == 0


def test_flagged_words_and_phrases_are_counted_once_each():
    assert node("darn, Holy Cow! cow holy").flagged_words == pytest.approx(2 / 5)


def test_flagged_words_inside_other_words_are_not_counted():
    assert node("darning darnel holy cowl").flagged_words == 0


def test_a_language_without_lists_is_not_measured():
    found = document("the text", language="xx")
    assert found.stop_words is None
    assert found.flagged_words is None
    assert found.gopher_stop_words is None
    assert LISTS.missing("xx") == ["stop_words", "flagged_words"]
    assert LISTS.missing("en") == []


def test_each_document_is_looked_up_in_its_own_language():
    found = measure_batch([["the and"], ["the and"], ["the and"]], ["en", None, "en"], LISTS)
    assert found.documents["stop_words"][[0, 2]].tolist() == [1, 1]
    assert np.isnan(found.documents["stop_words"][1])


def test_gopher_stop_words_are_counted_once_each():
    assert document("the the THE with", "have").gopher_stop_words == 3
    assert document("The Who, THE BE", "To").gopher_stop_words == 0  # datatrove's: small letters only


def test_the_longest_and_the_mean_node():
    found = document("one two three", "", "one")
    assert found.max_node_words == 3
    assert found.mean_node_words == pytest.approx(4 / 3, abs=1e-6)


def test_ratios_add_up_from_nodes_to_documents():
    texts = ["The first text, here it is.", "And the SECOND 22 one!", "", "share it"]
    whole, nodes = measure_document(texts, "en", LISTS)
    assert whole.num_words == sum(n.num_words for n in nodes)
    assert whole.num_chars == sum(n.num_chars for n in nodes)
    for name, weight in (("special_characters", "num_chars"), ("stop_words", "num_words"), ("spam_words", "num_words")):
        total = sum(getattr(n, name) * getattr(n, weight) for n in nodes)
        assert getattr(whole, name) == pytest.approx(total / getattr(whole, weight), abs=1e-5)


@given(st.lists(st.text(max_size=80), max_size=6))
def test_shares_are_shares_and_counts_are_counts(texts):
    whole, nodes = measure_document(texts, "en", LISTS)
    assert len(nodes) == len(texts)
    for found in (whole, *nodes):
        for item in fields(found):
            value = getattr(found, item.name)
            if item.name in ("perplexity", "quality", "link_density"):
                assert value is None  # no models are given, and the text alone does not say what is a link
                continue
            assert value is not None
            assert math.isfinite(value)
            assert value >= 0
    for text, found in zip(texts, nodes, strict=True):
        special = sum(unicodedata.category(char)[0] not in "LM" for char in text)
        assert found.special_characters == pytest.approx(special / len(text) if text else 0, abs=1e-6)
        assert found.num_words == len(words.split(text))


@pytest.mark.parametrize(
    ("text", "share"),
    [
        ("see https://a.org/b now", 15 / 23),
        ("www.a.org", 1.0),
        ("WWW.A.ORG and HTTP://B.ORG", 21 / 26),
        ("http: //a, awww.b and b.org", 0.0),
        ("no address", 0.0),
    ],
)
def test_web_addresses_that_stand_as_text(text, share):
    assert node(text).urls == pytest.approx(share, abs=1e-6)
    assert document(text).urls == node(text).urls


@given(st.lists(st.lists(st.text(alphabet=string.printable, max_size=50), max_size=4), min_size=1, max_size=5))
@settings(max_examples=40)
def test_a_batch_measures_as_its_documents_alone(documents):
    together = list(measure_batch(documents, ["en"] * len(documents), LISTS).rows())
    assert together == [measure_document(texts, "en", LISTS) for texts in documents]


def test_words_of_each_document_come_with_its_measures():
    found = measure_batch([["one two", "three"], [], ["one"]], ["en"] * 3, LISTS).words
    assert [hashes.tolist() for hashes in found] == [
        words.word_hashes(["one", "two", "three"]).tolist(),
        [],
        words.word_hashes(["one"]).tolist(),
    ]


def test_long_batches_are_cut_and_put_together(monkeypatch):
    documents = [["the dog barks at night. " * 3, "and so on"], [], ["x"]] * 5
    whole = list(measure_batch(documents, ["en"] * 15, LISTS).rows())
    monkeypatch.setattr(measures, "BATCH_CHARS", 50)
    assert list(measure_batch(documents, ["en"] * 15, LISTS).rows()) == whole


def test_of_an_enormous_text_a_part_is_measured_and_its_length_is_true(monkeypatch):
    monkeypatch.setattr(measures, "MAX_CHARS", 1_000)
    found = node("word " * 1_000)
    assert found.num_chars == 5_000
    assert found.num_words == 200


def test_fifty_megabytes_in_one_node_cost_what_their_first_part_costs():
    before = document("word " * 200_000)
    found = document("word " * 10_000_000)
    assert found.num_chars == 50_000_000
    assert (found.num_words, found.character_repetition) == (before.num_words, before.character_repetition)


@pytest.mark.parametrize(
    "text", ["\x00\x01\x02\xff" * 50, "\ud800\udfff" * 20, "مرحبا بالعالم. هذا نص.", "\u202eabc\u202c"]
)
def test_binary_surrogates_and_right_to_left_are_measured(text):
    found = node(text)
    assert found.num_chars == len(text)
    assert 0 <= found.special_characters <= 1
