"""mmc4's lines: images before the sentence that they match, bytes where they are at hand, bad lines named."""

from __future__ import annotations

import base64
import gzip
import zipfile

import pytest

from pipeline.imports.corpus import Imported, Rejected, own_address
from pipeline.imports.mmc4 import documents
from schemas.errors import InputError


def image(name, matched, **more):
    return {"image_name": name, "raw_url": f"http://a.example/{name}", "matched_text_index": matched} | more


DOCUMENT = {
    "url": "http://a.example/",
    "text_list": ["One.", "Two.", "Three.", "Four."],
    "image_info": [image("late.png", 2), image("first.png", 0), image("also.png", 2), image("lost.png", 9)],
    "similarity_matrix": [],
}


def test_images_stand_before_their_sentence_and_sentences_between_are_one_text(lines, archived, png, tmp_path):
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "late.png").write_bytes(png(1))
    tally, pages, images = archived(documents(lines(DOCUMENT), tmp_path / "images"))
    assert pages["http://a.example/"] == [
        ("http://a.example/first.png",),
        "One. Two.",
        ("http://a.example/late.png",),
        ("http://a.example/also.png",),
        "Three. Four.",
        ("http://a.example/lost.png",),
    ]
    assert images == {"http://a.example/late.png": png(1)}
    assert (tally.counts["images_with_bytes"], tally.counts["images_by_address"]) == (1, 3)


def test_bytes_in_base64_are_taken_and_what_has_neither_is_named(lines, png):
    packed = base64.b64encode(png(3)).decode()
    shown = [
        {"image_name": "a", "matched_text_index": 0, "image_base64": packed},
        {"image_name": "../b", "matched_text_index": 0},
    ]
    (made,) = documents(lines({**DOCUMENT, "image_info": shown}))
    assert made.images == {own_address(png(3)): png(3)}
    assert made.missing == ["../b"]


def test_packed_files_are_read(lines, tmp_path):
    plain = lines(DOCUMENT)
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress(plain.read_bytes()))
    with zipfile.ZipFile(tmp_path / "a.jsonl.zip", "w") as packed:
        packed.write(plain, "docs.jsonl")
    expected = list(documents(plain))
    assert list(documents(tmp_path / "a.jsonl.gz")) == list(documents(tmp_path / "a.jsonl.zip")) == expected
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as packed:
        packed.writestr("readme", "x")
    with pytest.raises(InputError, match=r"holds no \.jsonl"):
        list(documents(tmp_path / "b.zip"))


def test_bad_lines_and_a_file_that_is_cut_are_named_and_nothing_else_is_lost(lines, tmp_path):
    bad = ["not json", {"url": "http://x.example/"}, {**DOCUMENT, "text_list": [3]}, {**DOCUMENT, "image_info": ["x"]}]
    found = list(documents(lines(*bad, "", DOCUMENT)))
    assert [type(item) for item in found] == [Rejected] * 4 + [Imported]
    assert found[1].where.endswith("line 2")
    whole = gzip.compress(lines(*[DOCUMENT] * 2_000).read_bytes())
    (tmp_path / "cut.jsonl.gz").write_bytes(whole[: len(whole) // 2])
    *read, last = documents(tmp_path / "cut.jsonl.gz")
    assert "cannot be read to its end" in last.why
    assert all(isinstance(item, Imported) for item in read)
