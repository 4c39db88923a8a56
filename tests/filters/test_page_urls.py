"""Captures of one page get one form; different pages keep theirs."""

from __future__ import annotations

import socket

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filters.page_urls import canonical, site

PAGE = "http://example.com/a/b"


@pytest.mark.parametrize(
    "url",
    [
        "HTTP://Example.COM/a/b",
        "http://example.com:80/a/b",
        "http://user:pw@example.com/a/b",
        "http://example.com./a/b#part",
        "http://example.com/a/./x/../b",
        "http://example.com/a/b?",
        "http://example.com/a/b?utm_source=x&utm_medium=y&fbclid=1&gclid=2&msclkid=3",
        "http://example.com/a/b;jsessionid=ABC123",
        "http://example.com/%61/%62",
        "  http://example.com/a/b  ",
    ],
)
def test_captures_of_one_page_have_one_form(url):
    assert canonical(url) == PAGE


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com/a/b",
        "http://www.example.com/a/b",
        "http://example.com:8080/a/b",
        "http://example.com/a/b/",
        "http://example.com/A/b",
        "http://example.com/a/b?id=1",
        "http://example.com/a%2Fb",
        "http://example.com/a/b?source=x",
        "http://example.com/a/b?ref=1",
    ],
)
def test_what_may_be_another_page_keeps_its_own_form(url):
    assert canonical(url) != PAGE
    assert canonical(url) == url


@pytest.mark.parametrize(
    ("url", "form"),
    [
        ("http://example.com", "http://example.com/"),
        ("http://example.com/ä?q=ü x", "http://example.com/%C3%A4?q=%C3%BC%20x"),
        ("http://example.com/%c3%a4", "http://example.com/%C3%A4"),
        ("http://MÜNCHEN.de/", "http://xn--mnchen-3ya.de/"),
        ("http://example.com/?b=1&a=2&b=1", "http://example.com/?b=1&a=2&b=1"),
        ("http://example.com/a/..", "http://example.com/"),
        ("http://example.com/../../a", "http://example.com/a"),
        ("http://example.com/?a=1&&utm_id=3&b", "http://example.com/?a=1&b"),
        ("http://[2001:DB8::1]:80/x", "http://[2001:db8::1]/x"),
        ("http://example.com/100%", "http://example.com/100%"),
    ],
)
def test_the_one_form(url, form):
    assert canonical(url) == form


@pytest.mark.parametrize(
    "url", ["", "not a url", "mailto:a@b.c", "http://", "http://[::1", "http://x:99999/", "//x/y", "http:///a"]
)
def test_what_is_no_page_url_is_its_own_form(url):
    assert canonical(url) == url


@settings(deadline=None)  # the first one reads the public suffix list
@given(st.text(max_size=60).map(lambda tail: "http://example.com/" + tail) | st.text(max_size=40))
def test_the_form_of_the_form_is_itself_and_nothing_raises(url):
    once = canonical(url)
    assert canonical(once) == once
    assert isinstance(site(url), str)


@given(st.sampled_from(["utm_source", "gclid", "fbclid", "_ga", "mc_cid"]), st.integers(0, 3))
def test_tracking_parameters_vanish_wherever_they_stand(name, place):
    parts = ["a=1", "b=2", "c=3"]
    parts.insert(place, f"{name}=xyz")
    assert canonical("http://example.com/?" + "&".join(parts)) == "http://example.com/?a=1&b=2&c=3"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://news.bbc.co.uk/1", "bbc.co.uk"),
        ("https://www.example.com:8080/x", "example.com"),
        ("http://jo.github.io/x", "jo.github.io"),
        ("http://192.168.0.1/", "192.168.0.1"),
        ("http://[::1]/", "[::1]"),
        ("http://localhost/", "localhost"),
        ("http://www.münchen.de/", "xn--mnchen-3ya.de"),
        ("http://co.uk/", "co.uk"),
        ("nothing", ""),
    ],
)
def test_the_site_is_the_registrable_domain(url, expected):
    assert site(url) == expected


def test_no_network_is_asked(monkeypatch):
    def refuse(*_args, **_kwargs):
        raise AssertionError("a filter opened a socket")

    monkeypatch.setattr(socket, "socket", refuse)
    assert site("http://never.seen.before.example.org/") == "example.org"
