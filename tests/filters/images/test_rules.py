from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.images.measures import Measures
from filters.images.rules import RULE_SETS, Rules, judge
from schemas.errors import ConfigError
from schemas.reasons import FileReason

GOOD = Measures(
    sha256="0" * 64, num_bytes=1, format="jpeg", mode="RGB", width=300, height=200, orientation=1, animated=False,
    entropy=5.0, colour_spread=200, sharpness=50.0, phash="0" * 16, pdq="0" * 64, pdq_quality=100, text_share=0.1,
)  # fmt: skip
ALL = Rules(
    min_text_share=0.05,
    min_colour_spread=9,
    min_entropy=2.0,
    min_sharpness=10.0,
    keep_animated=False,
    max_pixels=40_000_000,
)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({}, None),
        ({"width": 150, "height": 150}, None),
        ({"width": 200, "height": 149}, FileReason.TOO_SMALL),
        ({"width": 149, "height": 200}, FileReason.TOO_SMALL),
        ({"width": 400, "height": 200}, None),
        ({"width": 401, "height": 200}, FileReason.ASPECT),
        ({"width": 200, "height": 401}, FileReason.ASPECT),
        ({"width": 20_000, "height": 2_000}, FileReason.ASPECT),
        ({"width": 20_001, "height": 1_999}, FileReason.TOO_LARGE),
        ({"width": 8_000, "height": 5_000}, None),
        ({"width": 8_000, "height": 5_001}, FileReason.TOO_MANY_PIXELS),
        ({"format": "gif"}, FileReason.FORMAT),
        ({"format": "png"}, None),
        ({"animated": True}, FileReason.ANIMATED),
        ({"colour_spread": 9}, None),
        ({"colour_spread": 8}, FileReason.SINGLE_COLOUR),
        ({"entropy": 2.0}, None),
        ({"entropy": 1.9999}, FileReason.LOW_ENTROPY),
        ({"sharpness": 10.0}, None),
        ({"sharpness": 9.9999}, FileReason.BLURRED),
        ({"entropy": 1.0, "sharpness": 0.0, "text_share": 0.2}, None),
        ({"sharpness": 0.0, "text_share": 0.1999}, FileReason.BLURRED),
        ({"text_share": 0.05}, None),
        ({"text_share": 0.0499}, FileReason.LITTLE_TEXT),
    ],
)
def test_each_bound_is_inclusive(change, reason):
    assert judge(replace(GOOD, **change), ALL) is reason


def test_the_first_broken_rule_in_the_order_of_the_enum_is_recorded():
    order = list(FileReason)
    bad = {"format": "gif", "width": 20_001, "height": 100, "animated": True, "colour_spread": 0, "entropy": 0.0}
    seen = []
    m = replace(GOOD, **bad, sharpness=0.0)
    mended = {"format": "jpeg", "height": 150, "width": 300, "animated": False, "colour_spread": 99, "entropy": 9.0}
    while (reason := judge(m, ALL)) is not None:
        seen.append(reason)
        field = {
            FileReason.FORMAT: ["format"], FileReason.TOO_SMALL: ["height"], FileReason.TOO_LARGE: ["width"],
            FileReason.ANIMATED: ["animated"], FileReason.SINGLE_COLOUR: ["colour_spread"],
            FileReason.LOW_ENTROPY: ["entropy"],
        }.get(reason, [])  # fmt: skip
        m = replace(m, **{name: mended[name] for name in field}) if field else replace(m, sharpness=99.0)
    assert seen == sorted(seen, key=order.index)
    assert len(seen) == 7


def test_jpg_means_jpeg():
    assert judge(GOOD, Rules(formats=("jpg",))) is None


@pytest.mark.parametrize(
    ("name", "change", "reason"),
    [
        ("obelics", {"format": "webp"}, None),
        ("obelics", {"format": "gif"}, FileReason.FORMAT),
        ("obelics", {"colour_spread": 0}, None),
        ("m3w", {"width": 192, "height": 64}, None),
        ("m3w", {"width": 193, "height": 64}, FileReason.ASPECT),
        ("m3w", {"width": 63, "height": 63}, FileReason.TOO_SMALL),
        ("m3w", {"colour_spread": 0}, FileReason.SINGLE_COLOUR),
        ("mmc4", {"format": "webp"}, FileReason.FORMAT),
        ("mmc4", {"width": 301, "height": 150}, FileReason.ASPECT),
        ("omnicorpus", {"width": 149}, FileReason.TOO_SMALL),
        ("mint1t", {"width": 20_001, "height": 4_000}, FileReason.TOO_LARGE),
    ],
)
def test_named_sets_are_the_published_ones(name, change, reason):
    assert judge(replace(GOOD, **change), RULE_SETS[name]) is reason


@pytest.mark.parametrize(
    "bad",
    [
        {"formats": ()},
        {"formats": ("svg",)},
        {"min_side": 0},
        {"min_side": 10, "max_side": 9},
        {"max_aspect": 0.5},
        {"min_colour_spread": 256},
        {"min_entropy": 8.1},
        {"min_sharpness": -1.0},
        {"max_pixels": 0},
        {"min_text_share": 1.1},
        {"text_rich": -0.1},
    ],
)
def test_rules_that_make_no_sense_are_refused(bad):
    with pytest.raises(ConfigError):
        Rules(**bad)


@given(st.integers(1, 30_000), st.integers(1, 30_000))
def test_turning_a_picture_changes_no_decision(width, height):
    one, other = replace(GOOD, width=width, height=height), replace(GOOD, width=height, height=width)
    assert judge(one, ALL) is judge(other, ALL)
