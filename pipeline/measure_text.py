"""Stage measure_text: every number that text rules look at, and the hashes that deduplication compares.

Measures are of all text nodes as extracted, and so are hash and signature: no threshold changes them.
"""

from __future__ import annotations

from collections.abc import Sequence

from filters import decontaminate, minhash
from filters.text.measures import DECIMALS, measure_batch
from filters.text.models import Models
from filters.text.word_lists import Lists
from pipeline.draft import BatchStage, Draft, NodeFacts
from schemas.reasons import DocumentReason


def stage(
    config: minhash.Config, lists: Lists, models: Models | None = None, evaluation: decontaminate.Index | None = None
) -> BatchStage:
    """Measuring under a recipe; `models` are those of perplexity and quality, where it names some; so `evaluation`."""

    def run(drafts: Sequence[Draft]) -> None:
        try:
            measure(drafts)
        except MemoryError:  # one by one, so that it is known whose fault it is
            for draft in drafts:
                try:
                    measure([draft])
                except MemoryError:
                    draft.drop_reason = DocumentReason.OVER_MEMORY

    def measure(drafts: Sequence[Draft]) -> None:
        texts = [draft.node_texts() for draft in drafts]
        measured = measure_batch(texts, [draft.language for draft in drafts], lists, models)
        for draft, mine, words, (document, nodes) in zip(drafts, texts, measured.words, measured.rows(), strict=True):
            document.link_density = link_density(draft)
            draft.measures = document
            draft.texts = [
                NodeFacts(measures=node, text_hash=minhash.node_hash(text))
                for text, node in zip(mine, nodes, strict=True)
            ]
            draft.text_hash = minhash.text_hash("\n".join(mine))
            draft.signature = minhash.of_words(words, config).astype("<u4").tobytes()
            shingles = minhash.stored_shingles(words, config)
            draft.shingles = None if shingles is None else shingles.astype("<u4").tobytes()
            if evaluation is not None:
                draft.contaminated_runs = evaluation.count(words)

    return run


def link_density(draft: Draft) -> float:
    """Share of the text's characters inside links, over all text nodes."""
    nodes = [node for node in draft.document.nodes if node.text] if draft.document else []
    chars = sum(len(node.text or "") for node in nodes)
    linked = sum((node.link_density or 0.0) * len(node.text or "") for node in nodes)
    return round(linked / chars, DECIMALS) if chars else 0.0
