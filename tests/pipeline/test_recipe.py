"""Shipped recipes, and what of a recipe counts as a change."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters import clip
from pipeline.recipe import SECTIONS, Recipe, check_models, from_sections, load
from pipeline.recipe_file import shipped_names
from schemas.errors import ConfigError, ModelUnavailable

QUIET = ["clip.model=none", "nsfw.model=none"]


def changed(*overrides):
    return load("tiny", [*QUIET, *overrides]).fingerprint != load("tiny", QUIET).fingerprint


@pytest.mark.parametrize("name", shipped_names())
def test_each_shipped_recipe_loads_and_has_a_stamp(name):
    recipe = load(name, ["clip.model=none"])
    assert recipe.name == name
    assert recipe.stamp == f"{name}@{recipe.fingerprint}"
    assert len(recipe.fingerprint) == 16
    assert recipe.nsfw.scores, "every shipped recipe names an NSFW model"
    check_models(recipe)


def test_there_are_recipes_for_the_demo_for_obelics_and_for_our_best():
    assert {"tiny", "obelics", "weft"} <= set(shipped_names())


def test_obelics_is_what_was_published():
    recipe = load("obelics")
    assert (recipe.extract.mode, recipe.language.languages, recipe.language.min_score) == ("recall", ("en",), 0.8)
    assert (recipe.images.min_side, recipe.images.max_aspect, recipe.assemble.max_images) == (150, 2.0, 30)
    assert (recipe.dedup.max_paragraph_repeats, recipe.dedup_images.max_in_corpus) == (2, 10)
    assert recipe.nsfw.action == "drop_document"


def test_our_best_shows_a_picture_once():
    repeats = load("weft").dedup_images
    assert (repeats.max_in_corpus, repeats.excess, repeats.in_document) == (1, "rest", True)


PUBLISHED = {
    "m3w": ("gopher", 64, 3.0, 1_000, "drop_document"),
    "mmc4": ("c4", 150, 2.0, 1_000, "drop_image"),
    "mmc4_ff": ("c4", 150, 2.0, 1_000, "drop_image"),
    "kosmos1": ("gopher", 64, 20.0, 5, "drop_image"),
    "omnicorpus": ("omnicorpus", 150, 2.0, 1_000, "drop_image"),
    "mint1t": ("mint1t", 150, 2.0, 30, "drop_document"),
}
"""Rule set, least side, greatest aspect, most images, what an unsafe image takes with it."""


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_others_are_what_was_published(name):
    recipe = load(name)
    found = (recipe.text.rules, recipe.images.min_side, recipe.images.max_aspect, recipe.assemble.max_images)
    assert (*found, recipe.nsfw.action) == PUBLISHED[name]
    assert recipe.language.languages == ("en",)


def test_kosmos_takes_five_images_and_half_of_the_documents_with_one():
    recipe = load("kosmos1")
    assert (recipe.dedup_images.max_in_document, recipe.assemble.single_image_share) == (5, 0.5)


def test_the_recipe_of_fewer_faces_is_mmc4_but_for_the_faces():
    one, other = load("mmc4"), load("mmc4_ff")
    differing = [name for name in SECTIONS if getattr(one, name) != getattr(other, name)]
    assert differing == ["images"]
    assert (one.images.max_faces, other.images.max_faces) == (-1, 0)
    assert (one.clip.min_score, one.assemble.strict.max_images, one.assemble.tiers) == (0.15, 15, True)


@pytest.mark.parametrize(
    "override",
    [
        "read_warc.max_body_bytes=1_000_000",
        "extract.mode=recall",
        "extract.limits.max_depth=100",
        "language.min_score=0.51",
        "text.rules=obelics",
        "minhash.threshold=0.9",
        "dedup.max_paragraph_repeats=3",
        "image_urls.max_length=100",
        "images.min_side=101",
        "nsfw.max_score=0.5",
        "dedup_images.max_on_site=6",
        "clip.min_score=0.1",
        "assemble.max_images=29",
        "assemble.single_image_share=0.5",
        "assemble.tiers=true",
        "assemble.strict.min_words=5",
        "dedup_images.max_in_document=5",
        "shard.quality=80",
    ],
)
def test_a_key_that_can_change_a_document_changes_the_fingerprint(override):
    assert changed(override)


@pytest.mark.parametrize(
    "override",
    [
        "spark.shuffle_partitions=7",
        "spark.driver_memory=3g",
        "clip.workers=3",
        "clip.threads=2",
        "nsfw.workers=2",
        "extract.watchdog_s=5.0",
        "extract.worker_bytes=2_000_000_000",
        "fetch.deadline_s=1.0",
        "fetch.user_agent=me/1.0",
        "fetch.contact=https://example.org/",
        "read_warc.base=/somewhere",
    ],
)
def test_how_the_work_is_done_is_no_part_of_the_fingerprint(override):
    assert not changed(override)


def test_a_model_counts_by_its_content_and_not_by_its_name(tmp_path):
    assert load("tiny", ["clip.model=none"]).fingerprint != load("tiny", QUIET).fingerprint
    copy = tmp_path / "other-name.ftz"
    from filters.language import default_model

    copy.write_bytes(default_model().read_bytes())
    recipe, same = load("tiny", QUIET), load("tiny", [*QUIET, f"language.model={copy}"])
    assert recipe.facts("language")[1] == same.facts("language")[1]


@given(st.permutations(sorted(load("weft", QUIET).raw)))
def test_the_fingerprint_does_not_depend_on_the_order_of_sections_and_keys(order):
    raw = load("weft", QUIET).raw
    shuffled = {section: dict(reversed(list(raw[section].items()))) for section in order}
    assert from_sections("weft", shuffled).fingerprint == from_sections("weft", raw).fingerprint


def test_sections_of_the_class_are_the_sections_of_a_recipe():
    assert set(SECTIONS) == {field.name for field in dataclasses.fields(Recipe)} - {"name", "raw"}
    with pytest.raises(ConfigError, match=r"has no section \[txt\]; sections: .*text"):
        from_sections("mine", {"txt": {}})


def test_an_unknown_key_is_refused_with_the_one_that_was_meant():
    with pytest.raises(ConfigError, match=r"images.min_sides is unknown; did you mean min_side\?"):
        load("tiny", ["images.min_sides=3"])


def test_models_that_cannot_be_had_are_refused_before_anything_starts(tmp_path):
    with pytest.raises(ModelUnavailable, match=r"nsfw\.model"):
        check_models(load("tiny", ["clip.model=none", f"nsfw.model={tmp_path / 'none.onnx'}"]))
    with pytest.raises(ModelUnavailable, match="language"):
        check_models(load("tiny", [*QUIET, f"language.model={tmp_path / 'none.bin'}"]))


def test_the_demo_model_is_for_the_demo_only():
    with pytest.raises(ConfigError, match="demo"):
        clip.check(load("weft", ["clip.model=demo"]).clip, "weft")
