"""Hosts with their subdomains, URLs with what is below them, words between word boundaries."""

from __future__ import annotations

import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.page_lists import Config, blocklist, fingerprint, load
from schemas.errors import InputError

LIST = blocklist(
    hosts=["Bad.example", "www.ads.example", "# a comment", "", "1.2.3.4"],
    urls=["mixed.example/adult", "http://www.other.example/x/y/"],
    words=["sex", "casino"],
)


@pytest.mark.parametrize(
    ("url", "entry"),
    [
        ("http://bad.example/", "host bad.example"),
        ("https://www.BAD.example:8443/x", "host bad.example"),
        ("http://a.b.bad.example./x", "host bad.example"),
        ("http://ads.example/", "host ads.example"),
        ("http://1.2.3.4/", "host 1.2.3.4"),
        ("http://mixed.example/adult", "url mixed.example/adult"),
        ("http://www.mixed.example/adult/1.html?q", "url mixed.example/adult"),
        ("http://other.example/x/y/z", "url other.example/x/y"),
        ("http://sex-shop.example/", "word sex"),
        ("http://example.com/a/free_casino/1", "word casino"),
        ("http://example.com/%73ex/1", "word sex"),
        ("http://example.com/%53EX/1", "word sex"),
    ],
)
def test_what_is_listed_is_blocked_and_says_by_what(url, entry):
    assert LIST.blocks(url) == entry


@pytest.mark.parametrize(
    "url",
    [
        "http://essex.example/middlesex/sussex.html",
        "http://notbad.example/",
        "http://bad.example.org/",
        "http://mixed.example/adults",
        "http://mixed.example/",
        "http://other.example/x",
        "http://example.com/?q=sex",
        "http://casinos.example/",
        "no url",
        "http://[::1/",
        "",
    ],
)
def test_what_is_not_listed_passes(url):
    assert LIST.blocks(url) is None


@given(st.text(max_size=40))
def test_no_text_raises_and_an_empty_list_blocks_nothing(url):
    assert blocklist().blocks("http://" + url) is None
    found = LIST.blocks("http://" + url)
    assert found is None or found.split(" ")[0] in ("host", "url", "word")


def test_a_folder_in_the_ut1_layout_is_read(tmp_path):
    (tmp_path / "domains").write_text("one.example\n")
    (tmp_path / "urls.gz").write_bytes(gzip.compress(b"two.example/x\n"))
    (tmp_path / "usage").write_text("black")
    more = tmp_path / "mine.txt"
    more.write_text("# mine\nthree.example\n")
    found = load([str(tmp_path), str(more)])
    assert found.blocks("http://one.example/") == "host one.example"
    assert found.blocks("http://two.example/x/y") == "url two.example/x"
    assert found.blocks("http://three.example/") == "host three.example"
    assert found.blocks("http://black/") is None


def test_what_is_missing_or_no_list_is_named(tmp_path):
    with pytest.raises(InputError, match="nowhere"):
        load([str(tmp_path / "nowhere")])
    with pytest.raises(InputError, match="holds no file"):
        load([str(tmp_path)])
    (tmp_path / "domains").write_bytes(b"\xff\xfe\x00binary")
    with pytest.raises(InputError, match="no list"):
        load([str(tmp_path)])


def test_the_fingerprint_is_of_what_the_lists_hold(tmp_path):
    (tmp_path / "domains").write_text("one.example\n")
    before = fingerprint(Config(blocklists=(str(tmp_path),)))
    assert len(before) == 1
    (tmp_path / "words").write_text("casino\n")
    assert len(fingerprint(Config(blocklists=(str(tmp_path),)))) == 2
    (tmp_path / "words").unlink()
    (tmp_path / "domains").write_text("two.example\n")
    assert fingerprint(Config(blocklists=(str(tmp_path),))) != before
    assert fingerprint(Config()) == []
    with pytest.raises(InputError, match="nowhere"):
        fingerprint(Config(blocklists=("nowhere",)))
