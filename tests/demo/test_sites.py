from __future__ import annotations

import pytest
from selectolax.lexbor import LexborHTMLParser

from demo.dice import Dice
from demo.prose import Prose
from demo.sites import SITES, Site, fill_related, wrap
from demo.words.vocabulary import LANGUAGES


def test_there_are_two_sites_in_each_language_all_under_reserved_names() -> None:
    assert sorted(site.language for site in SITES) == sorted([*LANGUAGES, *LANGUAGES])
    assert all(site.host.endswith(".weft.example") for site in SITES)
    assert len({site.host for site in SITES}) == len({site.picture_root for site in SITES}) == 12
    assert {site.style for site in SITES} == {0, 1, 2, 3}


@pytest.mark.parametrize("site", SITES, ids=lambda site: site.host)
def test_the_furniture_of_a_site_is_on_its_pages_and_told(site: Site) -> None:
    html, furniture = wrap(site, Prose(site.language, 1), "T & T", "<p>content</p>", "<meta charset=utf-8>\n", Dice(1))
    tree = LexborHTMLParser(html)
    assert tree.css_first("title").text() == f"T & T - {site.name}"
    assert html.count("<p>content</p>") == 1
    text = tree.body.text()
    assert furniture.texts
    assert all(words in text for words in furniture.texts)
    assert {node.attributes["src"] for node in tree.css("img")} == set(furniture.images)
    assert any(url.startswith("http://stats.weft.example/p.gif") for url in furniture.images)


def test_plain_http_is_used_where_pictures_have_no_address_of_their_own() -> None:
    assert all((site.root.startswith("http://")) == (site.images == "own") for site in SITES)
    assert all(site.picture_root.startswith("http://") for site in SITES)


def test_related_titles_name_others_than_the_page() -> None:
    prose = Prose("en", 1)
    assert fill_related(prose, "{woman} in {town}", 0) == "Anna in Millbrook"
