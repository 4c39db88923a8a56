"""Which address an image element shows."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.extract.sources import (
    LAZY_SRCSET,
    LAZY_URL,
    Source,
    choose_srcset,
    decode_data_url,
    is_placeholder,
    parse_srcset,
    source_of,
)

GIF = "data:image/gif;base64,R0lGODlhAQABAAAAACH5BAEKAAEALAAAAAABAAEAAAICTAEAOw=="


@pytest.mark.parametrize("name", LAZY_URL)
def test_every_lazy_attribute_beats_a_stand_in(name: str) -> None:
    assert source_of({"src": GIF, name: "/p/bread.jpg"}, []) == Source("/p/bread.jpg", name)


@pytest.mark.parametrize("name", LAZY_SRCSET)
def test_every_lazy_srcset_beats_a_stand_in(name: str) -> None:
    assert source_of({"src": GIF, name: "/a.jpg 400w, /b.jpg 1100w"}, []) == Source("/b.jpg", name)


def test_an_unknown_attribute_counts_where_it_names_a_picture() -> None:
    assert source_of({"src": GIF, "data-house-loader": "/p/bread.webp?v=2"}, []) == Source(
        "/p/bread.webp?v=2", "data-house-loader"
    )
    assert source_of({"src": GIF, "data-house-loader": "/p/bread"}, []) == Source(GIF, "data")


def test_a_link_in_a_generic_attribute_is_no_picture() -> None:
    assert source_of({"src": "/a.jpg", "data-url": "https://example.org/article"}, []) == Source("/a.jpg", "src")


@pytest.mark.parametrize(
    "name",
    ["data-fallback-src", "data-default-src", "data-thumb", "data-preview", "data-url", "data-image",
     "file", "data-caption-credit"],
)  # fmt: skip
def test_an_attribute_that_may_be_something_else_does_not_beat_a_true_src(name: str) -> None:
    assert source_of({"src": "/real.jpg", name: "/img/other.jpg"}, []) == Source("/real.jpg", "src")
    assert source_of({"src": "/real.jpg", name: "/img/other.jpg", "class": "lazyload"}, []) == Source(
        "/real.jpg", "src"
    )
    assert source_of({"src": "/static/none.gif", name: "/img/other.jpg"}, []) == Source("/img/other.jpg", name)


def test_the_larger_of_two_files_is_taken() -> None:
    attrs = {"src": GIF, "data-medium-file": "/m.jpg", "data-large-file": "/l.jpg"}
    assert source_of(attrs, []) == Source("/l.jpg", "data-large-file")


def test_a_true_src_is_taken_before_srcset() -> None:
    assert source_of({"src": "/a.jpg", "srcset": "/b.jpg 2000w"}, ["/c.jpg 2000w"]) == Source("/a.jpg", "src")


def test_the_picture_is_asked_where_the_image_says_nothing() -> None:
    assert source_of({}, ["/c.webp 480w, /d.webp 1200w"]) == Source("/d.webp", "picture")
    assert source_of({}, []) is None


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("a.jpg", [("a.jpg", 400.0)]),
        ("a.jpg, b.jpg 2x", [("a.jpg", 400.0), ("b.jpg", 800.0)]),
        ("a.jpg 300w,b.jpg 600w", [("a.jpg", 300.0), ("b.jpg", 600.0)]),
        ("w_4,h_3/a.jpg 300w, w_8,h_6/a.jpg 600w 450h", [("w_4,h_3/a.jpg", 300.0), ("w_8,h_6/a.jpg", 600.0)]),
        (" , a.jpg  1.5x , ", [("a.jpg", 600.0)]),
        ("a.jpg nonsense, b.jpg 1w", [("a.jpg", 400.0), ("b.jpg", 1.0)]),
        ("", []),
        (" , ,", []),
    ],
)
def test_a_srcset_is_read_as_the_standard_says(value: str, expected: list[tuple[str, float]]) -> None:
    assert parse_srcset(value) == expected


def test_the_smallest_picture_of_at_least_1024_pixels_is_chosen() -> None:
    assert choose_srcset("a 1023w, b 1024w, c 2000w") == "b"
    assert choose_srcset("a 100w, b 1023w") == "b"
    assert choose_srcset("{{src}} 100w") is None


@pytest.mark.parametrize(
    "url",
    [
        "",
        "about:blank",
        "#",
        "/img/blank.gif",
        "/x/placeholder-300x200.png",
        "spacer.gif?1",
        "/1x1.png",
        "/a/loading.svg",
        "/no-image.jpg",
        "/default_image-600x400.png",
        "a/px.gif#x",
        "/i/1-1.gif",
        "/lazy_2.WEBP",
    ],
)
def test_stand_ins_are_known_by_name(url: str) -> None:
    assert is_placeholder(url)


@pytest.mark.parametrize(
    "url",
    [
        "/img/blankets.jpg",
        "/loading-dock-at-night.jpg",
        "/photo.jpg",
        "/pixel-art-show.png",
        "/greyhound.jpg",
        "/vinyl-1-199x300.jpg",
        "/a/loading/7.jpg",
        "/blank",
        "300x200.jpg",
    ],
)
def test_names_that_only_look_like_stand_ins_are_not(url: str) -> None:
    assert not is_placeholder(url)


def test_a_raster_image_in_a_url_gives_its_bytes() -> None:
    png = b"\x89PNG\r\n\x1a\n" + b"x" * 50
    url = "data:image/png;base64," + base64.b64encode(png).decode()
    assert decode_data_url(url, len(png)) == png
    assert decode_data_url(url, len(png) - 1) is None
    assert decode_data_url("data:image/svg+xml;utf8,<svg/>", 1_000) is None
    assert decode_data_url("data:image/png;base64,!!!", 1_000) is None
    assert decode_data_url("data:text/html,%89PNG", 1_000) is None


@given(
    st.dictionaries(st.sampled_from(["src", "srcset", "data-src", "data-srcset", "class", "x"]), st.text(max_size=60)),
    st.lists(st.text(max_size=40), max_size=3),
)
def test_a_source_is_never_a_stand_in_unless_it_is_data(attrs: dict[str, str], srcsets: list[str]) -> None:
    found = source_of(attrs, srcsets)
    if found is not None and found.found_by == "src":
        assert not is_placeholder(found.url)
    if found is not None:
        assert found.url
