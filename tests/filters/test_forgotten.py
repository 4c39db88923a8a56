import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.forgotten import PREFIX, Forgotten, digest, host_of, is_entry, replacement

FILE = hashlib.sha256(b"picture").hexdigest()
KNOWN = Forgotten(
    [
        ("url", digest("url", "https://a.example/page?x=1")),
        ("url", digest("url", "http://img.example/1.png")),
        ("host", digest("host", "gone.example")),
        ("hash", digest("hash", FILE)),
    ]
)


@pytest.mark.parametrize(
    ("url", "is_known"),
    [
        ("https://a.example/page?x=1", True),
        ("http://a.example/page?x=1", True),  # the same place
        ("https://A.example:443/page?x=1#top", True),
        ("https://a.example/page?x=1&utm_source=y", True),
        ("https://a.example/page?x=2", False),
        ("https://a.example/page", False),
        ("https://gone.example/", True),
        ("https://cdn.gone.example/a.jpg", True),
        ("https://notgone.example/", False),
        ("https://gone.example.org/", False),
        (f"data:sha256,{FILE}", True),
        (f"data:sha256,{'0' * 64}", False),
        (replacement("https://gone.example/"), False),
        ("", False),
        (None, False),
        ("http://[bad", False),
    ],
)
def test_what_is_known(url, is_known):
    assert KNOWN.has_url(url) is is_known


def test_files_are_known_by_their_hash_in_any_case():
    assert KNOWN.has_file(FILE)
    assert KNOWN.has_file(FILE.upper())
    assert not KNOWN.has_file(None)
    assert not KNOWN.has_file("0" * 64)


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("See https://gone.example/a, and more.", "See <url>, and more."),
        ("(http://img.example/1.png)", "(<url>)"),
        ("At http://img.example/1.png.", "At <url>."),
        ("//gone.example/x is short", "<url> is short"),
        ("https://a.example/page?x=12 stays", "https://a.example/page?x=12 stays"),
        ("no address at all", "no address at all"),
    ],
)
def test_addresses_in_a_text_are_replaced_and_the_rest_stays(text, left):
    assert KNOWN.without(text) == left
    assert KNOWN.mentions(text) == (text != left)
    assert KNOWN.without(left) == left


def test_a_host_alone_is_a_mention_where_a_column_holds_it():
    assert KNOWN.mentions("www.gone.example")
    assert not KNOWN.mentions("www.here.example")
    assert not KNOWN.mentions(FILE)  # a hash tells nothing


def test_values_of_json_are_changed_however_deep():
    value = {"a": ["x", {"b": "to https://gone.example/"}], "c": 1}
    assert KNOWN.within(value) == {"a": ["x", {"b": "to <url>"}], "c": 1}


@given(st.text(max_size=200))
def test_a_text_that_mentions_nothing_comes_back_as_it_is_and_nothing_raises(text):
    assert KNOWN.mentions(text) or KNOWN.without(text) == text
    assert Forgotten(()).without(text) == text
    assert not Forgotten(())


@given(st.lists(st.binary(min_size=16, max_size=16), min_size=1, max_size=50))
def test_every_tombstone_is_found_and_no_other(digests):
    known = Forgotten([("hash", value) for value in digests])
    assert len(known._known["hash"]) == len(digests)
    assert not known.has_file("f" * 64) or digest("hash", "f" * 64) in digests


@given(st.text(max_size=60))
def test_what_stands_for_a_url_tells_nothing_of_it(url):
    stands = replacement(url)
    assert stands.startswith(PREFIX)
    assert len(stands) == len(PREFIX) + 32 or url.startswith(PREFIX)
    assert replacement(stands) == stands


@pytest.mark.parametrize(
    ("kind", "line", "is_one"),
    [
        ("url", "https://a.example/x", True),
        ("url", "a.example", False),
        ("url", "ftp://a.example/", False),
        ("host", "a.example", True),
        ("host", "a.example/x", False),
        ("host", "", False),
        ("hash", FILE, True),
        ("hash", FILE[:-1], False),
    ],
)
def test_lines_of_a_list_are_what_the_list_is_of(kind, line, is_one):
    assert is_entry(kind, line) is is_one


def test_hosts_are_compared_in_one_form():
    assert host_of("HTTP://BÜCHER.example./x") == "xn--bcher-kva.example"
    assert digest("host", "A.example.") == digest("host", "a.example")
