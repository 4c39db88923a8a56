"""Stage count_tokens: only what is kept is counted."""

from __future__ import annotations

import pytest

from filters import minhash
from filters.text import tokens, word_lists
from pipeline import measure_text
from pipeline.count_tokens import stage
from pipeline.draft import Draft
from schemas.reasons import DocumentReason, NodeReason

TEXTS = ("A kettle of water.", "Tea", "Two cups, please!")


@pytest.fixture
def draft(tea, document_of):
    made = Draft(page=tea, warc_filename="a", document=document_of(*TEXTS), language="en")
    measure_text.stage(minhash.Config(), word_lists.load())([made])
    return made


def test_kept_texts_have_the_tokenizers_count_and_dropped_ones_none(draft):
    draft.texts[1].drop_reason = NodeReason.TOO_FEW_WORDS
    stage(tokens.load())([draft])
    count = tokens.load().count
    assert [facts.num_tokens for facts in draft.texts] == [count(TEXTS[0]), None, count(TEXTS[2])]


def test_nothing_is_counted_of_a_page_that_was_dropped(draft):
    draft.drop_reason = DocumentReason.LANGUAGE
    stage(tokens.load())([draft])
    assert [facts.num_tokens for facts in draft.texts] == [None, None, None]
