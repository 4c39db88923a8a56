"""Rules as data: bounds on measures, each with the reason that breaking it gives, and the two judges.

A rule set is two dataclasses of bounds, `None` = off; bounds are inclusive: `min_x` keeps >= x, `max_x` keeps <= x. A
measure that was not taken (None) never drops. The named sets stand in `filters.text.rule_sets`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from functools import lru_cache
from typing import Final, TypeVar

from filters.text.fields import DocumentMeasures, NodeMeasures
from schemas.errors import ConfigError
from schemas.reasons import DocumentReason, NodeReason


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeRules:
    """Bounds on the measures of one text node."""

    min_words: int | None = None
    max_words: int | None = None
    max_character_repetition: float | None = None
    max_word_repetition: float | None = None
    max_special_characters: float | None = None
    min_stop_words: float | None = None
    max_flagged_words: float | None = None
    min_punctuation: float | None = None
    punctuation_from_words: int = 1
    """`min_punctuation` holds for nodes of at least so many words and punctuation marks together."""
    min_terminal_punctuation: int | None = None
    """1: a node ends like a sentence."""
    max_spam_words: float | None = None
    max_urls: float | None = None
    max_perplexity: float | None = None
    shares_from_words: int = 1
    """`min_stop_words` and `max_spam_words` hold for nodes of at least so many words."""

    def __post_init__(self) -> None:
        """Check that bounds leave something."""
        _check(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentRules:
    """Bounds on the measures of a document."""

    min_words: int | None = None
    max_words: int | None = None
    min_max_node_words: int | None = None
    or_mean_node_words: float | None = None
    """`min_max_node_words` is let off from so many words a node on average."""
    min_mean_word_length: float | None = None
    max_mean_word_length: float | None = None
    max_character_repetition: float | None = None
    max_word_repetition: float | None = None
    max_special_characters: float | None = None
    min_stop_words: float | None = None
    min_gopher_stop_words: int | None = None
    max_flagged_words: float | None = None
    min_punctuation: float | None = None
    max_perplexity: float | None = None
    min_quality: float | None = None
    max_hashes: float | None = None
    max_ellipses: float | None = None
    max_bullet_lines: float | None = None
    max_ellipsis_lines: float | None = None
    min_alphabetic_words: float | None = None
    max_duplicate_lines: float | None = None
    max_duplicate_line_chars: float | None = None
    max_duplicate_paragraphs: float | None = None
    max_duplicate_paragraph_chars: float | None = None
    max_top_2gram: float | None = None
    max_top_3gram: float | None = None
    max_top_4gram: float | None = None
    max_duplicate_5grams: float | None = None
    max_duplicate_6grams: float | None = None
    max_duplicate_7grams: float | None = None
    max_duplicate_8grams: float | None = None
    max_duplicate_9grams: float | None = None
    max_duplicate_10grams: float | None = None
    max_spam_words: float | None = None
    max_urls: float | None = None
    max_link_density: float | None = None
    min_terminal_lines: float | None = None
    max_short_lines: float | None = None
    max_line_breaks: float | None = None
    max_lorem_ipsum: int | None = None
    max_curly_brackets: int | None = None
    min_c4_sentences: int | None = None

    def __post_init__(self) -> None:
        """Check that bounds leave something."""
        _check(self)


_MEASURES: Final = {"words": "num_words"}
"""Measures that a bound names otherwise; `min_x` and `max_x` bound the measure x."""

_NODE: Final = {
    "min_words": NodeReason.TOO_FEW_WORDS,
    "max_words": NodeReason.TOO_MANY_WORDS,
    "max_character_repetition": NodeReason.CHARACTER_REPETITION,
    "max_word_repetition": NodeReason.WORD_REPETITION,
    "max_special_characters": NodeReason.SPECIAL_CHARACTERS,
    "min_stop_words": NodeReason.FEW_STOP_WORDS,
    "max_flagged_words": NodeReason.FLAGGED_WORDS,
    "min_punctuation": NodeReason.LITTLE_PUNCTUATION,
    "min_terminal_punctuation": NodeReason.NO_TERMINAL_PUNCTUATION,
    "max_perplexity": NodeReason.PERPLEXITY,
    "max_spam_words": NodeReason.SPAM_WORDS,
    "max_urls": NodeReason.LINKS,
}

_SHARES: Final = frozenset({"min_stop_words", "max_spam_words"})

_DOCUMENT: Final = {
    "min_words": DocumentReason.TOO_FEW_WORDS,
    "max_words": DocumentReason.TOO_MANY_WORDS,
    "min_max_node_words": DocumentReason.SHORT_NODES,
    "min_mean_word_length": DocumentReason.SHORT_WORDS,
    "max_mean_word_length": DocumentReason.LONG_WORDS,
    "max_character_repetition": DocumentReason.CHARACTER_REPETITION,
    "max_word_repetition": DocumentReason.WORD_REPETITION,
    "max_special_characters": DocumentReason.SPECIAL_CHARACTERS,
    "min_stop_words": DocumentReason.FEW_STOP_WORDS,
    "min_gopher_stop_words": DocumentReason.FEW_STOP_WORDS,
    "max_flagged_words": DocumentReason.FLAGGED_WORDS,
    "min_punctuation": DocumentReason.LITTLE_PUNCTUATION,
    "max_perplexity": DocumentReason.PERPLEXITY,
    "min_quality": DocumentReason.LOW_QUALITY,
    "max_hashes": DocumentReason.SYMBOLS,
    "max_ellipses": DocumentReason.SYMBOLS,
    "max_bullet_lines": DocumentReason.BULLET_LINES,
    "max_ellipsis_lines": DocumentReason.ELLIPSIS_LINES,
    "min_alphabetic_words": DocumentReason.FEW_ALPHABETIC_WORDS,
    "max_duplicate_lines": DocumentReason.DUPLICATE_LINES,
    "max_duplicate_line_chars": DocumentReason.DUPLICATE_LINES,
    "max_duplicate_paragraphs": DocumentReason.DUPLICATE_PARAGRAPHS,
    "max_duplicate_paragraph_chars": DocumentReason.DUPLICATE_PARAGRAPHS,
    **{f"max_top_{n}gram": DocumentReason.TOP_NGRAM for n in (2, 3, 4)},
    **{f"max_duplicate_{n}grams": DocumentReason.DUPLICATE_NGRAMS for n in range(5, 11)},
    "max_spam_words": DocumentReason.SPAM_WORDS,
    "max_urls": DocumentReason.LINKS,
    "max_link_density": DocumentReason.LINKS,
    "min_terminal_lines": DocumentReason.FEW_TERMINAL_LINES,
    "max_short_lines": DocumentReason.SHORT_LINES,
    "max_line_breaks": DocumentReason.LINE_BREAKS,
    "max_lorem_ipsum": DocumentReason.LOREM_IPSUM,
    "max_curly_brackets": DocumentReason.CURLY_BRACKETS,
    "min_c4_sentences": DocumentReason.FEW_SENTENCES,
}
"""In the order of the enum: the first broken rule gives the reason."""

Reason = TypeVar("Reason", NodeReason, DocumentReason)
NodeJudge = Callable[[NodeMeasures], NodeReason | None]
DocumentJudge = Callable[[DocumentMeasures], DocumentReason | None]


def judge_node(measures: NodeMeasures, rules: NodeRules) -> NodeReason | None:
    """Why a text node is dropped: the reason of the first broken rule in the order of the enum; None = kept."""
    for bound, measure, limit in _in_use(rules):
        if bound == "min_punctuation" and _marks_and_words(measures) < rules.punctuation_from_words:
            continue
        if bound in _SHARES and measures.num_words < rules.shares_from_words:
            continue
        if _breaks(getattr(measures, measure), bound, limit):
            return _NODE[bound]
    return None


def judge_document(measures: DocumentMeasures, rules: DocumentRules) -> DocumentReason | None:
    """Why a document is dropped: the reason of the first broken rule in the order of the enum; None = kept."""
    return next((_DOCUMENT[bound] for bound in _broken(measures, rules)), None)


def broken(measures: DocumentMeasures, rules: DocumentRules) -> list[str]:
    """Names of all bounds that a document breaks, for reports and benchmarks."""
    return list(_broken(measures, rules))


def _broken(measures: DocumentMeasures, rules: DocumentRules) -> Iterator[str]:
    for bound, measure, limit in _in_use(rules):
        if not _breaks(getattr(measures, measure), bound, limit):
            continue
        enough = rules.or_mean_node_words
        if bound == "min_max_node_words" and enough is not None and measures.mean_node_words >= enough:
            continue
        yield bound


@lru_cache(maxsize=1_000)
def _in_use(rules: NodeRules | DocumentRules) -> tuple[tuple[str, str, float], ...]:
    """(bound, measure, limit) of the bounds that are not off, in the order of the enum."""
    bounds = _NODE if isinstance(rules, NodeRules) else _DOCUMENT
    found = [(bound, _measure(bound), getattr(rules, bound)) for bound in bounds]
    return tuple((bound, measure, limit) for bound, measure, limit in found if limit is not None)


def measure_of_bound(bound: str) -> str | None:
    """The document measure that a bound looks at; None for a field that is no bound by itself."""
    return _measure(bound) if bound in _DOCUMENT else None


def _measure(bound: str) -> str:
    name = bound[4:]
    return _MEASURES.get(name, name)


def _breaks(value: float | None, bound: str, limit: float) -> bool:
    if value is None:
        return False
    return value < limit if bound.startswith("min_") else value > limit


def _marks_and_words(measures: NodeMeasures) -> float:
    """Words and punctuation marks, from the share that the marks have."""
    if measures.punctuation >= 1:
        return 1.0  # marks only, their number is not known: held short
    return round(measures.num_words / (1 - measures.punctuation))


def _check(rules: NodeRules | DocumentRules) -> None:
    for item in fields(rules):
        low = getattr(rules, item.name)
        if low is None:
            continue
        if low < 0:
            raise ConfigError(f"text: {item.name} = {low}, want at least 0")
        if item.name.startswith("min_"):
            high = getattr(rules, f"max_{item.name[4:]}", None)
            if high is not None and low > high:
                raise ConfigError(f"text: {item.name} = {low} is above max_{item.name[4:]} = {high}: nothing is left")
