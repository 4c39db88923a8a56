"""The named sets are their publications', and a recipe can move each bound."""

from __future__ import annotations

import pytest

from filters.text.rule_sets import GOPHER, OBELICS, SETS, WEFT, Config, document_rules
from schemas.errors import ConfigError


def test_obelics_has_the_published_bounds():
    assert (OBELICS.node.min_words, OBELICS.node.max_words) == (4, 1_000)
    assert (OBELICS.document.min_words, OBELICS.document.max_words) == (10, 2_000)
    assert (OBELICS.node.min_stop_words, OBELICS.document.min_stop_words) == (0.3, 0.35)
    assert (OBELICS.node.max_special_characters, OBELICS.document.max_special_characters) == (0.3, 0.275)


def test_gopher_has_the_published_bounds():
    assert (GOPHER.document.min_words, GOPHER.document.max_words) == (50, 100_000)
    assert [getattr(GOPHER.document, f"max_duplicate_{n}grams") for n in range(5, 11)] == [
        0.15,
        0.14,
        0.13,
        0.12,
        0.11,
        0.10,
    ]


@pytest.mark.parametrize("name", SETS)
def test_each_set_resolves_in_every_language(name):
    resolved = Config(rules=name).resolve()
    for language in ("en", "zh", "th", None, *resolved.of_language):
        assert document_rules(resolved, language) is not None


def test_a_recipe_moves_and_switches_off_bounds():
    config = Config(rules="obelics", node={"min_words": 2}, document={"max_words": None, "min_punctuation": 0.01})
    resolved = config.resolve()
    assert resolved.node.min_words == 2
    assert resolved.document.max_words is None
    assert resolved.document.min_punctuation == 0.01
    assert resolved.document.min_words == 10


def test_a_language_has_bounds_of_its_own():
    config = Config(rules="weft", of_language={"de": {"min_stop_words": 0.3}, "en": {"min_words": 99}})
    resolved = config.resolve()
    assert document_rules(resolved, "de").min_stop_words == 0.3
    assert document_rules(resolved, "en").min_words == 99
    assert document_rules(resolved, "en").min_stop_words == WEFT.of_language["en"]["min_stop_words"]
    assert document_rules(resolved, "xx") == resolved.document


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        ({"rules": "gofer"}, "known: "),
        ({"document": {"min_wrods": 3}}, "min_wrods is unknown"),
        ({"document": {"min_words": 3.5}}, "whole number"),
        ({"node": {"min_words": 50, "max_words": 5}}, "nothing is left"),
        ({"of_language": {"de": {"min_words": 1_000_000}}}, "nothing is left"),
    ],
)
def test_what_makes_no_sense_is_refused_with_the_reason(bad, says):
    with pytest.raises(ConfigError, match=says):
        Config(**bad)
