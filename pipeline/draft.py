"""A page on its way through the fused stages of step 01: what is known of it so far."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from filters.extract import Document
from schemas.reasons import DocumentReason, NodeReason

if TYPE_CHECKING:
    from filters.text.fields import DocumentMeasures, NodeMeasures
    from pipeline.archive.record import Page


@dataclass(slots=True)
class NodeFacts:
    """What the text stages say of one text node."""

    measures: NodeMeasures
    text_hash: int
    num_tokens: int | None = None
    """Of what is kept."""
    drop_reason: NodeReason | None = None


@dataclass(slots=True)
class Draft:
    """One page. A stage fills in its part; a page with a `drop_reason` goes through the later stages untouched."""

    page: Page
    warc_filename: str
    crawl: str | None = None
    document: Document | None = None
    masked: dict[str, int] = field(default_factory=dict)
    """Personal data that was masked, by kind."""
    language: str | None = None
    language_score: float | None = None
    node_languages: list[str | None] = field(default_factory=list)
    """One for each text node, where the recipe asks for them."""
    texts: list[NodeFacts] = field(default_factory=list)
    """One for each text node, in page order."""
    measures: DocumentMeasures | None = None
    contaminated_runs: int | None = None
    text_hash: str | None = None
    signature: bytes | None = None
    shingles: bytes | None = None
    drop_reason: DocumentReason | None = None

    def node_texts(self) -> list[str]:
        """The texts as extracted, in page order."""
        return [node.text for node in self.document.nodes if node.text is not None] if self.document else []


PageStage = Callable[[Draft], None]
"""A fused stage that looks at one page at a time, once its config and models are bound."""
BatchStage = Callable[[Sequence[Draft]], None]
"""One that works on many pages at once, because that is several times faster."""
