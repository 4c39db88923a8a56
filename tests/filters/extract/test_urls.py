"""URLs as a browser resolves them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.extract.urls import MAX_URL, base_url, resolve

BASE = "https://example.org/a/b/page.html?x=1"


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ("pic.jpg", "https://example.org/a/b/pic.jpg"),
        ("./pic.jpg", "https://example.org/a/b/pic.jpg"),
        ("../pic.jpg", "https://example.org/a/pic.jpg"),
        ("/pic.jpg", "https://example.org/pic.jpg"),
        ("//cdn.example/p.jpg", "https://cdn.example/p.jpg"),
        ("http://h.example/p.jpg", "http://h.example/p.jpg"),
        (" \n/p\n.jpg\t ", "https://example.org/p.jpg"),
        ("/a b.jpg", "https://example.org/a%20b.jpg"),
        ("/w_400,h_300/p.jpg", "https://example.org/w_400,h_300/p.jpg"),
        ("http://h.example:8080/p.jpg", "http://h.example:8080/p.jpg"),
        ("http://h.example:80/p.jpg", "http://h.example/p.jpg"),
        ("https://H.Example:443/P.jpg", "https://h.example/P.jpg"),
        ("/caf\u00e9.jpg", "https://example.org/caf%C3%A9.jpg"),
        ("/caf%C3%A9.jpg", "https://example.org/caf%C3%A9.jpg"),
        ("/p.jpg#part", "https://example.org/p.jpg"),
        ("?id=2", "https://example.org/a/b/page.html?id=2"),
        ("\\\\cdn.example\\p.jpg", "https://cdn.example/p.jpg"),
        ("http:/h.example/p.jpg", "http://h.example/p.jpg"),
        ("https:pic.jpg", "https://example.org/a/b/pic.jpg"),
        ("http://\u0431\u044e\u0440\u043e.example/p.jpg", "http://xn--90a4boj.example/p.jpg"),
        ("data:image/png;base64,AAAA", None),
        ("javascript:void(0)", None),
        ("blob:https://x/1", None),
        ("http://", None),
        ("http://a b/p.jpg", None),
        ("http://[1/p.jpg", None),
    ],
)
def test_a_reference_is_resolved_as_a_browser_does(reference: str, expected: str | None) -> None:
    if expected is not None and "xn--" in expected:
        assert (resolve(BASE, reference) or "").startswith("http://xn--")
    else:
        assert resolve(BASE, reference) == expected


def test_a_query_is_escaped_in_the_encoding_of_the_page() -> None:
    assert resolve(BASE, "/p?q=\u00fc", "cp1252") == "https://example.org/p?q=%FC"
    assert resolve(BASE, "/p?q=\u00fc", "utf-8") == "https://example.org/p?q=%C3%BC"
    assert resolve(BASE, "/p?q=\u4e2d", "cp1252") == "https://example.org/p?q=&%2320013;"


def test_a_url_of_the_longest_length_is_taken_and_one_more_is_not() -> None:
    assert resolve(BASE, "http://h.example/" + "a" * (MAX_URL - 17)) is not None
    assert resolve(BASE, "http://h.example/" + "a" * (MAX_URL - 16)) is None


def test_a_base_that_is_no_url_is_the_page_itself() -> None:
    assert base_url(BASE, None) == BASE
    assert base_url(BASE, "data:text/html,x") == BASE
    assert base_url(BASE, "/other/") == "https://example.org/other/"


@pytest.mark.parametrize("reference", ["a.jpg", "/a.jpg", "//h.example/a.jpg", "?a", "http://[/a.jpg"])
def test_a_page_whose_url_is_none_resolves_nothing_and_does_not_raise(reference: str) -> None:
    assert resolve("http://[", reference) is None
    assert resolve("http://[", "https://h.example/a.jpg") == "https://h.example/a.jpg"


@given(st.text(max_size=80))
def test_what_is_resolved_once_is_not_changed_by_resolving_again(reference: str) -> None:
    once = resolve(BASE, reference)
    if once is not None:
        assert once.isascii()
        assert resolve(BASE, once) == once
