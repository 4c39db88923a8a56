from __future__ import annotations

import numpy as np
import pytest

from demo.dice import Dice
from demo.pictures.draw import draw_scene
from demo.pictures.scene import KINDS, random_scene


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_is_drawn_in_its_size_and_the_same_twice(kind: str) -> None:
    scene = random_scene(Dice("draw", kind), kind)
    first, second = (draw_scene(scene, (320, 240)) for _ in range(2))
    assert (first.size, first.mode) == ((320, 240), "RGB")
    assert first.tobytes() == second.tobytes()
    assert np.asarray(first).std() > 4  # not of one colour


def test_other_salt_is_another_picture_of_the_same() -> None:
    scenes = [random_scene(Dice("salt", i), "place") for i in range(2)]
    assert draw_scene(scenes[0], (64, 48)).tobytes() != draw_scene(scenes[1], (64, 48)).tobytes()
