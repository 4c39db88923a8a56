from __future__ import annotations

import numpy as np
import pytest

from demo.dice import Dice
from demo.pictures.places import draw_place
from demo.pictures.scene import PLACES, TIMES, Scene


@pytest.mark.parametrize("noun", PLACES)
def test_a_place_is_darker_at_night_than_at_noon(noun: str) -> None:
    light = {}
    for time in TIMES:
        image = draw_place(Scene(kind="place", noun=noun, time=time, salt=1), (240, 180), Dice(noun))
        assert image.size == (240, 180)
        light[time] = np.asarray(image).mean()
    assert light["night"] < light["day"] - 40
    assert light["night"] < light["sunset"]


def test_the_sea_is_blue_below_and_the_field_is_yellow() -> None:
    sea = np.asarray(draw_place(Scene(kind="place", noun="sea", time="day", salt=1), (240, 180), Dice(1)))
    field = np.asarray(draw_place(Scene(kind="place", noun="field", time="day", salt=1), (240, 180), Dice(1)))
    assert sea[150:, :, 2].mean() > sea[150:, :, 0].mean() + 40
    assert field[150:, :, 0].mean() > field[150:, :, 2].mean() + 40
