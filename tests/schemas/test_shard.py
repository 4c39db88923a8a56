"""The shard format: what other people's tools rely on does not change by accident (design, section 4)."""

from __future__ import annotations

import json

import pytest

from schemas.shard import IMAGE_FIELDS, INDEX, PAGE_FIELDS, SCHEMA_VERSION, TEXT_ROLES, features, image_name


def test_fields_of_the_format_stand_fixed():
    assert SCHEMA_VERSION == 1
    assert " ".join(IMAGE_FIELDS) == (
        "url alt title caption width height original_width original_height format original_format sha256"
        " original_sha256 phash transcoded nsfw_score num_faces clip_score count_in_corpus licence"
    )
    assert " ".join(PAGE_FIELDS) == (
        "url title language language_score warc_filename warc_record_offset warc_record_length payload_digest"
        " fetched_at crawl licence num_words num_tokens tier"
    )
    assert " ".join(TEXT_ROLES) == (
        "heading1 heading2 heading3 heading4 heading5 heading6 paragraph list_item quote code table caption"
    )
    assert INDEX.ddl() == (
        "key STRING, members ARRAY<STRUCT<name: STRING, offset: BIGINT, length: BIGINT, crc32: BIGINT>>, nodes"
        " ARRAY<STRUCT<kind: STRING, num_bytes: INT, width: INT, height: INT, matched_text: INT, alt_bytes: INT,"
        " caption_bytes: INT>>"
    )


@pytest.mark.parametrize(("number", "name"), [(0, "000.jpg"), (7, "007.jpg"), (999, "999.jpg")])
def test_images_are_numbered_with_three_digits(number, name):
    assert image_name(number) == name


def test_features_name_every_key_and_as_many_images_as_there_are():
    found = features(2)
    assert list(found) == ["json", "000.jpg", "001.jpg", "__key__", "__url__"]
    document = found["json"]
    assert set(document["metadata"]["feature"]) == set(IMAGE_FIELDS)
    assert set(document["general_metadata"]) == set(PAGE_FIELDS)
    assert document["similarity_matrix"]["feature"]["feature"] == {"dtype": "float64", "_type": "Value"}
    assert json.loads(json.dumps(found)) == found
    assert "000.jpg" not in features(0)


def test_hugging_face_datasets_understands_them():
    datasets = pytest.importorskip("datasets")
    found = datasets.Features.from_dict(features(1))
    assert isinstance(found["000.jpg"], datasets.Image)
    assert found["json"]["texts"].feature == datasets.Value("string")
