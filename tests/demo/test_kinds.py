from __future__ import annotations

from collections import Counter

import pytest

from demo.album import Album
from demo.body import Body
from demo.dice import Dice
from demo.kinds import LAYOUTS, Draft, article
from demo.page import Kind
from demo.prose import Prose
from demo.words.vocabulary import LANGUAGES


def _draft(key: int = 1, language: str = "en") -> Draft:
    prose = Prose(language, key)
    album = Album(prose, "http://cdn.weft.example/a/", (key,))
    return Draft(prose.line("titles"), prose, album, Body(album, False), Dice(key))


def _counts(draft: Draft) -> Counter[str]:
    return Counter("image" if node[0] == "image" else node[1] for node in draft.body.nodes)


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_article_has_pictures_between_paragraphs(language: str) -> None:
    draft = _draft(3, language)
    article(draft)
    counts = _counts(draft)
    assert counts["heading1"] == 1
    assert 2 <= counts["image"] <= 4
    assert counts["paragraph"] >= 6


@pytest.mark.parametrize(
    ("kind", "role", "at_least"),
    [
        (Kind.GALLERY, "image", 6),
        (Kind.TABLE, "table", 1),
        (Kind.LIST, "list_item", 5),
        (Kind.CODE, "code", 1),
        (Kind.RECIPE, "list_item", 12),
        (Kind.SHOP, "table", 1),
        (Kind.FORUM, "paragraph", 5),
        (Kind.NO_IMAGES, "paragraph", 7),
        (Kind.JUNK, "image", 1),
    ],
)
def test_a_kind_has_what_it_is_named_for(kind: Kind, role: str, at_least: int) -> None:
    draft = _draft()
    LAYOUTS[kind](draft)
    assert _counts(draft)[role] >= at_least
    assert (_counts(draft)["image"] == 0) == (kind is Kind.NO_IMAGES)


def test_the_page_of_links_has_a_thousand_that_are_no_content() -> None:
    draft = _draft()
    LAYOUTS[Kind.LINKS](draft)
    assert "".join(draft.body.html).count("<a href=") == 1000
    assert len(draft.body.nodes) == 2
    assert draft.absent


def test_a_gallery_shows_its_first_picture_again_smaller() -> None:
    draft = _draft()
    LAYOUTS[Kind.GALLERY](draft)
    assert sum("-copy-" in node[1] for node in draft.body.nodes) == 1
