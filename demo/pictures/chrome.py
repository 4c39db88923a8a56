"""The pictures around the content of a site: logo, banner, icons, avatars, badges, tracking pixels."""

from __future__ import annotations

import functools
from dataclasses import replace

from PIL import Image, ImageDraw

from demo.dice import Dice
from demo.page import Picture
from demo.pictures.canvas import centred, fitted, gradient, shade, sprite
from demo.pictures.draw import draw_scene
from demo.pictures.formats import encode
from demo.pictures.scene import COLOURS, random_scene
from demo.pictures.things import PAINTERS

# The shortest transparent GIF of one pixel that browsers take.
PIXEL = Picture(
    bytes.fromhex("47494638396101000100800000000000ffffff21f90401000000002c000000000100010000020144003b"), "image/gif"
)


@functools.cache
def logo(name: str, colour: str) -> Picture:
    """The site's name in its colour, 240 x 60, transparent PNG."""
    image = Image.new("RGBA", (240, 60), (0, 0, 0, 0))
    draw = ImageDraw.Draw(image)
    draw.ellipse((6, 8, 50, 52), fill=COLOURS[colour])
    draw.text((62, 30), name, font=fitted(name, 172, 26), fill=shade(COLOURS[colour], -0.3), anchor="lm")
    return Picture(*encode_png(image))


@functools.cache
def banner(text: str, colour: str, size: tuple[int, int] = (728, 90)) -> Picture:
    """An advertisement."""
    image = gradient(size, (shade(COLOURS[colour], 0.2), shade(COLOURS[colour], -0.2)))
    centred(ImageDraw.Draw(image), (20, 10, size[0] - 20, size[1] - 10), text, (255, 255, 255))
    data, content_type, _ = encode(image, "jpeg", 75)
    return Picture(data, content_type)


@functools.cache
def icon(noun: str, colour: str, side: int) -> Picture:
    """A square icon of `side` px, transparent PNG."""
    return Picture(*encode_png(sprite(side, COLOURS[colour], PAINTERS[noun])))


@functools.cache
def thumbnail(noun: str, key: str, side: int) -> Picture:
    """A square picture of a thing, as the strips of related articles show it."""
    scene = random_scene(Dice("thumbnail", noun, key), "things")
    data, content_type, _ = encode(draw_scene(replace(scene, noun=noun), (side, side)), "jpeg", 70)
    return Picture(data, content_type)


@functools.cache
def avatar(key: str, side: int = 80) -> Picture:
    """A face, roughly."""
    dice = Dice("avatar", key)
    image = Image.new("RGB", (side, side), shade(COLOURS[dice.pick(tuple(COLOURS))], 0.35))
    draw = ImageDraw.Draw(image)
    skin = dice.pick(((244, 208, 176), (196, 144, 104), (128, 88, 60)))
    draw.ellipse((side * 0.14, side * 0.74, side * 0.86, side * 1.4), fill=COLOURS[dice.pick(tuple(COLOURS))])
    draw.ellipse((side * 0.27, side * 0.16, side * 0.73, side * 0.78), fill=skin)
    draw.pieslice((side * 0.24, side * 0.1, side * 0.76, side * 0.66), 180, 360, fill=(60, 44, 36))
    data, content_type, _ = encode(image, "jpeg", 80)
    return Picture(data, content_type)


def encode_png(image: Image.Image) -> tuple[bytes, str]:
    """`image` as PNG with its transparency, and the content type."""
    data, content_type, _ = encode(image, "png")
    return data, content_type
