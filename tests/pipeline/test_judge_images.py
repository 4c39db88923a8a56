"""Decisions on image URLs, and the erasure of what may not stay."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.images.heads import Config as Head
from filters.images.near import Lookup
from filters.images.pdq import words
from filters.images.rules import Rules
from filters.nsfw import Config as NsfwConfig
from pipeline.judge_images import _judged, make
from pipeline.recipe import Recipe
from pipeline.store import Address, StoreWriter, read_ranges
from schemas.image import FILES, IMAGES, LEDGER, LINKS

GOOD = {
    "format": "jpeg",
    "mode": "RGB",
    "width": 400,
    "height": 300,
    "orientation": 1,
    "animated": False,
    "entropy": 7.0,
    "colour_spread": 200,
    "sharpness": 100.0,
    "phash": "0" * 16,
    "pdq": "0" * 64,
    "pdq_quality": 100,
    "text_share": 0.0,
    "num_faces": 0,
}
NUDENET, NONE = NsfwConfig(max_score=0.25), NsfwConfig(model="none")
RULES = Rules(min_side=150)


EVALUATION = Lookup(words(["f" * 64]))


def judge(nsfw=NUDENET, *, status="ok", failure=None, sections=None, **looks):
    row = {field.name: None for field in IMAGES.columns if field.name != "drop_reason"}
    row |= {"url": "u", "num_references": 1, "status": status, "failure": failure, "sha256": "s", "store_length": 9}
    recipe = Recipe(name="t", nsfw=nsfw, **{"images": RULES, **(sections or {})})
    return _judged({**row, **GOOD, "nsfw_score": 0.0, **looks}, recipe, EVALUATION)["drop_reason"]


def test_a_good_image_is_kept():
    assert judge() is None


@pytest.mark.parametrize(("score", "reason"), [(0.25, None), (0.2501, "file:nsfw"), (None, "file:nsfw_not_scored")])
def test_a_score_at_the_bound_is_kept_and_no_score_is_not(score, reason):
    assert judge(nsfw_score=score) == reason


@pytest.mark.parametrize("score", [None, 0.9])
def test_without_a_model_scores_decide_nothing(score):
    assert judge(NONE, nsfw_score=score) is None


def test_safety_is_judged_before_looks():
    assert judge(width=149, height=149, nsfw_score=0.9) == "file:nsfw"
    assert judge(width=149, height=149, nsfw_score=None) == "file:nsfw_not_scored"
    assert judge(width=149, height=149) == "file:too_small"
    assert judge(width=150, height=150) is None


@pytest.mark.parametrize(("score", "reason"), [(0.5, None), (0.5001, "file:nsfw"), (None, "file:nsfw_not_scored")])
def test_a_head_for_nudity_fails_closed_beside_the_detector(score, reason):
    sections = {"nsfw_head": Head(path="head.pt", max_score=0.5)}
    assert judge(sections=sections, nsfw_head_score=score) == reason
    assert judge(NONE, sections=sections, nsfw_head_score=score) == reason
    assert judge(nsfw_head_score=score) is None, "a recipe without a head"


@pytest.mark.parametrize("name", ["watermark", "aesthetic"])
def test_other_scores_drop_beyond_their_bounds_and_never_where_there_is_none(name):
    sections = {name: Head(path="model.pt", min_score=0.2, max_score=0.8)}
    found = [judge(sections=sections, **{f"{name}_score": score}) for score in (0.1999, 0.2, 0.8, 0.8001, None)]
    assert found == [f"file:{name}", None, None, f"file:{name}", None]


@pytest.mark.parametrize(("faces", "reason"), [(0, None), (2, None), (3, "file:many_faces"), (None, None)])
def test_faces_are_counted_where_a_model_saw_them(faces, reason):
    assert judge(NONE, sections={"images": Rules(max_faces=2)}, num_faces=faces) == reason
    assert judge(NONE, num_faces=faces) is None


def test_an_image_of_an_evaluation_set_is_dropped_up_to_the_radius_and_flat_ones_are_not():
    within, beyond = f"{(1 << 256) - (1 << 16):064x}", f"{(1 << 256) - (1 << 17):064x}"
    assert judge(pdq=within) == "file:contaminated"
    assert judge(pdq=beyond) is None
    assert judge(pdq=within, pdq_quality=49) is None


def test_what_was_never_fetched_or_never_measured_says_so():
    assert judge(status="http_410", sha256=None) == "fetch:http_410"
    assert judge(failure="decode_error", nsfw_score=None) == "file:decode_error"


@given(st.integers(1, 400), st.integers(1, 400), st.none() | st.floats(0, 1))
def test_with_a_model_nothing_over_the_bound_or_unscored_is_ever_kept(width, height, score):
    if judge(width=width, height=height, nsfw_score=score) is None:
        assert score is not None
        assert score <= NUDENET.max_score


def test_bytes_that_are_not_safe_or_not_scored_are_erased_in_every_copy_and_all_others_are_read_as_before(
    spark, run_of, fill, row_of
):
    run = run_of("nsfw.model=nudenet", spark=spark)
    folder = run.where("04_images/ledger")
    prefix = folder.data_prefix(run.folder)
    kinds = {"safe": 0.1, "bad": 0.9, "unscored": None, "broken": None, "small": 0.0}
    data = {name: name.encode() * 100 for name in kinds}
    sha = {name: hashlib.sha256(body).hexdigest() for name, body in data.items()}
    answers, places, links = [], {}, []
    with StoreWriter(str(folder.path / "data"), "s") as store:
        for url in [*kinds, "bad-copy"]:
            name = url.removesuffix("-copy")
            at = store.append(data[name], name=sha[name])
            places[url] = Address(f"{prefix}/{at.file}", at.offset, at.length)
            address = dict(zip(("store_file", "store_offset", "store_length"), places[url], strict=True))
            answers.append(row_of(LEDGER, url=url, round=0, status="ok", sha256=sha[name], **address))
            links.append(row_of(LINKS, url=url, num_references=1))
    answers.append(row_of(LEDGER, url="late", round=0, status="timeout"))
    answers.append(row_of(LEDGER, url="late", round=1, status="http_410"))
    links.append(row_of(LINKS, url="late", num_references=1))
    links.append(row_of(LINKS, url="not asked", num_references=1, drop_reason="banned_word"))
    files = []
    for name, score in kinds.items():
        address = dict(zip(("store_file", "store_offset", "store_length"), places[name], strict=True))
        looks = {"failure": "decode_error"} if name == "broken" else GOOD | {"nsfw_score": score}
        looks |= {"width": 20} if name == "small" else {}
        files.append(row_of(FILES, sha256=sha[name], **address, **looks))
    fill(run, "03_links", (LINKS, links))
    fill(run, "04_images/ledger", (LEDGER, answers))
    fill(run, "04_images/files", (FILES, files))
    make(run)
    found = {row["url"]: row["drop_reason"] for row in run.table("images").collect()}
    assert found == {
        "safe": None,
        "bad": "file:nsfw",
        "bad-copy": "file:nsfw",
        "unscored": "file:nsfw_not_scored",
        "broken": "file:decode_error",
        "small": "file:too_small",
        "late": "fetch:http_410",
    }
    read = dict(read_ranges(run.folder, places.values()))
    kept = {url for url, at in places.items() if read[at] == data[url.removesuffix("-copy")]}
    zeros = {url for url, at in places.items() if read[at] == bytes(at.length)}
    assert kept == {"safe", "small"}
    assert zeros == {"bad", "bad-copy", "unscored", "broken"}
