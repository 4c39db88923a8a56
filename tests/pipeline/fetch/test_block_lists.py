import hashlib
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from demo.pages import make_page
from filters.images.measures import measure
from filters.images.pdq import MIN_QUALITY
from pipeline.fetch.block_lists import BlockLists, read_lists
from schemas.errors import ConfigError

LISTED = b"bytes that must not be kept"
LISTS = BlockLists(
    [
        "# who objects",
        "",
        "Example.com   # all of it",
        "https://photos.example/mine/#top",
        hashlib.md5(LISTED).hexdigest(),
    ]
)


@pytest.mark.parametrize(
    ("url", "blocked"),
    [
        ("https://example.com/x.jpg", True),
        ("http://WWW.EXAMPLE.COM./x.jpg", True),
        ("https://notexample.com/x.jpg", False),
        ("https://example.com.evil/x.jpg", False),
        ("https://photos.example/mine/#top", True),
        ("HTTPS://me@Photos.Example.:443/mine/#top", True),
        ("http://photos.example/mine/#top", True),
        ("https://photos.example:8443/mine/#top", False),
        ("https://photos.example/yours/1.jpg", False),
        ("https://photos.example:port/mine/#top", False),
        ("http://[broken", False),
    ],
)
def test_hosts_and_beginnings_of_urls_are_blocked(url, blocked):
    assert (LISTS.blocks_url(url) is not None) is blocked


@pytest.mark.parametrize("kind", ["md5", "sha1", "sha256"])
def test_hashes_of_three_kinds_are_blocked(kind):
    lists = BlockLists([hashlib.new(kind, LISTED).hexdigest().upper()])
    assert kind in lists.blocks_bytes(LISTED)
    assert lists.blocks_bytes(LISTED + b".") is None


def test_a_picture_on_a_pdq_list_is_blocked_in_other_bytes_and_no_other_picture_is():
    pictures = [p.data for p in make_page(3, 0).images.values() if p.content_type == "image/jpeg"]
    looks = [measure(data) for data in pictures]
    assert min(m.pdq_quality for m in looks[:2]) >= MIN_QUALITY
    lists = BlockLists([f"PDQ:{looks[0].pdq.upper()}  # of a safety organisation"])
    out = io.BytesIO()
    Image.open(io.BytesIO(pictures[0])).save(out, format="PNG")
    assert lists.blocks_bytes(pictures[0]) == "PDQ hash is on a block list"
    assert lists.blocks_bytes(out.getvalue()) == "PDQ hash is on a block list"
    assert lists.blocks_bytes(pictures[1]) is None
    assert lists.blocks_bytes(b"no image") is None


@pytest.mark.parametrize("line", ["pdq:12", "two words", "ftp://example.com/", "abcdef", "https://"])
def test_a_line_of_another_kind_is_an_error_that_says_where(line):
    with pytest.raises(ConfigError, match="line 2"):
        BlockLists(["example.com", line])


def test_lists_are_read_from_files(tmp_path):
    path = tmp_path / "list.txt"
    path.write_text("example.com\n")
    assert read_lists(()) is None
    assert read_lists((str(path),)).blocks_url("https://example.com/") is not None
    with pytest.raises(ConfigError, match="cannot be read"):
        read_lists((str(tmp_path / "none"),))


@given(st.binary(max_size=100))
def test_what_is_listed_is_blocked_and_nothing_else(data):
    lists = BlockLists([hashlib.sha256(data).hexdigest()])
    assert lists.blocks_bytes(data) is not None
    assert lists.blocks_bytes(data + b"x") is None
