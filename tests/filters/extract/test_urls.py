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
        ("http://\u0431\u044e\u0440\u043e.example/p.jpg", "http://xn--90a0af9c.example/p.jpg"),
        ("data:image/png;base64,AAAA", None),
        ("javascript:void(0)", None),
        ("blob:https://x/1", None),
        ("http://", None),
        ("http://a b/p.jpg", None),
        ("http://[1/p.jpg", None),
    ],
)
def test_a_reference_is_resolved_as_a_browser_does(reference: str, expected: str | None) -> None:
    assert resolve(BASE, reference) == expected


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ("http://h.ex/a/../b.jpg", "http://h.ex/b.jpg"),
        ("//h.ex/a/./b.jpg", "https://h.ex/a/b.jpg"),
        ("http://h.ex/a/%2e%2E/b.jpg", "http://h.ex/b.jpg"),
        ("http://h.ex/a/.%2e/", "http://h.ex/"),
        ("../../../x.jpg", "https://example.org/x.jpg"),
        ("..", "https://example.org/a/"),
        (".", "https://example.org/a/b/"),
        ("/a//b/../c.jpg", "https://example.org/a//c.jpg"),
        ("http://h.ex/.hidden/a...jpg", "http://h.ex/.hidden/a...jpg"),
        ("/r?to=/../z", "https://example.org/r?to=/../z"),
    ],
)
def test_dot_segments_go_and_nothing_else_with_dots(reference: str, expected: str) -> None:
    assert resolve(BASE, reference) == expected


@pytest.mark.parametrize(
    ("port", "expected"),
    [("65535", ":65535"), ("65536", None), ("99999", None), ("0080", ""), ("", ""), ("443", ":443"), ("8a", None)],
)
def test_a_port_is_one_of_65535(port: str, expected: str | None) -> None:
    assert resolve(BASE, f"http://h.ex:{port}/a") == (None if expected is None else f"http://h.ex{expected}/a")


@pytest.mark.parametrize("reference", ["//", "///", "http:///", "http://%2f/", "http://a<b/", "http://%/"])
def test_a_reference_without_a_host_leads_nowhere(reference: str) -> None:
    assert resolve(BASE, reference) is None


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("fa\u00df.de", "xn--fa-hia.de"),
        ("\u2603.net", "xn--n3h.net"),
        ("\uff26\uff2f\uff2f.com", "foo.com"),
        ("a\u3002b", "a.b"),
        ("\u0928\u094d\u200d\u092e.com", "xn--l2bm6gu27h.com"),
        ("x\u200cy.com", None),
        ("\u0301x.com", None),
        ("a\u05d0.com", None),
        ("a_b--c.ex", "a_b--c.ex"),
        ("ex%61mple.com", "example.com"),
        ("%C3%BC.de", "xn--tda.de"),
        ("[2001:DB8::1]", "[2001:db8::1]"),
        ("0x7f.1", "127.0.0.1"),
        ("127.0.0.1", "127.0.0.1"),
        ("017.0.0.1", "15.0.0.1"),
        ("3232235777", "192.168.1.1"),
        ("192.168.257", "192.168.1.1"),
        ("1.2.3.4.", "1.2.3.4"),
        ("256.1.1.1", None),
        ("1.2.3.4.5", None),
        ("4294967296", None),
        ("09.1", None),
        ("a.1", None),
        ("0x", "0.0.0.0"),
        ("a1.b2", "a1.b2"),
    ],
)
def test_a_host_is_named_as_browsers_name_it(host: str, expected: str | None) -> None:
    assert resolve(BASE, f"http://{host}/a") == (None if expected is None else f"http://{expected}/a")


def test_an_apostrophe_is_escaped_in_a_query_only() -> None:
    assert resolve(BASE, "/it's.jpg?it's") == "https://example.org/it's.jpg?it%27s"
    assert resolve(BASE, "http://h.ex/it's?it's") == "http://h.ex/it's?it%27s"


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ("https:/foo/x", "https://example.org/foo/x"),
        ("http:foo/x", "http://foo/x"),
        ("https:?q", "https://example.org/a/b/page.html?q"),
        ("#part", BASE),
        ("", BASE),
        ("/a?", "https://example.org/a?"),
        ("http://u:p@H.ex:80/a?b#c", "http://u:p@h.ex/a?b"),
    ],
)
def test_what_a_reference_lacks_comes_from_the_page(reference: str, expected: str) -> None:
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
