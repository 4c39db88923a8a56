import json
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.images.rules import judge
from pipeline.recipe import from_sections, load
from pipeline.report.safe_text import json_for_script
from pipeline.report.sliders import ALPHABET, MAX_POSITIONS, encode, sliders

ALL = {slider.key: slider for slider in sliders(load("weft"))}


@pytest.mark.parametrize("name", ["weft", "obelics", "tiny"])
def test_every_slider_stands_at_its_bound_and_fits_the_alphabet(name):
    for slider in sliders(load(name)):
        said = slider.as_json()
        assert len(slider.positions) <= MAX_POSITIONS
        assert said["current"] == -1 if slider.bound is None else said["positions"][said["current"]] == slider.bound
        loosest_first = said["positions"] if slider.is_min else said["positions"][::-1]
        assert loosest_first == sorted(set(loosest_first))


def test_the_alphabet_needs_no_escape():
    assert len(set(ALPHABET)) == len(ALPHABET)
    assert json.dumps(ALPHABET) == f'"{ALPHABET}"'
    assert json_for_script(ALPHABET) == ALPHABET


@pytest.mark.parametrize("key", ["text.document.min_words", "images.max_aspect", "nsfw.max_score"])
@given(value=st.one_of(st.floats(0, 2_000), st.sampled_from([0.0, 0.25, 1.0, 3.0, 30.0, 100_000.0])))
def test_a_value_is_kept_at_exactly_the_positions_whose_bound_keeps_it(key, value):
    slider = ALL[key]
    rank = int(slider.ranks([value])[0])
    for place, bound in enumerate(slider.as_json()["positions"]):
        assert (place < rank) == (value >= bound if slider.is_min else value <= bound)


def test_a_measure_that_was_not_taken_is_kept_everywhere():
    slider = ALL["text.document.min_words"]
    assert slider.ranks([np.nan])[0] == len(slider.positions)


@given(st.integers(1, 3_000), st.integers(1, 3_000))
def test_an_image_is_kept_at_the_recipes_positions_if_the_judge_keeps_it(width, height):
    rules = load("weft").images
    sides = {"short_side": min(width, height), "long_side": max(width, height)}
    sides["aspect"] = sides["long_side"] / sides["short_side"]
    kept = all(
        slider.ranks([sides[slider.measure]])[0] > slider.current for slider in ALL.values() if slider.measure in sides
    )

    looks = {"format": "jpeg", "animated": False, "colour_spread": 255, "entropy": 8.0, "sharpness": 1e9}
    looks["text_share"] = 0.0
    assert kept == (judge(SimpleNamespace(width=width, height=height, **looks), rules) is None)


def test_ranks_are_one_letter_each():
    assert encode(np.array([[0, 1], [10, MAX_POSITIONS]])) == ["01", "A~"]


def test_a_bound_of_a_language_is_said_to_be_apart():
    assert "de" in ALL["text.document.min_stop_words"].only.split()
    assert ALL["images.min_side"].only == ""


def test_what_a_slider_is_called_is_a_key_of_the_recipe():
    for key, slider in ALL.items():
        parts = key.split(".")
        value = slider.as_json()["positions"][3]
        body = {parts[-1]: value}
        section = body if len(parts) == 2 else {parts[1]: body}
        assert from_sections("moved", {parts[0]: section}).raw[parts[0]] == section
