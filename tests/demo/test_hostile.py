from __future__ import annotations

import pytest
from selectolax.lexbor import LexborHTMLParser

from demo.album import Album
from demo.body import Body
from demo.hostile import DEPTH, trap, troubled
from demo.prose import Prose

PAGE = '<html><head><title>T</title></head><body><nav class="menu"></nav><p>one</p><p>two</p></body></html>'


@pytest.mark.parametrize(
    ("way", "sign"),
    [(0, "<title><script>"), (0, "javascript:void"), (1, "<div>" * DEPTH), (2, "A" * 200_000), (2, "&#x110000;")],
)
def test_each_way_troubles_a_reader_as_it_says(way: int, sign: str) -> None:
    assert sign in troubled(PAGE, way)


@pytest.mark.parametrize("way", [0, 2])
def test_a_browser_still_reads_the_text(way: int) -> None:
    texts = [node.text().strip() for node in LexborHTMLParser(troubled(PAGE, way)).css("p")]
    assert texts[:2] == ["one", "two"]


@pytest.mark.parametrize("way", [0, 1, 2])
def test_traps_are_no_content(way: int) -> None:
    body = Body(Album(Prose("en", 1), "http://cdn.weft.example/", (1,)), False)
    trap(body, way)
    assert body.html
    assert body.nodes == []
