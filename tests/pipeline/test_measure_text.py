"""Stage measure_text: numbers and hashes of texts as extracted."""

from __future__ import annotations

import numpy as np
import pytest

from filters import minhash
from filters.text import word_lists
from pipeline.draft import Draft
from pipeline.measure_text import stage

CONFIG = minhash.Config(num_perm=16, bands=4, rows=4)
TEXT = "Pour boiling water over the leaves, wait for four minutes, and taste it before the guests arrive."


@pytest.fixture
def measured(tea, document_of):
    measure = stage(CONFIG, word_lists.load())

    def run(*pages):
        drafts = [Draft(page=tea, warc_filename="a", document=document_of(*texts), language="en") for texts in pages]
        measure(drafts)
        return drafts

    return run


def test_each_text_has_its_words_and_hash(measured):
    (draft,) = measured([TEXT, "Tea", TEXT])
    assert [facts.measures.num_words for facts in draft.texts] == [17, 1, 17]
    assert draft.texts[0].text_hash == draft.texts[2].text_hash != draft.texts[1].text_hash
    assert draft.measures.num_words == 35


def test_a_page_has_the_same_numbers_whatever_pages_are_measured_with_it(measured):
    alone, together = measured([TEXT])[0], measured(["Other words here."], [TEXT], ["And more."])[1]
    assert alone.measures == together.measures
    assert alone.texts == together.texts
    assert (alone.text_hash, alone.signature) == (together.text_hash, together.signature)


def test_hash_and_signature_say_same_and_nearly_the_same(measured):
    first, dressed, near, other = measured([TEXT], [TEXT.upper()], [TEXT + " Really."], ["Nothing of the kind."])
    assert first.text_hash == dressed.text_hash != near.text_hash
    signatures = [np.frombuffer(draft.signature, "<u4") for draft in (first, dressed, near, other)]
    assert [len(signature) for signature in signatures] == [CONFIG.num_perm] * 4
    assert (signatures[0] == signatures[1]).all()
    assert (signatures[0] == signatures[2]).mean() > (signatures[0] == signatures[3]).mean()
