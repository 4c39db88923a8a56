from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from demo.dice import Dice
from demo.pictures.scene import COLOURS, LAYOUTS, THINGS, Scene
from demo.pictures.things import PAINTERS, draw_things, spots


def _scene(noun: str, count: int, layout: str) -> Scene:
    return Scene(kind="things", noun=noun, colour="red", second="white", count=count, layout=layout, salt=3)


def test_every_thing_has_its_painter() -> None:
    assert set(PAINTERS) == set(THINGS)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("count", [2, 5, 9])
def test_as_many_circles_can_be_counted_on_the_picture_as_the_scene_says(count: int, layout: str) -> None:
    pixels = np.asarray(draw_things(_scene("circle", count, layout), (480, 360), Dice(count)), dtype=int)
    red = (pixels[..., 0] - pixels[..., 1] > 80) & (pixels[..., 0] > 140)
    parts, found = ndimage.label(ndimage.binary_opening(red, iterations=3))
    assert found == count
    assert len(parts) == 360


@pytest.mark.parametrize("noun", THINGS)
def test_a_thing_shows_its_colour(noun: str) -> None:
    pixels = np.asarray(draw_things(_scene(noun, 1, "alone"), (200, 200), Dice(noun)), dtype=int)
    near = abs(pixels - COLOURS["red"]).sum(axis=-1) < 110
    assert near.mean() > 0.02


@given(st.integers(1, 9), st.sampled_from(LAYOUTS), st.integers(200, 900), st.integers(200, 900), st.integers(0, 99))
@settings(max_examples=60)
def test_all_things_lie_inside_the_picture(count: int, layout: str, width: int, height: int, key: int) -> None:
    centres, room = spots(_scene("star", count, layout), (width, height), Dice(key))
    assert len(centres) == count
    assert room > 0
    assert all(0 <= x <= width and 0 <= y <= height for x, y in centres)
