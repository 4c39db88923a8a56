"""Stage identify_language: which language the page is written in, from the text as extracted, and its nodes'."""

from __future__ import annotations

from filters.language import Config, Identifier
from pipeline.draft import Draft, PageStage

MAX_NODES = 400
"""Nodes whose texts make up what is identified; the model itself looks at the first 20,000 characters."""


def stage(config: Config, identifier: Identifier) -> PageStage:
    """Identification under a recipe."""

    def run(draft: Draft) -> None:
        if draft.document is None:
            return
        texts = draft.node_texts()
        draft.language, draft.language_score = identifier.identify("\n".join(texts[:MAX_NODES]))
        if config.node_languages:
            draft.node_languages = [
                identifier.identify(text)[0] if len(text) >= config.node_min_chars else None for text in texts
            ]

    return run
