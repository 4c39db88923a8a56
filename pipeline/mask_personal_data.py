"""Stage mask_personal_data: addresses and numbers of people are placeholders before anything is measured or written."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

from filters.extract import Node
from filters.text.personal_data import Config, mask
from pipeline.draft import Draft, PageStage

FIELDS = ("text", "alt", "title", "caption")
"""Of a node."""
HEAD = ("title", "author")
"""Of the page."""


def stage(config: Config) -> PageStage:
    """Masking under a recipe."""

    def run(draft: Draft) -> None:
        if draft.document is None or not config.mask:
            return
        counts: Counter[str] = Counter()

        def masked(text: str) -> str:
            found, of_kind = mask(text, config.mask)
            counts.update(of_kind)
            return found

        def clean(node: Node) -> Node:
            shown = {name: getattr(node, name) for name in FIELDS}
            safe: dict[str, Any] = {name: text and masked(text) for name, text in shown.items()}
            return node if safe == shown else replace(node, **safe)

        document = draft.document
        nodes = [clean(node) for node in document.nodes]
        head: dict[str, Any] = {name: text and masked(text) for name in HEAD for text in [getattr(document, name)]}
        draft.document = replace(document, nodes=nodes, **head)
        draft.masked = dict(counts)

    return run
