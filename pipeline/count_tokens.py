"""Stage count_tokens: tokens of what is kept, under the named tokenizer; the dearest measure, so it comes last."""

from __future__ import annotations

from collections.abc import Sequence

from filters.text.tokens import Tokenizer
from pipeline.draft import BatchStage, Draft


def stage(tokenizer: Tokenizer) -> BatchStage:
    """Counting, for the kept texts of kept pages."""

    def run(drafts: Sequence[Draft]) -> None:
        for draft in drafts:
            if draft.drop_reason is None:
                for text, facts in zip(draft.node_texts(), draft.texts, strict=True):
                    if facts.drop_reason is None:
                        facts.num_tokens = tokenizer.count(text)

    return run
