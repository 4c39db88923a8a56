from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage

from demo.dice import Dice
from demo.pictures.charts import draw_bars, draw_line, draw_pie, draw_sign, heights
from demo.pictures.scene import COLOURS, Scene


def _near(image: object, name: str) -> np.ndarray:
    return abs(np.asarray(image, dtype=int) - COLOURS[name]).sum(axis=-1) < 90


@given(st.integers(3, 7), st.data(), st.integers(0, 999))
def test_the_marked_part_is_the_largest(count: int, data: st.DataObject, key: int) -> None:
    mark = data.draw(st.integers(1, count))
    parts = heights(Scene(kind="bars", count=count, mark=mark), Dice(key))
    assert max(range(count), key=parts.__getitem__) == mark - 1
    assert len(parts) == count


@pytest.mark.parametrize(("count", "mark"), [(3, 1), (5, 4), (7, 7)])
def test_as_many_bars_can_be_counted_and_the_marked_one_is_the_tallest(count: int, mark: int) -> None:
    image = draw_bars(Scene(kind="bars", colour="blue", count=count, mark=mark), (480, 360), Dice(count))
    labels, found = ndimage.label(_near(image, "blue"))
    tall = [part[0].stop - part[0].start for part in ndimage.find_objects(labels)]
    left = [part[1].start for part in ndimage.find_objects(labels)]
    assert found == count
    order = np.argsort(left)
    assert int(np.argmax(np.array(tall)[order])) == mark - 1


def test_a_rising_line_rises_and_a_falling_one_falls() -> None:
    for layout, sign in (("rising", 1), ("falling", -1)):
        line = _near(draw_line(Scene(kind="line", colour="red", layout=layout), (480, 360), Dice(2)), "red")
        rows, columns = np.nonzero(line)
        assert sign * (rows[columns < 140].mean() - rows[columns > 360].mean()) > 60


def test_a_peak_is_in_the_middle() -> None:
    line = _near(draw_line(Scene(kind="line", colour="red", layout="peak"), (480, 360), Dice(2)), "red")
    rows, columns = np.nonzero(line)
    assert 170 < columns[rows.argmin()] < 340


def test_the_largest_slice_has_the_colour_that_is_named() -> None:
    pie = draw_pie(Scene(kind="pie", colour="green", count=5, mark=2), (400, 400), Dice(4))
    share = {name: float(_near(pie, name).mean()) for name in COLOURS if name != "white"}
    assert max(share, key=share.__getitem__) == "green"


def test_a_sign_has_its_colour_and_white_letters() -> None:
    sign = draw_sign(Scene(kind="sign", colour="blue", word="OPEN"), (400, 300), Dice(4))
    assert _near(sign, "blue").mean() > 0.2
    assert _near(sign, "white")[100:200, 80:320].mean() > 0.05
