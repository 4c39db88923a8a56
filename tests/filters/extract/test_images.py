"""What becomes of each image of a page: a node, or a drop that says why."""

from __future__ import annotations

import pytest

from filters.extract import Document, extract
from schemas.reasons import ReferenceReason as Why

URL = "https://paper.example/a/b.html"
LONG = (
    "The bakery opens at five, when the street is dark and only the lorries of the market pass, "
    "loaded with apples, onions and cabbage. "
)


def read(inside: str, head: str = "", after: str = "", mode: str = "main") -> Document:
    body = f"<article><p>{LONG * 3}</p>{inside}<p>{LONG * 2}</p></article>{after}"
    return extract(f"<html><head>{head}</head><body>{body}</body></html>".encode(), URL, mode)


def dropped(found: Document) -> list[tuple[str, Why]]:
    return [(image.url, image.reason) for image in found.dropped]


@pytest.mark.parametrize(
    ("image", "url", "why"),
    [
        ('<img src="javascript:void(0)">', "javascript:void(0)", Why.BAD_URL),
        ('<img src="file:///c:/bread.jpg">', "file:///c:/bread.jpg", Why.BAD_URL),
        ('<img src="http://[1/bread.jpg">', "http://[1/bread.jpg", Why.BAD_URL),
        ('<img src="blob:https://paper.example/1">', "blob:https://paper.example/1", Why.BAD_URL),
        ('<img src="/img/blank.gif">', "https://paper.example/img/blank.gif", Why.PLACEHOLDER),
        ('<img src="about:blank">', "about:blank", Why.PLACEHOLDER),
        ("<img>", "", Why.PLACEHOLDER),
        ('<img src="data:image/gif;base64,R0lGODlhAQABAAAAACw=">', "data:image/gif;base64,R0lGODlhAQABAAAAACw=",
         Why.PLACEHOLDER),
        ('<img src="data:image/svg+xml;utf8,<svg/>">', "data:image/svg+xml;utf8,<svg/>", Why.DATA_URL),
        ('<img src="/b.jpg" width="1" height="1">', "https://paper.example/b.jpg", Why.TRACKING_PIXEL),
        ('<img src="https://stats.example/visit?id=3">', "https://stats.example/visit?id=3", Why.TRACKING_PIXEL),
        ('<img src="/img/1x1.gif" width="1" height="1">', "https://paper.example/img/1x1.gif", Why.TRACKING_PIXEL),
        ('<img src="/b.jpg" width="16" height="16">', "https://paper.example/b.jpg", Why.ICON),
        ('<img src="/icons/print.png">', "https://paper.example/icons/print.png", Why.ICON),
        ('<img src="https://img.shields.example/pypi/v/x">', "https://img.shields.example/pypi/v/x", Why.ICON),
        ('<img src="/tests/badge.svg">', "https://paper.example/tests/badge.svg", Why.ICON),
        ('<img src="/b.jpg" class="avatar">', "https://paper.example/b.jpg", Why.AVATAR),
        ('<img src="https://h.example/avatar/abc">', "https://h.example/avatar/abc", Why.AVATAR),
        ('<img src="/adserver/b.jpg">', "https://paper.example/adserver/b.jpg", Why.ADVERT),
        ('<div class="ad-slot"><img src="/b.jpg"></div>', "https://paper.example/b.jpg", Why.ADVERT),
        ('<img src="/share/button.png">', "https://paper.example/share/button.png", Why.SHARE_BUTTON),
        ('<div class="share-buttons"><a href="#"><img src="/b.jpg"></a></div>', "https://paper.example/b.jpg",
         Why.SHARE_BUTTON),
        ('<div class="related-posts"><a href="/1"><img src="/b.jpg">A mill</a></div>', "https://paper.example/b.jpg",
         Why.RELATED_STRIP),
        ('<nav><img src="/b.jpg"></nav>', "https://paper.example/b.jpg", Why.FURNITURE),
        ('<p hidden><img src="/b.jpg"></p>', "https://paper.example/b.jpg", Why.HIDDEN),
        ('<img src="/b.jpg" style="display: none">', "https://paper.example/b.jpg", Why.HIDDEN),
    ],
)  # fmt: skip
def test_an_image_that_is_no_content_is_dropped_with_its_reason(image: str, url: str, why: Why) -> None:
    found = read(image)
    assert dropped(found) == [(url, why)]
    assert [node.image_url for node in found.nodes if node.image_url] == []


@pytest.mark.parametrize(
    "src",
    ["/running/track.jpg", "/photos/counter.jpeg", "/collect/a.webp", "https://stats.example/photo.jpg",
     "https://pixel.example/photo.avif"],
)  # fmt: skip
def test_a_photograph_is_no_tracking_pixel_unless_its_size_says_so(src: str) -> None:
    assert read(f'<img src="{src}">').dropped == []
    assert [why for _, why in dropped(read(f'<img src="{src}" width="1" height="1">'))] == [Why.TRACKING_PIXEL]
    gif = src.rpartition(".")[0] + ".gif"
    assert [why for _, why in dropped(read(f'<img src="{gif}">'))] == [Why.TRACKING_PIXEL]


def test_a_stand_in_or_a_script_in_src_does_not_cost_the_picture_beside_it() -> None:
    for src in ("javascript:void(0)", "about:blank", "/img/blank.gif"):
        found = read(f'<img src="{src}" data-src="/bread.jpg">')
        assert [node.image_url for node in found.nodes if node.image_url] == ["https://paper.example/bread.jpg"]
        assert found.dropped == []


def test_the_picture_for_social_networks_is_recorded_and_never_placed() -> None:
    head = '<meta property="og:image" content="/hero.jpg">'
    assert dropped(read("", head)) == [("https://paper.example/hero.jpg", Why.NOT_PLACED)]
    placed = read('<img src="/hero.jpg">', head)
    assert placed.dropped == []
    assert placed.og_image == "https://paper.example/hero.jpg"


def test_pictures_of_other_articles_after_the_text_are_a_related_strip() -> None:
    found = read("", after='<div class="related"><h3>Related</h3><a href="/1"><img src="/r.jpg">A mill</a></div>')
    assert dropped(found) == [("https://paper.example/r.jpg", Why.RELATED_STRIP)]


def test_a_picture_met_again_is_a_duplicate_in_the_page() -> None:
    found = read('<img src="/b.jpg"><img src="/b.jpg#again">')
    assert dropped(found) == [("https://paper.example/b.jpg", Why.DUPLICATE_IN_PAGE)]


def test_a_link_to_the_larger_picture_is_recorded_and_one_to_a_page_is_not() -> None:
    found = read('<a href="/large.jpg"><img src="/small.jpg"></a><a href="/page"><img src="/other.jpg"></a>')
    assert [node.full_size_url for node in found.nodes if node.image_url] == ["https://paper.example/large.jpg", None]


def test_a_box_that_shows_a_picture_and_links_to_where_it_is_from_stays_one_that_recommends_goes() -> None:
    box = (
        '<div class="frame"><a href="{0}/p"><img src="/b.jpg"></a><br><span class="photo-caption"><a href="{0}/p">'
        'Artichokes</a>, by <a href="{0}/u">Anna Berg</a></span></div>'
    )
    away = read(box.format("https://photos.example"))
    assert [node.image_url for node in away.nodes if node.image_url] == ["https://paper.example/b.jpg"]
    assert dropped(read(box.format(""))) == [("https://paper.example/b.jpg", Why.FURNITURE)]
    assert dropped(read(box.format("https://paper.example"))) == [("https://paper.example/b.jpg", Why.FURNITURE)]
