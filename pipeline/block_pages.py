"""Stage block_pages: a page whose address is on a list of hosts, URLs or words is not looked at."""

from __future__ import annotations

from filters.page_lists import Blocklist
from pipeline.draft import Draft, PageStage
from schemas.reasons import DocumentReason


def stage(blocklist: Blocklist | None) -> PageStage:
    """Blocking by the lists of a recipe; None blocks nothing."""

    def run(draft: Draft) -> None:
        if blocklist is not None and blocklist.blocks(draft.page.url) is not None:
            draft.drop_reason = DocumentReason.BLOCKED

    return run
