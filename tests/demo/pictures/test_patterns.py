from __future__ import annotations

import numpy as np
import pytest

from demo.dice import Dice
from demo.pictures.patterns import draw_pattern
from demo.pictures.scene import COLOURS, PATTERNS, Scene


@pytest.mark.parametrize("noun", PATTERNS)
def test_a_pattern_shows_both_of_its_colours(noun: str) -> None:
    scene = Scene(kind="pattern", noun=noun, colour="blue", second="yellow", salt=1)
    image = draw_pattern(scene, (300, 200), Dice(noun))
    pixels = np.asarray(image, dtype=int)
    shares = [(abs(pixels - COLOURS[name]).sum(axis=-1) < 150).mean() for name in ("blue", "yellow")]
    assert min(shares) > 0.05
    assert sum(shares) > 0.8
