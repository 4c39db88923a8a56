"""Bounds are inclusive, reasons come in the order of the enum, what was not measured never drops."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.text import rules, word_lists
from filters.text.measures import measure_document
from filters.text.rules import DocumentRules, NodeRules, judge_document, judge_node
from schemas.errors import ConfigError
from schemas.reasons import DocumentReason, NodeReason

DOCUMENT, NODES = measure_document(["One plain sentence, of which nothing is wrong."], "xx", word_lists.build({}, {}))
NODE = NODES[0]
NODE_BOUNDS = [b for b in rules._NODE if b != "min_terminal_punctuation"]


@pytest.mark.parametrize("bound", NODE_BOUNDS)
def test_each_bound_on_a_node_is_inclusive(bound):
    measures = replace(NODE, **{rules._measure(bound): 5})
    beyond = {"min_": 4, "max_": 6}[bound[:4]]
    held = NodeRules(**{bound: 5})
    assert judge_node(measures, held) is None
    assert judge_node(replace(NODE, **{rules._measure(bound): beyond}), held) == rules._NODE[bound]


@pytest.mark.parametrize("bound", rules._DOCUMENT)
def test_each_bound_on_a_document_is_inclusive(bound):
    beyond = {"min_": 4, "max_": 6}[bound[:4]]
    held = DocumentRules(**{bound: 5})
    assert judge_document(replace(DOCUMENT, **{rules._measure(bound): 5}), held) is None
    broken = replace(DOCUMENT, **{rules._measure(bound): beyond})
    assert judge_document(broken, held) == rules._DOCUMENT[bound]
    assert rules.broken(broken, held) == [bound]


def test_every_bound_has_a_reason_and_a_measure():
    bounds = {f.name for f in fields(NodeRules)} - {"punctuation_from_words", "shares_from_words"}
    assert bounds == set(rules._NODE)
    assert {f.name for f in fields(DocumentRules)} - {"or_mean_node_words"} == set(rules._DOCUMENT)


@pytest.mark.parametrize(("table", "reasons"), [(rules._NODE, NodeReason), (rules._DOCUMENT, DocumentReason)])
def test_rules_are_tried_in_the_order_of_the_enum(table, reasons):
    order = list(reasons)
    places = [order.index(reason) for reason in table.values()]
    assert places == sorted(places)


def test_the_first_broken_rule_gives_the_reason():
    held = DocumentRules(min_words=1_000, max_special_characters=0.0)
    assert judge_document(DOCUMENT, held) == DocumentReason.TOO_FEW_WORDS


@pytest.mark.parametrize("bound", [1, 0.5, 100])
def test_what_was_not_measured_never_drops(bound):
    assert judge_node(NODE, NodeRules(min_stop_words=bound)) is None
    assert judge_document(DOCUMENT, DocumentRules(min_stop_words=bound, min_gopher_stop_words=2)) is None


def test_a_sentence_without_a_mark_is_dropped_where_c4_asks():
    held = NodeRules(min_terminal_punctuation=1)
    assert judge_node(NODE, held) is None
    assert judge_node(replace(NODE, terminal_punctuation=False), held) == NodeReason.NO_TERMINAL_PUNCTUATION


@pytest.mark.parametrize(("words", "reason"), [(11, None), (12, NodeReason.LITTLE_PUNCTUATION)])
def test_punctuation_is_asked_of_long_nodes_only(words, reason):
    held = NodeRules(min_punctuation=0.001, punctuation_from_words=12)
    assert judge_node(replace(NODE, num_words=words, punctuation=0.0), held) == reason


def test_marks_count_as_words_where_punctuation_is_asked():
    # 8 words and 4 marks are 12 tokens
    held = NodeRules(min_punctuation=0.5, punctuation_from_words=12)
    assert judge_node(replace(NODE, num_words=8, punctuation=4 / 12), held) == NodeReason.LITTLE_PUNCTUATION
    assert judge_node(replace(NODE, num_words=7, punctuation=4 / 11), held) is None


@pytest.mark.parametrize(("words", "reason"), [(3, None), (4, NodeReason.SPAM_WORDS)])
def test_shares_of_words_are_asked_of_long_nodes_only(words, reason):
    held = NodeRules(max_spam_words=0.4, shares_from_words=4)
    assert judge_node(replace(NODE, num_words=words, spam_words=1.0), held) == reason


@pytest.mark.parametrize(("mean", "reason"), [(12.0, None), (11.9, DocumentReason.SHORT_NODES)])
def test_short_nodes_are_let_off_where_the_mean_is_enough(mean, reason):
    held = DocumentRules(min_max_node_words=35, or_mean_node_words=12.0)
    assert judge_document(replace(DOCUMENT, max_node_words=34, mean_node_words=mean), held) == reason


@given(st.floats(0, 1), st.floats(0, 1))
def test_a_looser_bound_never_drops_more(a, b):
    tight, loose = sorted((a, b))
    if judge_document(DOCUMENT, DocumentRules(max_special_characters=tight)) is None:
        assert judge_document(DOCUMENT, DocumentRules(max_special_characters=loose)) is None


@pytest.mark.parametrize("bad", [{"min_words": -1}, {"min_words": 10, "max_words": 9}])
def test_bounds_that_leave_nothing_are_refused(bad):
    with pytest.raises(ConfigError):
        DocumentRules(**bad)
