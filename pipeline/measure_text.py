"""Stage measure_text: every number that text rules look at, and the hashes that deduplication compares.

Measures are of all text nodes as extracted, and so are hash and signature: no threshold changes them.
"""

from __future__ import annotations

from collections.abc import Sequence

from filters import minhash
from filters.text.measures import measure_batch
from filters.text.models import Models
from filters.text.word_lists import Lists
from pipeline.draft import BatchStage, Draft, NodeFacts
from schemas.reasons import DocumentReason


def stage(config: minhash.Config, lists: Lists, models: Models | None = None) -> BatchStage:
    """Measuring under a recipe; `models` are those of perplexity and quality, where it names some."""

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
            draft.measures = document
            draft.texts = [
                NodeFacts(measures=node, text_hash=minhash.node_hash(text))
                for text, node in zip(mine, nodes, strict=True)
            ]
            draft.text_hash = minhash.text_hash("\n".join(mine))
            draft.signature = minhash.of_words(words, config).astype("<u4").tobytes()

    return run
