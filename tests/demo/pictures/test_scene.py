from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from demo.dice import Dice
from demo.pictures.scene import COLOURS, KINDS, LAYOUTS, contrast, random_scene


@given(st.integers(0, 10**9), st.sampled_from(KINDS))
def test_a_scene_has_colours_that_can_be_told_apart_and_a_count_that_can_be_counted(key: int, kind: str) -> None:
    scene = random_scene(Dice(key), kind, ("OPEN",))
    assert scene.kind == kind
    if scene.second:
        assert contrast(scene.colour, scene.second) >= 200
    if kind == "things":
        assert 1 <= scene.count <= 9
        assert scene.layout == "alone" if scene.count == 1 else scene.layout in LAYOUTS
    if kind in ("bars", "pie"):
        assert 1 <= scene.mark <= scene.count


def test_red_is_not_contrasted_with_orange_nor_white_with_pink() -> None:
    assert contrast("red", "orange") < 200
    assert contrast("white", "pink") < 200
    assert contrast("black", "white") > 600
    assert all(any(contrast(a, b) >= 200 for b in COLOURS) for a in COLOURS)


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="portrait"):
        random_scene(Dice(1), "portrait")
