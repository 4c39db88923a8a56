from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from demo.dice import Dice
from demo.pictures.canvas import centred, fitted, font, gradient, grain, named, shade, sprite
from demo.pictures.scene import COLOURS, contrast

channel = st.integers(0, 255)


@given(st.tuples(channel, channel, channel), st.floats(-1, 1))
def test_a_shade_stays_a_colour_and_goes_the_right_way(colour: tuple[int, int, int], amount: float) -> None:
    shaded = shade(colour, amount)
    assert all(0 <= c <= 255 for c in shaded)
    assert all(
        (after >= before) if amount > 0 else (after <= before) for before, after in zip(colour, shaded, strict=True)
    )


def test_shade_ends_at_white_and_black() -> None:
    assert shade((10, 20, 30), 1.0) == (255, 255, 255)
    assert shade((10, 20, 30), -1.0) == (0, 0, 0)
    assert shade((10, 20, 30), 0.0) == (10, 20, 30)


@given(st.sampled_from(sorted(COLOURS)), st.integers(0, 10**6))
def test_a_named_colour_is_nearer_to_its_name_than_to_any_that_contrasts(name: str, key: int) -> None:
    shown = named(name, Dice(key))
    distance = {other: sum(abs(a - b) for a, b in zip(shown, COLOURS[other], strict=True)) for other in COLOURS}
    assert all(distance[name] < distance[other] for other in COLOURS if contrast(name, other) >= 200)


def test_a_gradient_has_its_first_colour_above_and_its_last_below() -> None:
    image = gradient((5, 9), ((0, 0, 0), (100, 100, 100), (200, 0, 50)))
    assert (image.getpixel((0, 0)), image.getpixel((4, 8))) == ((0, 0, 0), (200, 0, 50))
    assert image.getpixel((2, 4)) == (100, 100, 100)


def test_grain_changes_pixels_but_not_the_mean_by_much() -> None:
    flat = Image.new("RGB", (300, 200), (120, 90, 60))
    grained = np.asarray(grain(flat, Dice(1), 0.06, 2), dtype=float)
    assert grained.std(axis=(0, 1)).min() > 1
    assert abs(grained.mean(axis=(0, 1)) - (120, 90, 60)).max() < 12


def test_a_sprite_has_smooth_edges_and_clear_corners() -> None:
    ball = sprite(40, (255, 0, 0), lambda d, s, c: d.ellipse((0, 0, s, s), fill=c))
    alpha = np.asarray(ball.getchannel("A"))
    assert alpha[0, 0] == 0
    assert alpha[20, 20] == 255
    assert ((alpha > 0) & (alpha < 255)).any()


def test_text_is_as_large_as_fits() -> None:
    assert fitted("MMMM", 60, 40).getlength("MMMM") <= 60
    assert fitted("M", 600, 40).size == 40
    assert font(12) is font(12)
    image = Image.new("RGB", (100, 40))
    centred(ImageDraw.Draw(image), (0, 0, 100, 40), "OK", (255, 255, 255))
    assert np.asarray(image).max() > 200
