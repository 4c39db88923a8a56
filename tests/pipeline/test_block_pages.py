"""Stage block_pages: what is on a list goes before its HTML is looked at."""

from __future__ import annotations

import pytest

from filters.page_lists import blocklist
from pipeline import block_pages
from pipeline.draft import Draft
from schemas.reasons import DocumentReason

LIST = blocklist(hosts=["tea.example"])


@pytest.mark.parametrize(("lists", "reason"), [(LIST, DocumentReason.BLOCKED), (blocklist(hosts=["x.org"]), None)])
def test_a_page_on_a_list_is_dropped_and_another_one_is_not(tea, lists, reason):
    draft = Draft(page=tea, warc_filename="a")
    block_pages.stage(lists)(draft)
    assert draft.drop_reason == reason


def test_without_lists_nothing_is_blocked(tea):
    draft = Draft(page=tea, warc_filename="a")
    block_pages.stage(None)(draft)
    assert draft.drop_reason is None
