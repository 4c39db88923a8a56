"""Documents that an import wrote, read as what they are, within bounds, and never an exception for their bytes."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.extract import Limits
from filters.imported import read, write
from schemas.reasons import DocumentReason, ReferenceReason
from schemas.shard import TEXT_ROLES

LIMITS = Limits()
IMAGE = {"image_url": "http://a.example/1.png", "alt": "a tree", "caption": None, "width": 640}

TEXT = st.builds(lambda text, role: {"text": text, "role": role}, st.text(min_size=1), st.sampled_from(TEXT_ROLES))
PICTURE = st.builds(lambda url, alt: {"image_url": url, "alt": alt}, st.text(min_size=1), st.none() | st.text())


@given(nodes=st.lists(TEXT | PICTURE), missing=st.lists(st.text()), title=st.none() | st.text())
def test_what_is_written_is_read_in_its_order(nodes, missing, title):
    document = read(write(nodes, missing, title), LIMITS)
    assert document.failure is None
    encodable = [str(node.get("text") or node.get("image_url")).encode("utf-8", "replace").decode() for node in nodes]
    assert [node.text or node.image_url for node in document.nodes] == encodable
    assert [node.alt for node in document.nodes if node.image_url] == [
        node["alt"] and node["alt"].encode("utf-8", "replace").decode() for node in nodes if "alt" in node
    ]
    assert len(document.dropped) == len(missing)


def test_roles_and_what_is_known_of_an_image_stay():
    document = read(write([{"text": "Tea", "role": "heading2"}, {"text": "x", "role": "poem"}, IMAGE]), LIMITS)
    assert [node.role for node in document.nodes] == ["heading2", "paragraph", "image"]
    image = document.nodes[2]
    assert (image.alt, image.caption, image.width, image.found_by) == ("a tree", None, 640, "import")


def test_bounds_hold_and_an_image_over_them_is_named():
    nodes = [{"text": "x"}, IMAGE, {**IMAGE, "image_url": "http://a.example/2.png"}]
    body = write(nodes)
    assert read(body, Limits(max_bytes=len(body))).failure is None
    assert read(body, Limits(max_bytes=len(body) - 1)).failure is DocumentReason.TOO_MANY_BYTES
    assert read(body, Limits(max_nodes=3)).failure is None
    assert read(body, Limits(max_nodes=2)).failure is DocumentReason.TOO_MANY_ELEMENTS
    short = read(body, Limits(max_images=1))
    assert [(image.url, image.reason) for image in short.dropped] == [
        ("http://a.example/2.png", ReferenceReason.OVER_LIMIT)
    ]
    assert len(short.nodes) == 2


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{}",
        b'{"nodes": 3, "missing": [], "title": null}',
        b'{"nodes": ["x"], "missing": [], "title": null}',
        b'{"nodes": [{"text": 3}], "missing": [], "title": null}',
        b'{"nodes": [{"text": "x", "image_url": "y"}], "missing": [], "title": null}',
        b'{"nodes": [{}], "missing": [], "title": null}',
        b'{"nodes": [{"image_url": "y", "width": "wide"}], "missing": [], "title": null}',
        b"[" * 100_000,
    ],
)
def test_what_is_no_document_says_so(body):
    assert read(body, LIMITS).failure is DocumentReason.EXTRACT_FAILED


@given(st.binary() | st.recursive(st.none() | st.text(), lambda x: st.lists(x) | st.dictionaries(st.text(), x)))
def test_any_body_is_a_document_or_a_failure(body):
    read(body if isinstance(body, bytes) else json.dumps(body).encode(), LIMITS)
