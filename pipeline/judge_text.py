"""Stage judge_text: thresholds over measures, nodes first, then the document, which is judged as it was extracted."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from filters import language
from filters.text.rule_sets import RuleSet, document_rules
from filters.text.rules import DocumentRules, judge_document, judge_node
from pipeline.draft import BatchStage, Draft
from schemas.reasons import DocumentReason


def stage(languages: language.Config, rules: RuleSet) -> BatchStage:
    """Judging under a recipe."""

    @cache
    def of(name: str) -> DocumentRules:
        return document_rules(rules, name)

    def judge(draft: Draft) -> DocumentReason | None:
        name, score = draft.language or language.UNKNOWN, draft.language_score or 0.0
        reason = language.judge(name, score, languages)
        if reason is None and draft.measures is not None:
            reason = judge_document(draft.measures, of(name))
        if reason is None and all(facts.drop_reason for facts in draft.texts):
            reason = DocumentReason.NO_TEXT
        return reason

    def run(drafts: Sequence[Draft]) -> None:
        for draft in drafts:
            if draft.drop_reason is None:
                for facts in draft.texts:
                    facts.drop_reason = judge_node(facts.measures, rules.node)
                draft.drop_reason = judge(draft)

    return run
