"""Links that are no words of the text around them."""

from __future__ import annotations

import pytest

from filters.extract import extract
from filters.extract.marks import without_way_back

LONG = (
    "The bakery opens at five, when the street is dark and only the lorries of the market pass, "
    "loaded with apples, onions and cabbage."
)


def texts(inside: str) -> list[str | None]:
    html = f"<article><p>{LONG}</p>{inside}<p>{LONG}</p></article>".encode()
    return [node.text for node in extract(html, "https://h.example/a").nodes][1:-1]


@pytest.mark.parametrize("mark", ["\u00b6", "#", "\u00a7", "\U0001f517", "\u2191", "^", "\u21a9\ufe0e"])
def test_a_mark_that_leads_to_a_place_in_the_page_is_no_text(mark: str) -> None:
    assert texts(f'<h2>Overview<a class="headerlink" href="#overview">{mark}</a></h2><p>{LONG}</p>') == [
        "Overview",
        LONG,
    ]


def test_a_mark_that_leads_elsewhere_and_a_letter_that_leads_to_a_place_stay() -> None:
    assert texts(
        '<p>Written in <a href="https://h.example/c">C</a> and <a href="#n">n</a> <a href="/x">\u2192</a></p>'
    ) == ["Written in C and n \u2192"]


@pytest.mark.parametrize(
    "more",
    [
        "[Read more...]",
        "Continue reading \u2192",
        "weiterlesen \u00bb",
        "(leer m\u00e1s)",
        "\u7d9a\u304d\u3092\u8aad\u3080",
        "Lire la suite",
    ],
)
def test_a_link_that_leads_on_from_a_teaser_is_no_text(more: str) -> None:
    assert texts(f'<p>{LONG} <a href="/1" class="more-link">{more}</a></p>') == [LONG]


def test_a_link_that_says_more_than_to_read_more_stays() -> None:
    text = 'You can <a href="/1">read more about rye</a> and <a href="/2">more</a> in the archive.'
    assert texts(f"<p>{text}</p>") == ["You can read more about rye and more in the archive."]


@pytest.mark.parametrize(
    ("note", "text"),
    [
        ("\u2191 2.0 2.1 2.2 Label shot, Atlantic 1050", "Label shot, Atlantic 1050"),
        ("\u2191 1957 was the year", "1957 was the year"),
        ("^ Whitburn, Joel", "Whitburn, Joel"),
        ("^d is a mark", "^d is a mark"),
    ],
)
def test_the_way_back_before_a_footnote_is_left_out(note: str, text: str) -> None:
    assert without_way_back(note) == text


def test_a_footnote_of_a_wiki_begins_with_its_text() -> None:
    note = (
        '<li><span>\u2191 <a href="#a">2.0</a> <a href="#b">2.1</a></span> <span>Label shot, Atlantic 1050</span></li>'
    )
    assert texts(f"<ol>{note}<li>{LONG}</li></ol>") == ["Label shot, Atlantic 1050", LONG]
