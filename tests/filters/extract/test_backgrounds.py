"""Backgrounds that are the picture of a figure."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.extract import Document, extract
from filters.extract.backgrounds import background_of
from filters.extract.sources import Source
from schemas.reasons import ReferenceReason

LONG = (
    "The bakery opens at five, when the street is dark and only the lorries of the market pass, "
    "loaded with apples, onions and cabbage. "
)


def read(before: str = "", inside: str = "", after: str = "") -> Document:
    body = f"{before}<article><p>{LONG * 2}</p>{inside}<p>{LONG * 2}</p></article>{after}"
    return extract(f"<body>{body}</body>".encode(), "https://paper.example/a/b.html")


def shown(found: Document) -> list[tuple[str | None, str | None, str | None]]:
    return [(node.image_url, node.found_by, node.caption) for node in found.nodes if node.image_url]


@pytest.mark.parametrize(
    ("attrs", "url"),
    [
        ({"style": "background-image:url(/a.jpg)"}, "/a.jpg"),
        ({"style": "color: red; BACKGROUND: #fff url( \"/a b.jpg\" ) no-repeat"}, "/a b.jpg"),
        ({"style": "background-image: linear-gradient(0deg, #000, #fff), url('/a.jpg')"}, "/a.jpg"),
        ({"data-bg": "/a.jpg", "style": "background: url(/blank.gif)"}, "/a.jpg"),
        ({"data-background-image": "url('/a.jpg')"}, "/a.jpg"),
        ({"style": "background-image: url(/img/blank.gif)"}, None),
        ({"style": "background: #fff"}, None),
        ({"style": "list-style-image: url(/a.jpg)"}, None),
        ({"style": "background: red; cursor: url(/a.jpg)"}, None),
        ({"data-bg": "dark"}, None),
    ],
)  # fmt: skip
def test_the_address_of_a_background(attrs: dict[str, str], url: str | None) -> None:
    assert background_of(attrs) == (Source(url, "background") if url else None)


@pytest.mark.parametrize(
    "figure",
    [
        '<figure style="background-image: url(&quot;/o.jpg&quot;)"><figcaption>Oven</figcaption></figure>',
        '<figure><div style="background-image: url(/o.jpg)"></div><figcaption>Oven</figcaption></figure>',
        '<figure><div><div><a href="/x" data-bg="/o.jpg"></a></div></div><figcaption>Oven</figcaption></figure>',
    ],
)
def test_a_figure_without_an_image_shows_its_background_with_its_caption(figure: str) -> None:
    found = read(inside=figure)
    assert shown(found) == [("https://paper.example/o.jpg", "background", "Oven")]
    assert [node.role for node in found.nodes] == ["paragraph", "image", "caption", "paragraph"]
    assert found.dropped == []


def test_a_background_elsewhere_or_beside_an_image_decorates() -> None:
    assert shown(read(inside='<div style="background: url(/o.jpg)"></div>')) == []
    beside = read(inside='<figure style="background: url(/o.jpg)"><img src="/i.jpg"></figure>')
    assert shown(beside) == [("https://paper.example/i.jpg", "src", None)]


def test_a_background_outside_the_content_is_dropped_with_the_reason_of_what_holds_it() -> None:
    found = read(after='<footer><figure style="background: url(/o.jpg)"></figure></footer>')
    assert shown(found) == []
    assert [(image.url, image.reason) for image in found.dropped] == [
        ("https://paper.example/o.jpg", ReferenceReason.FURNITURE)
    ]


@given(
    st.dictionaries(st.sampled_from(["style", "data-bg"]), st.text(alphabet="background:url('\"/.);a ", max_size=80))
)
def test_any_style_gives_an_address_or_none(attrs: dict[str, str]) -> None:
    found = background_of(attrs)
    assert found is None or found.url.strip()
