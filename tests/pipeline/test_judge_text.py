"""Stage judge_text: nodes first, then the page as it was extracted."""

from __future__ import annotations

from dataclasses import replace

import pytest

from filters import decontaminate, language, minhash
from filters.text import word_lists
from filters.text.rule_sets import Config, RuleSet
from filters.text.rules import DocumentRules, NodeRules
from pipeline import judge_text, measure_text
from pipeline.draft import Draft
from pipeline.judge_text import Judge, judge_of
from schemas.reasons import DocumentReason, NodeReason

FIVE, TWO = "One two three four five", "One two"


@pytest.fixture
def judged(tea, document_of):
    measure = measure_text.stage(minhash.Config(), word_lists.load())

    def run(*texts, name="en", score=0.9, node=None, document=None, languages=None, of_language=None, **more):
        draft = Draft(page=tea, warc_filename="a", document=document_of(*texts), language=name, language_score=score)
        measure([draft])
        rules = RuleSet(node=node or NodeRules(), document=document or DocumentRules(), of_language=of_language or {})
        draft.contaminated_runs = more.pop("contaminated_runs", None)
        judge = more.pop("judge", None) or Judge(languages or language.Config(), rules, **more)
        judge_text.stage(judge)([draft])
        return draft

    return run


@pytest.mark.parametrize(("bound", "reason"), [(5, None), (6, NodeReason.TOO_FEW_WORDS)])
def test_a_node_at_the_bound_stays(judged, bound, reason):
    draft = judged(FIVE, FIVE + " six", node=NodeRules(min_words=bound))
    assert [facts.drop_reason for facts in draft.texts] == [reason, None]
    assert draft.drop_reason is None


def test_a_page_that_loses_every_node_has_no_text(judged):
    assert judged(TWO, TWO, node=NodeRules(min_words=3)).drop_reason == DocumentReason.NO_TEXT


@pytest.mark.parametrize(("bound", "reason"), [(7, None), (8, DocumentReason.TOO_FEW_WORDS)])
def test_the_page_is_judged_as_extracted_with_the_nodes_that_were_dropped(judged, bound, reason):
    draft = judged(FIVE, TWO, node=NodeRules(min_words=3), document=DocumentRules(min_words=bound))
    assert draft.drop_reason == reason


@pytest.mark.parametrize(("score", "reason"), [(0.65, None), (0.6499, DocumentReason.LANGUAGE_SCORE)])
def test_language_comes_before_text(judged, score, reason):
    assert judged(FIVE, score=score).drop_reason == reason
    only_german = language.Config(languages=("de",))
    bounds = DocumentRules(min_words=100)
    assert judged(FIVE, languages=only_german, document=bounds).drop_reason == DocumentReason.LANGUAGE


def test_a_language_can_have_bounds_of_its_own(judged):
    rules = {"document": DocumentRules(min_words=6), "of_language": {"de": {"min_words": 5}}}
    assert judged(FIVE, name="de", **rules).drop_reason is None
    assert judged(FIVE, name="en", **rules).drop_reason == DocumentReason.TOO_FEW_WORDS


def test_a_page_that_was_dropped_before_is_left_alone(tea):
    draft = Draft(page=tea, warc_filename="a", drop_reason=DocumentReason.CRASHED)
    judge_text.stage(Judge(language.Config(), RuleSet(node=NodeRules(), document=DocumentRules())))([draft])
    assert draft.drop_reason == DocumentReason.CRASHED


@pytest.mark.parametrize(("bound", "reason"), [(5, None), (6, DocumentReason.TOO_FEW_WORDS)])
def test_a_recipe_can_want_the_page_judged_over_the_nodes_that_are_left(judged, bound, reason):
    rules = {"node": NodeRules(min_words=3), "document": DocumentRules(min_words=bound)}
    assert judged(FIVE, TWO, surviving=True, **rules).drop_reason == reason
    assert judged(FIVE, TWO, **rules).drop_reason is None


def test_what_is_no_sum_is_measured_again_over_the_nodes_that_are_left(judged):
    lists = word_lists.load()
    text = Config(rules="none", node={"min_words": 3}, document={"max_duplicate_paragraphs": 0.4})
    surviving = replace(text, judge_over="surviving")
    for config, reason in ((text, None), (surviving, DocumentReason.DUPLICATE_PARAGRAPHS)):
        judge = judge_of(language.Config(), config, decontaminate.Config(), lists)
        # One of two nodes that are left stood before; of the five as extracted one did.
        assert judged(FIVE, FIVE, "a", "b", "c", judge=judge).drop_reason == reason
        assert judge.measured_again == (config is surviving)


@pytest.mark.parametrize(("runs", "reason"), [(None, None), (1, None), (2, DocumentReason.CONTAMINATED)])
def test_more_runs_of_evaluation_sets_than_the_bound_drop_a_page(judged, runs, reason):
    assert judged(FIVE, contaminated_runs=runs, max_runs=1).drop_reason == reason
