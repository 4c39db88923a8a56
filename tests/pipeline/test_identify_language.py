"""Stage identify_language: of the page, and of its nodes where the recipe asks."""

from __future__ import annotations

import pytest

from filters.language import Config, load
from pipeline.draft import Draft
from pipeline.identify_language import stage

ENGLISH = "The kettle was already boiling when the children came home from school through the rain."
GERMAN = "Der Kessel kochte schon, als die Kinder durch den Regen von der Schule nach Hause kamen."


@pytest.fixture
def identified(tea, document_of):
    def run(*texts, **config):
        draft = Draft(page=tea, warc_filename="a", document=document_of(*texts))
        stage(Config(**config), load())(draft)
        return draft

    return run


def test_the_page_has_the_language_of_most_of_its_text(identified):
    draft = identified(ENGLISH, ENGLISH, GERMAN[:30])
    assert draft.language == "en"
    assert 0.5 < draft.language_score <= 1
    assert draft.node_languages == []


def test_nodes_that_are_long_enough_have_their_own(identified):
    draft = identified(ENGLISH, GERMAN, "Kurz.", node_languages=True, node_min_chars=len(GERMAN))
    assert draft.node_languages == ["en" if len(ENGLISH) >= len(GERMAN) else None, "de", None]
    assert identified("Kurz.", node_languages=True, node_min_chars=6).node_languages == [None]
    assert identified("Short.", node_languages=True, node_min_chars=6).node_languages != [None]


def test_a_page_without_a_document_is_left_alone(tea):
    draft = Draft(page=tea, warc_filename="a")
    stage(Config(), load())(draft)
    assert draft.language is None
