"""Stage judge_text: thresholds over measures, nodes first, then the document; the same for stored rows.

A document is judged as it was extracted, or over the nodes that the node rules left (`text.judge_over`): from the sums
that the nodes' measures hold where the bounds in use are such, else its text is measured again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from filters import decontaminate, language
from filters.text.fields import DocumentMeasures, NodeMeasures
from filters.text.measures import measure_document
from filters.text.models import Models
from filters.text.rule_sets import Config, RuleSet, document_rules
from filters.text.rules import DocumentRules, judge_document, judge_node
from filters.text.surviving import from_nodes, no_sums
from filters.text.word_lists import Lists
from pipeline.draft import BatchStage, Draft
from schemas.reasons import DocumentReason, NodeReason

Measure = Callable[[Sequence[str], "str | None"], DocumentMeasures]
"""Document measures of texts in a language."""


@dataclass(slots=True)
class Judged:
    """What is known of a page when its text is judged; `texts` gives its text nodes, and may cost a read."""

    language: str | None
    score: float | None
    measures: DocumentMeasures
    nodes: Sequence[NodeMeasures]
    texts: Callable[[], Sequence[str]]
    contaminated_runs: int | None = None


@dataclass(slots=True)
class Judge:
    """The thresholds of a recipe."""

    languages: language.Config
    rules: RuleSet
    surviving: bool = False
    max_runs: int = 0
    measure: Measure | None = None
    """Where given, measures that are no sums are taken again over the nodes that are left."""
    measured_again: int = field(default=0, init=False)
    """Documents whose text was needed."""
    _bounds: dict[str, DocumentRules] = field(default_factory=dict, init=False)

    def page(self, page: Judged) -> tuple[DocumentReason | None, list[NodeReason | None]]:
        """Why the page is dropped, and why each of its text nodes is; None = kept."""
        nodes = [judge_node(measures, self.rules.node) for measures in page.nodes]
        return self._document(page, nodes), nodes

    def _document(self, page: Judged, nodes: Sequence[NodeReason | None]) -> DocumentReason | None:
        name = page.language or language.UNKNOWN
        reason = language.judge(name, page.score or 0.0, self.languages)
        if reason is None and self.surviving and nodes and all(nodes):
            return DocumentReason.NO_TEXT
        if reason is None:
            bounds = self._bounds_of(name)
            reason = judge_document(self._measures(page, nodes, bounds), bounds)
        if reason is None and all(nodes):
            reason = DocumentReason.NO_TEXT
        if reason is None and (page.contaminated_runs or 0) > self.max_runs:
            reason = DocumentReason.CONTAMINATED
        return reason

    def _bounds_of(self, name: str) -> DocumentRules:
        if name not in self._bounds:
            self._bounds[name] = document_rules(self.rules, name)
        return self._bounds[name]

    def _measures(self, page: Judged, nodes: Sequence[NodeReason | None], bounds: DocumentRules) -> DocumentMeasures:
        if not (self.surviving and any(nodes)):
            return page.measures
        if self.measure is not None and no_sums(bounds):
            self.measured_again += 1
            left = [text for text, reason in zip(page.texts(), nodes, strict=True) if reason is None]
            again = self.measure(left, page.language)
            again.link_density = page.measures.link_density
            return again
        return from_nodes(page.measures, [m for m, reason in zip(page.nodes, nodes, strict=True) if reason is None])


def judge_of(
    languages: language.Config,
    text: Config,
    evaluation: decontaminate.Config,
    lists: Lists,
    models: Models | None = None,
) -> Judge:
    """The judge of a recipe's sections."""

    def measure(texts: Sequence[str], name: str | None) -> DocumentMeasures:
        return measure_document(texts, name, lists, models)[0]

    surviving = text.judge_over == "surviving"
    return Judge(languages, text.resolve(), surviving, evaluation.max_runs, measure)


def stage(judge: Judge) -> BatchStage:
    """Judging under a recipe."""

    def run(drafts: Sequence[Draft]) -> None:
        for draft in drafts:
            if draft.drop_reason is None and draft.measures is not None:
                known = Judged(
                    language=draft.language,
                    score=draft.language_score,
                    measures=draft.measures,
                    nodes=[facts.measures for facts in draft.texts],
                    texts=draft.node_texts,
                    contaminated_runs=draft.contaminated_runs,
                )
                draft.drop_reason, reasons = judge.page(known)
                for facts, reason in zip(draft.texts, reasons, strict=True):
                    facts.drop_reason = reason

    return run
