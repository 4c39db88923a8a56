"""What a page says about itself."""

from __future__ import annotations

import pytest

from filters.extract import Document, extract


def read(head: str, body: str = "<p>text</p>") -> Document:
    return extract(f"<html lang=de><head>{head}</head><body>{body}</body></html>".encode(), "https://h.example/a/b")


def test_open_graph_and_meta_are_read() -> None:
    found = read(
        '<title>x</title><meta property="og:title" content="Bread &amp; salt">'
        '<meta name=description content=" About\n bread ">'
        '<meta property="og:site_name" content="The Paper"><meta name="author" content="Anna Berg">'
        '<meta property="article:published_time" content="2024-05-18T04:10:07Z"><link rel=canonical href="/c">'
        '<link rel="license" href="https://cc.example/by/4.0/"><meta property="og:image" content="/hero.jpg">'
    )
    assert (found.title, found.description, found.site_name) == ("Bread & salt", "About bread", "The Paper")
    assert (found.author, found.date, found.declared_language) == ("Anna Berg", "2024-05-18", "de")
    assert found.canonical_url == "https://h.example/c"
    assert found.licence == "https://cc.example/by/4.0/"
    assert found.og_image == "https://h.example/hero.jpg"
    assert [(image.url, image.reason.value) for image in found.dropped] == [
        ("https://h.example/hero.jpg", "not_placed")
    ]


def test_linked_data_is_read_where_the_metas_say_nothing() -> None:
    found = read(
        '<script type="application/ld+json">{"@graph": [{"@type": "NewsArticle", "headline": "Bread",'
        ' "datePublished": "2024-05-18",'
        ' "author": [{"name": "A"}, {"name": "B"}], "publisher": {"name": "The Paper"}, "license": "/l"}]}</script>'
    )
    assert (found.title, found.date, found.author, found.site_name) == ("Bread", "2024-05-18", "A, B", "The Paper")
    assert found.licence == "https://h.example/l"


@pytest.mark.parametrize(
    "json",
    ["", "{", "[" * 100_000, '{"@type": 3, "author": 4}', '{"@type": "Article", "headline": [[[]]]}', "null", '"x"'],
)
def test_linked_data_that_is_none_does_no_harm(json: str) -> None:
    assert read(f'<script type="application/ld+json">{json}</script>').title is None


@pytest.mark.parametrize(
    ("title", "heading", "expected"),
    [("Bread and its salt | The Paper", "Bread and its salt", "Bread and its salt"),
     ("Bread and its salt | The Paper", "", "Bread and its salt"),
     ("The Paper: news", "", "The Paper: news"), ("", "Bread", "Bread"), ("", "", None),
     ("Bread | The Corner Paper", "Bread\u00b6", "Bread"),
     ("Bread |", "", "Bread"), ("C- and D-", "", "C- and D-")],
)  # fmt: skip
def test_the_name_of_the_site_is_cut_from_the_title(title: str, heading: str, expected: str | None) -> None:
    assert read(f"<title>{title}</title>", f"<h1>{heading}</h1><p>text</p>").title == expected


def test_a_licence_link_in_the_text_counts() -> None:
    assert (
        read("", '<p>text <a rel="license noopener" href="//cc.example/by">CC BY</a></p>').licence
        == "https://cc.example/by"
    )


def test_the_name_of_the_site_is_known_where_the_page_says_it() -> None:
    site = '<meta property="og:site_name" content="The Corner Paper">'
    assert read(f"<title>Bread - Rolls | The Corner Paper</title>{site}").title == "Bread - Rolls"
    assert read(f"<title>The corner paper \u2013 Rye \u2013 Flour</title>{site}").title == "Rye \u2013 Flour"
    assert read(f"<title>The Corner Paper | Bread</title>{site}").title == "Bread"
    assert read(f"<title>The Corner Paper</title>{site}").title == "The Corner Paper"


def test_half_a_surrogate_pair_in_linked_data_becomes_a_character_that_can_be_written() -> None:
    half = r"a \ud800 b"
    found = read(
        f'<script type="application/ld+json">{{"@type": "NewsArticle", "headline": "{half}", "description": "{half}",'
        f' "author": [{{"name": "{half}"}}], "publisher": "{half}", "license": "/{half}", "image": "/{half}"}}</script>'
    )
    told = (found.title, found.description, found.author, found.site_name)
    assert told == ("a ? b",) * 4
    for text in (*told, found.licence, found.og_image):
        assert text is not None
        text.encode()


ARTICLE = '{"@type": "NewsArticle", "headline": "Bread"}'


@pytest.mark.parametrize(
    ("script", "kind"),
    [
        ("\ufeff" + ARTICLE, "application/ld+json"),
        (f"<![CDATA[{ARTICLE}]]>", "application/ld+json"),
        (f"//<![CDATA[\n{ARTICLE}\n//]]>", "application/ld+json"),
        (f"/*<![CDATA[*/ {ARTICLE} /*]]>*/", "application/ld+json"),
        (f"<!-- {ARTICLE} -->", "application/ld+json"),
        (ARTICLE + ";\n", "application/ld+json"),
        (ARTICLE, "application/ld+json; charset=utf-8"),
        (ARTICLE, "Application/LD+JSON"),
        ('{"@graph": [' + '{"@type": "Thing"},' * 500 + ARTICLE + "]}", "application/ld+json"),
        ("[" + "7," * 50_000 + ARTICLE + "]", "application/ld+json"),
    ],
)
def test_linked_data_is_read_whatever_stands_around_it(script: str, kind: str) -> None:
    assert read(f'<script type="{kind}">{script}</script>').title == "Bread"


@pytest.mark.parametrize("script", [" " * 400_000, "//" + " " * 400_000, (" " * 5_000 + "x") * 60, "-->" * 100_000])
def test_a_script_made_for_backtracking_is_read_in_time(script: str) -> None:
    found = extract(f'<script type="application/ld+json">{script}</script><p>text'.encode(), "https://h.example/")
    assert (found.failure, found.title) == (None, None)


def test_entities_in_linked_data_are_resolved() -> None:
    item = '{"@type": "Article", "headline": "Bread &amp; salt &#8211; R&amp;D, AT&T", "image": "/a?b=1&copy=2"}'
    found = read(f'<script type="application/ld+json">{item}</script>')
    assert (found.title, found.og_image) == ("Bread & salt \u2013 R&D, AT&T", "https://h.example/a?b=1&copy=2")


def test_a_headline_that_the_title_does_not_say_gives_way_to_a_name_that_it_says() -> None:
    item = '{"@type": "Article", "name": "Bread", "headline": "a food"}'
    script = f'<script type="application/ld+json">{item}</script>'
    assert read(f"<title>Bread | The Book</title>{script}").title == "Bread"
    assert read(f"<title>A food for all</title>{script}").title == "a food"
    assert read(script).title == "a food"


@pytest.mark.parametrize(
    ("value", "expected"),
    [("2020-02-31", None), ("2020-02-29", "2020-02-29"), ("2021-02-29", None), ("20200431 20200501", "2020-05-01")],
)
def test_a_date_is_a_day_of_the_calendar(value: str, expected: str | None) -> None:
    assert read(f'<meta name="date" content="{value}">').date == expected


def test_relations_are_read_in_any_case() -> None:
    found = read('<link rel="Canonical" href="/c"><link REL="LICENSE" href="/l">')
    assert (found.canonical_url, found.licence) == ("https://h.example/c", "https://h.example/l")
    assert read("", '<p>text <a rel="License" href="/l">CC</a></p>').licence == "https://h.example/l"


def test_an_address_is_no_author() -> None:
    item = '{"@type": "Article", "headline": "Bread", "author": {"url": "https://h.example/ann"}}'
    assert read(f'<script type="application/ld+json">{item}</script>').author is None
