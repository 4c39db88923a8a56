"""What all pictures are painted with: jittered colours, gradients, paper grain, smooth sprites, a font.

Everything is a function of its arguments; the slow parts (grain, sprites) are kept for the next picture.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFont

from demo.dice import Dice
from demo.pictures.scene import COLOURS

RGB = tuple[int, int, int]
_GRAIN_SIDE = 960  # px; no picture is larger


def shade(colour: RGB, amount: float) -> RGB:
    """`colour` mixed with white (`amount` > 0) or black (< 0); 1.0 is all of it."""
    target = 255 if amount > 0 else 0
    r, g, b = (round(c + (target - c) * abs(amount)) for c in colour)
    return r, g, b


def named(name: str, dice: Dice) -> RGB:
    """A shade of the colour `name`, a little different each time but never another colour."""
    r, g, b = (min(255, max(0, c + dice.between(-9, 9))) for c in COLOURS[name])
    return shade((r, g, b), dice.uniform(-0.08, 0.08))


def gradient(size: tuple[int, int], stops: Sequence[RGB]) -> Image.Image:
    """A picture of `size` that goes from the first colour at the top through the others to the last."""
    height = size[1]
    where = np.linspace(0, height - 1, len(stops))
    rows = np.stack([np.interp(np.arange(height), where, [s[c] for s in stops]) for c in range(3)], axis=-1)
    column = Image.fromarray(np.rint(rows).astype(np.uint8)[:, None, :])
    return column.resize(size, Image.Resampling.NEAREST)


@functools.lru_cache(maxsize=8)
def _grain(seed: int, coarse: int) -> Image.Image:
    side = _GRAIN_SIDE // coarse
    raw = np.frombuffer(np.random.PCG64(seed).random_raw(side * side // 2).tobytes(), np.uint8)
    soft = raw.reshape(4, side, side).astype(np.uint16).sum(axis=0) // 4
    tile = Image.fromarray(soft.astype(np.uint8))
    return tile.resize((_GRAIN_SIDE, _GRAIN_SIDE), Image.Resampling.BICUBIC) if coarse > 1 else tile


def grain(image: Image.Image, dice: Dice, strength: float = 0.06, coarse: int = 1) -> Image.Image:
    """`image` with the grain of paper or film; `coarse` is the side of a speck in px (a divisor of 960)."""
    width, height = image.size
    left, top = dice.between(0, _GRAIN_SIDE - width), dice.between(0, _GRAIN_SIDE - height)
    tile = _grain(dice.below(2), coarse).crop((left, top, left + width, top + height))
    return Image.blend(image, ImageChops.overlay(image, Image.merge("RGB", (tile, tile, tile))), strength * 6)


def sprite(
    side: int, colour: RGB, paint: Callable[[ImageDraw.ImageDraw, int, RGB], None], turn: float = 0.0
) -> Image.Image:
    """An RGBA picture of side px: what `paint(draw, 4 * side, colour)` draws, with smooth edges, turned by `turn`."""
    big = Image.new("RGBA", (side * 4, side * 4), (*colour, 0))
    paint(ImageDraw.Draw(big), side * 4, colour)
    if turn:
        big = big.rotate(turn, Image.Resampling.NEAREST)
    return big.reduce(4)


@functools.lru_cache(maxsize=64)
def font(size: int) -> ImageFont.FreeTypeFont:
    """The font inside Pillow's wheel (ASCII only), laid out without libraries of the system."""
    face = ImageFont.load_default(size)
    assert isinstance(face, ImageFont.FreeTypeFont)
    return face.font_variant(layout_engine=ImageFont.Layout.BASIC)


def fitted(text: str, width: int, height: int) -> ImageFont.FreeTypeFont:
    """The largest font, at most `height` px, in which `text` is at most `width` px wide."""
    size = max(8, height)
    while size > 8 and font(size).getlength(text) > width:
        size -= max(1, size // 12)
    return font(size)


def centred(draw: ImageDraw.ImageDraw, box: tuple[int, int, int, int], text: str, fill: RGB) -> None:
    """Write `text` in the middle of `box`, as large as fits."""
    left, top, right, bottom = box
    face = fitted(text, right - left, round((bottom - top) * 0.8))
    draw.text(((left + right) / 2, (top + bottom) / 2), text, font=face, fill=fill, anchor="mm")
