"""What class and id say."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.extract import names as n


@pytest.mark.parametrize("name", ["sidebar", "leftSidebar", "left-sidebar", "left_sidebar2", "LEFTSIDEBAR", "sidebars"])
def test_a_word_is_found_in_every_spelling(name: str) -> None:
    assert n.judge_names(name) & n.UNLIKELY


@pytest.mark.parametrize("name", ["address", "shadow", "gradient", "considered", "headline", "adapted", "navy"])
def test_a_word_inside_another_word_is_not_found(name: str) -> None:
    assert not n.judge_names(name) & (n.UNLIKELY | n.ADVERT | n.NAV | n.SHARE)


@pytest.mark.parametrize(
    ("name", "flag"),
    [
        ("moreStories", n.RELATED),
        ("read-more-posts", n.RELATED),
        ("wp-caption-text", n.CAPTION),
        ("author_bio", n.AUTHOR),
        ("screen-reader-text", n.HIDDEN),
        ("commentlist", n.COMMENTS),
        ("cookieConsent", n.BANNER),
        ("entry-content", n.POSITIVE | n.MAYBE),
    ],
)
def test_pairs_of_words_are_known(name: str, flag: int) -> None:
    assert n.judge_names(name) & flag == flag


def test_an_id_made_from_a_heading_says_nothing() -> None:
    assert n.names_in(' class="x" id="sharing-with-many-developers"') == "x"
    assert n.names_in(' class="x" id="share-bar"') == "x share-bar"


@pytest.mark.slow
@given(st.text(max_size=500))
def test_any_name_has_flags_and_case_does_not_add_any_of_the_first(name: str) -> None:
    assert n.judge_names(name) >= 0
