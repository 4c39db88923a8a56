"""Patterns in two colours: stripes, checks, dots, waves, bricks, zigzags, rings, blocks of squares."""

from __future__ import annotations

import math

from PIL import Image, ImageDraw

from demo.dice import Dice
from demo.pictures.canvas import RGB, grain, named
from demo.pictures.scene import Scene


def draw_pattern(scene: Scene, size: tuple[int, int], dice: Dice) -> Image.Image:
    """The picture of a scene of kind `pattern`: drawn at twice the size, so that its edges are smooth."""
    one, two = named(scene.colour, dice), named(scene.second, dice)
    big = Image.new("RGB", (size[0] * 2, size[1] * 2), two)
    step = dice.between(44, 110)
    _PAINT[scene.noun](ImageDraw.Draw(big), big.width, big.height, step, one, dice)
    return grain(big.reduce(2), dice, dice.uniform(0.03, 0.08), dice.pick((1, 2, 4)))


def _stripes(d: ImageDraw.ImageDraw, w: int, h: int, step: int, c: RGB, dice: Dice) -> None:
    lean = dice.pick((0, 0, h // 2, -h // 2))
    if dice.chance(0.4):
        for y in range(0, h, step * 2):
            d.rectangle((0, y, w, y + step), fill=c)
        return
    for x in range(-abs(lean) - step * 2, w + abs(lean) + step * 2, step * 2):
        d.polygon(((x, 0), (x + step, 0), (x + step + lean, h), (x + lean, h)), fill=c)


def _checks(d: ImageDraw.ImageDraw, w: int, h: int, step: int, c: RGB, _dice: Dice) -> None:
    for row, y in enumerate(range(0, h, step)):
        for x in range(row % 2 * step, w, step * 2):
            d.rectangle((x, y, x + step - 1, y + step - 1), fill=c)


def _dots(d: ImageDraw.ImageDraw, w: int, h: int, step: int, c: RGB, dice: Dice) -> None:
    radius = step * dice.uniform(0.26, 0.4)
    for row, y in enumerate(range(step // 2, h + step, step)):
        for x in range(step // 2 + row % 2 * step // 2, w + step, step):
            d.ellipse((x - radius, y - radius, x + radius, y + radius), fill=c)


def _waves(d: ImageDraw.ImageDraw, w: int, h: int, step: int, c: RGB, dice: Dice) -> None:
    length, swing = dice.uniform(2.5, 5) * step, step * 0.5
    xs = range(0, w + 16, 16)
    for y in range(-step, h + step, step * 2):
        top = [(x, y + swing * math.sin(2 * math.pi * x / length)) for x in xs]
        d.polygon((*top, *((x, z + step) for x, z in reversed(top))), fill=c)


def _bricks(d: ImageDraw.ImageDraw, w: int, h: int, step: int, c: RGB, _dice: Dice) -> None:
    gap, length = max(6, step // 8), step * 2
    for row, y in enumerate(range(0, h, step)):
        for x in range(-length + row % 2 * length // 2, w, length):
            d.rectangle((x + gap, y + gap, x + length - 1, y + step - 1), fill=c)


def _zigzags(d: ImageDraw.ImageDraw, w: int, h: int, step: int, c: RGB, _dice: Dice) -> None:
    for y in range(-step, h + step, step * 2):
        top = [(x, y + (i % 2) * step) for i, x in enumerate(range(0, w + step, step))]
        d.polygon((*top, *((x, z + step) for x, z in reversed(top))), fill=c)


def _rings(d: ImageDraw.ImageDraw, w: int, h: int, step: int, c: RGB, dice: Dice) -> None:
    x, y = w * dice.uniform(0.3, 0.7), h * dice.uniform(0.3, 0.7)
    width = step // 2
    for radius in range(width, int(math.hypot(w, h)), width * 2):
        d.ellipse((x - radius, y - radius, x + radius, y + radius), outline=c, width=width)


def _blocks(d: ImageDraw.ImageDraw, w: int, h: int, step: int, c: RGB, dice: Dice) -> None:
    for y in range(0, h, step):
        for x in range(0, w, step):
            inset = round(step * dice.uniform(0.08, 0.34))
            d.rectangle((x + inset, y + inset, x + step - inset, y + step - inset), fill=c)


_PAINT = {
    "stripes": _stripes, "checks": _checks, "dots": _dots, "waves": _waves, "bricks": _bricks,
    "zigzags": _zigzags, "rings": _rings, "blocks": _blocks,
}  # fmt: skip
