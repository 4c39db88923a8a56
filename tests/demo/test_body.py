from __future__ import annotations

import pytest
from selectolax.lexbor import LexborHTMLParser

from demo.album import Album
from demo.body import BLANK, Body
from demo.prose import Prose


def _body(relative: bool = False) -> Body:
    return Body(Album(Prose("en", 1), "http://cdn.weft.example/a/", (1,), ("jpeg",) * 9), relative)


def _tree(body: Body) -> LexborHTMLParser:
    return LexborHTMLParser("".join(body.html))


def test_html_and_truth_say_the_same() -> None:
    body = _body()
    body.heading(2, "Ink & <paper>")
    body.paragraph("One.")
    body.items(["a", "b"], ordered=True)
    body.table([("x", "y"), ("1", "2")])
    body.code("if a < b:\n    pass")
    body.quote("Q")
    tree = _tree(body)
    assert tree.css_first("h2").text() == "Ink & <paper>"
    assert [node.text() for node in tree.css("ol > li")] == ["a", "b"]
    assert [node.text() for node in tree.css("th")] == ["x", "y"]
    assert tree.css_first("pre").text() == "if a < b:\n    pass"
    roles = [node[1] for node in body.nodes]
    assert roles == ["heading2", "paragraph", "list_item", "list_item", "table", "code", "quote"]
    assert body.nodes[4] == ("text", "table", "x | y\n1 | 2")


def test_a_caption_stands_with_its_image_and_after_it() -> None:
    body = _body()
    shot = body.album.shot("things")
    body.picture(shot)
    assert body.nodes == [("image", shot.url, shot.alt, shot.caption), ("text", "caption", shot.caption)]
    assert body.pairs == [(shot.url, shot.caption)]
    assert _tree(body).css_first("figure > figcaption").text() == shot.caption
    body.picture(shot, caption=False, alt=False)
    assert body.nodes[-1] == ("image", shot.url, "", "")
    assert body.pairs[-1] == (shot.url, shot.says)


@pytest.mark.parametrize(
    ("style", "selector", "attribute"),
    [
        ("plain", "p > img", "src"),
        ("linked", "a > img", "src"),
        ("lazy", "img.lazyload", "data-src"),
        ("placeholder", "img.lazy", "data-original"),
        ("picture", "picture > img", "src"),
    ],
)
def test_each_style_puts_the_address_where_it_says(style: str, selector: str, attribute: str) -> None:
    body = _body()
    shot = body.album.shot()
    body.picture(shot, style, caption=False)
    node = _tree(body).css_first(selector)
    assert node.attributes[attribute] == shot.url
    if style == "lazy":
        assert node.attributes["src"] == BLANK
        assert "<noscript><img" in "".join(body.html)
    if style == "picture":
        source = _tree(body).css_first("picture > source").attributes["srcset"]
        assert body.alternatives == {shot.url: (source,)}


@pytest.mark.parametrize(("style", "has_src"), [("srcset", True), ("srcset_only", False)])
def test_srcset_names_all_sizes(style: str, has_src: bool) -> None:
    body = _body()
    shot = body.album.shot(variants=True)
    body.picture(shot, style)
    node = _tree(body).css_first("img")
    small = shot.variants[0][0]
    assert node.attributes["srcset"] == f"{small} {shot.size[0] // 2}w, {shot.url} {shot.size[0]}w"
    assert (node.attributes.get("src") == small) is has_src
    assert body.alternatives[shot.url] == (small,)


def test_relative_addresses_have_no_host() -> None:
    body = _body(relative=True)
    assert body.address("http://cdn.weft.example/a/x.jpg") == "/a/x.jpg"
    assert _body().address("http://h/a?b&c") == "http://h/a?b&amp;c"
