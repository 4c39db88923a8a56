import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.fetch.target import Target, target_of


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("http://a.example/%7Ejoe/a%2Fb.jpg?sig=a%2Bb", "/%7Ejoe/a%2Fb.jpg?sig=a%2Bb"),
        ("http://a.example/two words.jpg", "/two%20words.jpg"),
        ("http://a.example/caf\u00e9.jpg?n=\u00e9", "/caf%C3%A9.jpg?n=%C3%A9"),
        ("http://a.example/{x}<y>|z.jpg", "/%7Bx%7D%3Cy%3E|z.jpg"),
        ("http://a.example/100%.jpg", "/100%.jpg"),
        ("http://a.example#top", "/"),
        ("http://a.example?x=1", "/?x=1"),
        ("http://b\u00fccher.example/\u00e9", "/%C3%A9"),
        ("http://a.example/a\r\nHost: b", "/aHost:%20b"),
    ],
)
def test_urls_are_asked_as_browsers_ask_them(url, path):
    assert target_of(url).path == path


@pytest.mark.parametrize(
    ("url", "authority", "origin"),
    [
        ("HTTPS://User:secret@A.Example:8443/x?y#z", "a.example:8443", "https://a.example:8443"),
        ("http://a.example:80/", "a.example", "http://a.example"),
        ("https://a.example:443/", "a.example", "https://a.example"),
        ("http://[::1]:8080/x", "[::1]:8080", "http://[::1]:8080"),
        ("http://b\u00fccher.example/", "xn--bcher-kva.example", "http://xn--bcher-kva.example"),
        ("http://a.example./", "a.example", "http://a.example"),
        ("http://my_cdn.example/", "my_cdn.example", "http://my_cdn.example"),
    ],
)
def test_hosts_have_one_spelling(url, authority, origin):
    target = target_of(url)
    assert (target.authority, target.origin) == (authority, origin)


@pytest.mark.parametrize(
    "url", ["ftp://a/b", "https:///x", "http://a:port/", "http://[broken/x", "http://a b/", "http://a\u0000b/", "x", ""]
)
def test_what_has_no_host_is_refused(url):
    with pytest.raises(ValueError, match=r"."):
        target_of(url)


@given(st.text(max_size=60))
def test_no_url_says_more_than_one_line(text):
    try:
        target = target_of("http://" + text)
    except ValueError:
        return
    assert isinstance(target, Target)
    line = f"GET {target.path} HTTP/1.1 {target.authority}"
    assert line.isascii()
    assert line.isprintable()
    assert line.count(" ") == 3
