"""The JSON of a document, from hand-made rows (design, section 4)."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.images.shard_bytes import ShardImage
from pipeline.sample_json import document_json, to_bytes
from schemas.shard import IMAGE_FIELDS, PAGE_FIELDS

IMAGE = ShardImage(
    data=b"jpeg",
    format="jpeg",
    width=20,
    height=10,
    original_width=40,
    original_height=80,
    original_format="webp",
    transcoded=True,
    sha256="m",
    original_sha256="o",
)


@pytest.fixture
def document(node_of):
    """A document of text 0, image 1, text 2 (dropped in 01), text 3 (repeats on its site), image 4, text 5."""
    nodes = [
        node_of(text="zero", role="heading1"),
        node_of(image_url="http://x/1.jpg", alt="one", caption="cap", title="ti"),
        node_of(text="dropped", drop_reason="too_few_words"),
        node_of(text="footer"),
        node_of(image_url="http://x/4.jpg"),
        node_of(text="five", role="quote"),
    ]

    def make(*similarities, matched=(None, None), clip=(None, None), shown=(1, 4)):
        looks = {"phash": "0" * 16, "nsfw_score": 0.1, "num_faces": 2, "count_in_corpus": 3}
        matches = [
            {"node": node, "similarity": similarity, "matched_node": target, "clip_score": score, **looks}
            for node, similarity, target, score in zip((1, 4), similarities or (None, None), matched, clip, strict=True)
        ]
        page = dict.fromkeys(PAGE_FIELDS) | {
            "fetched_at": datetime(2024, 5, 18, 4, 10, 7, tzinfo=UTC),
            "licence": "http://cc/by",
            "tier": "",
        }
        row = {**page, "nodes": nodes, "dropped_nodes": [3], "matches": matches}
        return document_json(row, dict.fromkeys(shown, IMAGE), "tiny@00")

    return make


def test_texts_and_images_stand_in_page_order_without_what_was_dropped(document):
    made = document()
    assert made["texts"] == ["zero", None, None, "five"]
    assert made["images"] == [None, "000.jpg", "001.jpg", None]
    assert made["roles"] == ["heading1", "image", "image", "quote"]
    assert [entry and entry["url"] for entry in made["metadata"]] == [None, "http://x/1.jpg", "http://x/4.jpg", None]


def test_an_image_that_is_not_in_the_shard_leaves_no_gap_in_the_names(document):
    made = document([0.1, 0.2], [0.3, 0.4], matched=(0, 5), clip=(0.1, 0.4), shown=(4,))
    assert made["images"] == [None, "000.jpg", None]
    assert made["metadata"][1]["url"] == "http://x/4.jpg"
    assert made["similarity_matrix"] == [[0.3, 0.4]]
    assert made["matched_text_index"] == [2]


def test_where_nothing_was_scored_both_lists_are_empty(document):
    made = document()
    assert (made["similarity_matrix"], made["matched_text_index"]) == ([], [])


def test_an_unscored_image_among_scored_ones_is_a_row_of_zeros_and_matches_nothing(document):
    made = document([0.1, 0.2], None, matched=(5, None), clip=(0.2, None))
    assert made["similarity_matrix"] == [[0.1, 0.2], [0.0, 0.0]]
    assert made["matched_text_index"] == [3, -1]


def test_a_match_leads_to_the_text_and_columns_are_the_texts_in_order(document):
    made = document([0.1, 0.2], [0.4, 0.3], matched=(5, 0), clip=(0.2, 0.4))
    columns = [index for index, text in enumerate(made["texts"]) if text is not None]
    assert [len(row) for row in made["similarity_matrix"]] == [len(columns)] * 2
    for row, index, metadata in zip(
        made["similarity_matrix"], made["matched_text_index"], filter(None, made["metadata"]), strict=True
    ):
        assert row[columns.index(index)] == metadata["clip_score"]


def test_every_key_is_there_in_its_order(document):
    made = document()
    assert list(made) == [
        "texts",
        "images",
        "roles",
        "metadata",
        "similarity_matrix",
        "matched_text_index",
        "general_metadata",
        "regions",
        "extra",
        "recipe",
        "schema_version",
    ]
    assert (made["regions"], made["extra"], made["recipe"], made["schema_version"]) == ([], {}, "tiny@00", 1)
    assert list(made["general_metadata"]) == list(PAGE_FIELDS)
    assert made["general_metadata"]["fetched_at"] == "2024-05-18T04:10:07Z"
    first = made["metadata"][1]
    assert list(first) == list(IMAGE_FIELDS)
    assert {name: first[name] for name in ("alt", "caption", "title", "licence", "count_in_corpus", "num_faces")} == {
        "alt": "one",
        "caption": "cap",
        "title": "ti",
        "licence": "http://cc/by",
        "count_in_corpus": 3,
        "num_faces": 2,
    }
    assert (first["width"], first["original_width"], first["format"], first["original_format"]) == (
        20,
        40,
        "jpeg",
        "webp",
    )


@given(
    st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), st.integers() | st.text("äé中\n", max_size=4))
)
def test_bytes_are_compact_utf_8_and_read_back_as_they_were(facts):
    data = to_bytes(facts)
    assert json.loads(data.decode("utf-8")) == facts
    assert b"\n" not in data
    assert list(json.loads(data)) == list(facts)


def test_what_is_no_number_is_no_json():
    with pytest.raises(ValueError, match="Out of range"):
        to_bytes({"score": float("nan")})
