"""Measures over some nodes, from the nodes' own: the same as if their text had been measured."""

from __future__ import annotations

from dataclasses import asdict, fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.text import word_lists
from filters.text.fields import DocumentMeasures
from filters.text.measures import measure_document
from filters.text.rules import DocumentRules
from filters.text.surviving import SUMS, from_nodes, no_sums, sums_only

LISTS = word_lists.build({"en": ["the", "and"]}, {"en": word_lists.entries(["darn"])}, ["share"])
WORDS = st.sampled_from(
    ["the", "cat", "and", "darn", "Share", "12", "don't", "x.", "?", "http://a.org", "\U0001f600", "\n"]
)
TEXTS = st.lists(st.lists(WORDS, max_size=30).map(" ".join), max_size=6)


@given(TEXTS, st.data())
def test_sums_over_some_nodes_are_those_of_their_text(texts, data):
    kept = [data.draw(st.booleans()) for _ in texts]
    whole, nodes = measure_document(texts, "en", LISTS)
    left = [text for text, keep in zip(texts, kept, strict=True) if keep]
    again, of_left = measure_document(left, "en", LISTS)
    if any(node.punctuation >= 1 and node.num_words == 0 for node in of_left):
        return  # how many marks a node of marks alone has is not stored
    found = from_nodes(whole, [node for node, keep in zip(nodes, kept, strict=True) if keep])
    for name in SUMS:
        assert getattr(found, name) == pytest.approx(getattr(again, name), abs=2e-6), name
    others = {f.name for f in fields(DocumentMeasures)} - SUMS
    assert {name: asdict(found)[name] for name in others} == {name: asdict(whole)[name] for name in others}


def test_a_measure_without_a_list_stays_without():
    whole, nodes = measure_document(["One two three", "four"], "xx", LISTS)
    assert from_nodes(whole, nodes[:1]).stop_words is None
    assert from_nodes(whole, nodes[:1]).num_words == 3


def test_bounds_on_what_is_no_sum_are_named_and_can_be_taken_off():
    rules = DocumentRules(min_words=5, max_top_2gram=0.2, or_mean_node_words=3.0, max_link_density=0.5)
    assert no_sums(rules) == ["max_top_2gram"]
    assert sums_only(rules) == DocumentRules(min_words=5, or_mean_node_words=3.0, max_link_density=0.5)
    assert no_sums(DocumentRules()) == []
