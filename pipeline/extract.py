"""Stage extract: the HTML of a page as text and images in page order, and what the page allows.

A document that `weft import` wrote has its nodes already; they are taken as they are.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from filters import imported
from filters.extract import Limits, extract
from pipeline.draft import Draft, PageStage
from schemas.reasons import DocumentReason


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Recipe section [extract]."""

    mode: Literal["main", "recall"] = "main"
    """`main`: main content; `recall`: all of the page but its furniture, filters decide later (OBELICS-like)."""
    comments: Literal["by_mode", "keep", "drop"] = "by_mode"
    """Readers' comment threads: `main` drops them, `recall` keeps them, unless this says otherwise; kept in `main` they
    follow the main content, which is chosen without them."""
    limits: Limits = field(default_factory=Limits)
    watchdog_s: float = field(default=60.0, metadata={"operational": True})
    """A worker that is longer at one page is ended, and the page is a row `over_time`."""
    worker_bytes: int = field(default=1 << 30, metadata={"operational": True})
    """Memory that a worker may take for its pages; beyond it a page is a row `over_memory`."""


def stage(config: Config) -> PageStage:
    """Extraction under a recipe."""

    comments = {"by_mode": None, "keep": True, "drop": False}[config.comments]

    def run(draft: Draft) -> None:
        page = draft.page
        if page.content_type == imported.MEDIA_TYPE:
            document = imported.read(page.body, config.limits)
        else:
            document = extract(
                page.body,
                page.url,
                config.mode,
                comments=comments,
                http_charset=page.http_charset,
                robots_headers=page.robots_headers,
                tdm_header=page.tdm_header,
                limits=config.limits,
            )
        draft.document = document
        if document.opted_out:
            draft.drop_reason = DocumentReason.OPTED_OUT
        elif document.failure is not None:
            draft.drop_reason = document.failure
        elif not any(node.text for node in document.nodes):
            draft.drop_reason = DocumentReason.NO_TEXT

    return run
