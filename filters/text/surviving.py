"""Measures of a document over some of its nodes: from the nodes' own measures where they are sums, without the text.

Rules that a recipe wants over the nodes that survive (`text.judge_over`), and pages that lost paragraphs which repeat
over their site, are judged so. What is no sum (repetition, lines, n-grams) needs the text again: `no_sums` says which.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace

from filters.text.fields import DocumentMeasures, NodeMeasures
from filters.text.measures import DECIMALS, MAX_CHARS
from filters.text.rules import DocumentRules, measure_of_bound

SUMS = frozenset(
    {
        "num_nodes",
        "num_chars",
        "num_words",
        "max_node_words",
        "mean_node_words",
        "mean_word_length",
        "special_characters",
        "punctuation",
        "digits",
        "emoji",
        "urls",
        "stop_words",
        "flagged_words",
        "spam_words",
    }
)
"""Document measures that follow from those of the nodes."""


def from_nodes(whole: DocumentMeasures, nodes: Sequence[NodeMeasures]) -> DocumentMeasures:
    """`whole` with every measure in `SUMS` taken over `nodes` alone; the others stay those of the whole document.

    Shares are stored with six decimals, so the counts behind them come back exactly for nodes of under 500,000 words.
    """
    words = sum(node.num_words for node in nodes)
    chars = sum(min(node.num_chars, MAX_CHARS) for node in nodes)
    marks = sum(_marks(node) for node in nodes)
    found: dict[str, float | None] = {
        "num_nodes": len(nodes),
        "num_chars": sum(node.num_chars for node in nodes),
        "num_words": words,
        "max_node_words": max((node.num_words for node in nodes), default=0),
        "mean_node_words": _share(words, len(nodes)),
        "mean_word_length": _share(sum(round(node.mean_word_length * node.num_words) for node in nodes), words),
        "punctuation": _share(marks, words + marks),
    }
    for name in ("special_characters", "digits", "emoji", "urls"):
        counts = (round(getattr(node, name) * min(node.num_chars, MAX_CHARS)) for node in nodes)
        found[name] = _share(sum(counts), chars)
    for name in ("stop_words", "flagged_words", "spam_words"):
        shares = [(getattr(node, name), node.num_words) for node in nodes]
        is_measured = getattr(whole, name) is not None and all(share is not None for share, _ in shares)
        found[name] = _share(sum(round(share * count) for share, count in shares), words) if is_measured else None
    return replace(whole, **found)  # type: ignore[arg-type]


def no_sums(rules: DocumentRules) -> list[str]:
    """The bounds in use that look at a measure which is no sum over nodes, and which their text can tell anew."""
    named = {bound.name: measure_of_bound(bound.name) for bound in fields(rules)}
    used = [name for name, measure in named.items() if measure and getattr(rules, name) is not None]
    return [name for name in used if named[name] not in SUMS | {"link_density"}]


def sums_only(rules: DocumentRules) -> DocumentRules:
    """The rules without the bounds of `no_sums`."""
    return replace(rules, **dict.fromkeys(no_sums(rules)))


def _marks(node: NodeMeasures) -> int:
    """Punctuation marks, from the share that they have of words and marks; a node of marks alone has one at least."""
    if node.punctuation >= 1:
        return 1
    return round(node.punctuation * node.num_words / (1 - node.punctuation))


def _share(part: float, whole: float) -> float:
    return round(part / whole, DECIMALS) if whole else 0.0
