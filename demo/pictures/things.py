"""Things that can be counted: geometric shapes and simple objects, as smooth sprites in one main colour."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable

from PIL import Image, ImageDraw

from demo.dice import Dice
from demo.pictures.canvas import RGB, gradient, grain, named, shade, sprite
from demo.pictures.scene import Scene

Pen = ImageDraw.ImageDraw
_STEM: RGB = (92, 64, 38)
_LEAF: RGB = (70, 132, 60)


def _points(n: int, outer: float, inner: float, side: int, turn: float = -math.pi / 2) -> list[tuple[float, float]]:
    """The corners of a star (or, where inner == outer, of a regular polygon of 2 n corners)."""
    radii = (outer, inner)
    return [
        (
            side / 2 + radii[i % 2] * side * math.cos(turn + math.pi * i / n),
            side / 2 + radii[i % 2] * side * math.sin(turn + math.pi * i / n),
        )
        for i in range(2 * n)
    ]


def _scaled(side: int, *points: tuple[float, float]) -> list[tuple[float, float]]:
    return [(x * side, y * side) for x, y in points]


def _circle(d: Pen, s: int, c: RGB) -> None:
    d.ellipse((s * 0.06, s * 0.06, s * 0.94, s * 0.94), fill=c)


def _square(d: Pen, s: int, c: RGB) -> None:
    d.rectangle((s * 0.1, s * 0.1, s * 0.9, s * 0.9), fill=c)


def _triangle(d: Pen, s: int, c: RGB) -> None:
    d.polygon(_scaled(s, (0.5, 0.07), (0.96, 0.88), (0.04, 0.88)), fill=c)


def _star(d: Pen, s: int, c: RGB) -> None:
    d.polygon(_points(5, 0.48, 0.2, s), fill=c)


def _heart(d: Pen, s: int, c: RGB) -> None:
    curve = []
    for i in range(48):
        t = 2 * math.pi * i / 48
        y = 13 * math.cos(t) - 5 * math.cos(2 * t) - 2 * math.cos(3 * t) - math.cos(4 * t)
        curve.append((0.5 + math.sin(t) ** 3 * 0.46, 0.46 - y * 0.029))
    d.polygon(_scaled(s, *curve), fill=c)


def _diamond(d: Pen, s: int, c: RGB) -> None:
    d.polygon(_scaled(s, (0.5, 0.03), (0.84, 0.5), (0.5, 0.97), (0.16, 0.5)), fill=c)


def _hexagon(d: Pen, s: int, c: RGB) -> None:
    d.polygon(_points(3, 0.47, 0.47, s, 0.0), fill=c)


def _ring(d: Pen, s: int, c: RGB) -> None:
    d.ellipse((s * 0.07, s * 0.07, s * 0.93, s * 0.93), outline=c, width=round(s * 0.15))


def _cross(d: Pen, s: int, c: RGB) -> None:
    d.rectangle((s * 0.37, s * 0.07, s * 0.63, s * 0.93), fill=c)
    d.rectangle((s * 0.07, s * 0.37, s * 0.93, s * 0.63), fill=c)


def _moon(d: Pen, s: int, c: RGB) -> None:
    d.ellipse((s * 0.08, s * 0.06, s * 0.92, s * 0.94), fill=c)
    d.ellipse((s * 0.34, s * 0.02, s * 1.06, s * 0.8), fill=(*c, 0))


def _arrow(d: Pen, s: int, c: RGB) -> None:
    d.polygon(
        _scaled(s, (0.04, 0.38), (0.54, 0.38), (0.54, 0.14), (0.96, 0.5), (0.54, 0.86), (0.54, 0.62), (0.04, 0.62)),
        fill=c,
    )


def _house(d: Pen, s: int, c: RGB) -> None:
    d.rectangle((s * 0.68, s * 0.12, s * 0.78, s * 0.4), fill=shade(c, -0.35))
    d.rectangle((s * 0.16, s * 0.46, s * 0.84, s * 0.94), fill=c)
    d.polygon(_scaled(s, (0.5, 0.07), (0.96, 0.48), (0.04, 0.48)), fill=shade(c, -0.3))
    d.rectangle((s * 0.43, s * 0.64, s * 0.58, s * 0.94), fill=_STEM)
    for x in (0.23, 0.66):
        d.rectangle((s * x, s * 0.56, s * (x + 0.12), s * 0.7), fill=(252, 236, 170))


def _tree(d: Pen, s: int, c: RGB) -> None:
    d.rectangle((s * 0.44, s * 0.6, s * 0.56, s * 0.96), fill=_STEM)
    for x, y, r in ((0.32, 0.46, 0.22), (0.68, 0.46, 0.22), (0.5, 0.28, 0.25), (0.5, 0.5, 0.22)):
        d.ellipse((s * (x - r), s * (y - r), s * (x + r), s * (y + r)), fill=c)
    d.ellipse((s * 0.36, s * 0.14, s * 0.56, s * 0.32), fill=shade(c, 0.2))


def _apple(d: Pen, s: int, c: RGB) -> None:
    d.ellipse((s * 0.1, s * 0.26, s * 0.6, s * 0.92), fill=c)
    d.ellipse((s * 0.4, s * 0.26, s * 0.9, s * 0.92), fill=c)
    d.line(_scaled(s, (0.5, 0.34), (0.54, 0.1)), fill=_STEM, width=round(s * 0.05))
    d.ellipse((s * 0.55, s * 0.1, s * 0.8, s * 0.22), fill=_LEAF)
    d.ellipse((s * 0.2, s * 0.38, s * 0.32, s * 0.56), fill=shade(c, 0.45))


def _boat(d: Pen, s: int, c: RGB) -> None:
    d.polygon(_scaled(s, (0.06, 0.68), (0.94, 0.68), (0.78, 0.92), (0.22, 0.92)), fill=c)
    d.rectangle((s * 0.47, s * 0.08, s * 0.51, s * 0.68), fill=_STEM)
    d.polygon(_scaled(s, (0.54, 0.1), (0.88, 0.6), (0.54, 0.6)), fill=shade(c, 0.35))
    d.polygon(_scaled(s, (0.44, 0.18), (0.44, 0.6), (0.16, 0.6)), fill=shade(c, 0.2))


def _balloon(d: Pen, s: int, c: RGB) -> None:
    d.line(_scaled(s, (0.5, 0.7), (0.46, 0.82), (0.54, 0.9), (0.5, 0.99)), fill=(90, 90, 90), width=max(1, s // 50))
    d.ellipse((s * 0.2, s * 0.03, s * 0.8, s * 0.7), fill=c)
    d.polygon(_scaled(s, (0.5, 0.66), (0.57, 0.76), (0.43, 0.76)), fill=shade(c, -0.2))
    d.ellipse((s * 0.3, s * 0.12, s * 0.42, s * 0.32), fill=shade(c, 0.5))


def _flower(d: Pen, s: int, c: RGB) -> None:
    d.rectangle((s * 0.475, s * 0.5, s * 0.525, s * 0.98), fill=_LEAF)
    d.ellipse((s * 0.52, s * 0.72, s * 0.8, s * 0.84), fill=_LEAF)
    for i in range(6):
        x, y = 0.5 + 0.2 * math.cos(i * math.pi / 3), 0.34 + 0.2 * math.sin(i * math.pi / 3)
        d.ellipse((s * (x - 0.14), s * (y - 0.14), s * (x + 0.14), s * (y + 0.14)), fill=c)
    core = shade(c, -0.55) if min(c) > 120 or c[0] > 225 else (250, 214, 70)
    d.ellipse((s * 0.38, s * 0.22, s * 0.62, s * 0.46), fill=core)


def _fish(d: Pen, s: int, c: RGB) -> None:
    d.polygon(_scaled(s, (0.66, 0.5), (0.97, 0.24), (0.97, 0.76)), fill=shade(c, -0.25))
    d.ellipse((s * 0.04, s * 0.26, s * 0.78, s * 0.74), fill=c)
    d.polygon(_scaled(s, (0.34, 0.3), (0.54, 0.12), (0.58, 0.32)), fill=shade(c, -0.25))
    d.ellipse((s * 0.16, s * 0.4, s * 0.25, s * 0.49), fill=(250, 250, 250))
    d.ellipse((s * 0.185, s * 0.425, s * 0.225, s * 0.465), fill=(20, 20, 20))


def _umbrella(d: Pen, s: int, c: RGB) -> None:
    d.line(_scaled(s, (0.5, 0.1), (0.5, 0.86)), fill=_STEM, width=round(s * 0.045))
    d.arc((s * 0.34, s * 0.76, s * 0.525, s * 0.96), 0, 180, fill=_STEM, width=round(s * 0.045))
    d.pieslice((s * 0.04, s * 0.08, s * 0.96, s * 1.0), 180, 360, fill=c)
    d.pieslice((s * 0.35, s * 0.08, s * 0.65, s * 1.0), 180, 360, fill=shade(c, 0.25))


def _cup(d: Pen, s: int, c: RGB) -> None:
    d.ellipse((s * 0.6, s * 0.36, s * 0.96, s * 0.7), outline=c, width=round(s * 0.07))
    d.polygon(_scaled(s, (0.1, 0.26), (0.76, 0.26), (0.68, 0.88), (0.18, 0.88)), fill=c)
    d.ellipse((s * 0.1, s * 0.18, s * 0.76, s * 0.34), fill=shade(c, -0.4))


def _car(d: Pen, s: int, c: RGB) -> None:
    d.polygon(_scaled(s, (0.24, 0.48), (0.36, 0.26), (0.7, 0.26), (0.84, 0.48)), fill=shade(c, -0.2))
    d.polygon(_scaled(s, (0.32, 0.46), (0.39, 0.32), (0.51, 0.32), (0.51, 0.46)), fill=(214, 234, 244))
    d.polygon(_scaled(s, (0.55, 0.46), (0.55, 0.32), (0.67, 0.32), (0.75, 0.46)), fill=(214, 234, 244))
    d.rounded_rectangle((s * 0.03, s * 0.46, s * 0.97, s * 0.72), s * 0.08, fill=c)
    for x in (0.25, 0.75):
        d.ellipse((s * (x - 0.12), s * 0.6, s * (x + 0.12), s * 0.84), fill=(36, 36, 40))
        d.ellipse((s * (x - 0.05), s * 0.67, s * (x + 0.05), s * 0.77), fill=(190, 190, 190))


def _mushroom(d: Pen, s: int, c: RGB) -> None:
    d.rounded_rectangle((s * 0.37, s * 0.44, s * 0.63, s * 0.94), s * 0.1, fill=(240, 226, 200))
    d.pieslice((s * 0.06, s * 0.08, s * 0.94, s * 1.0), 180, 360, fill=c)
    for x, y, r in ((0.3, 0.36, 0.06), (0.52, 0.24, 0.08), (0.72, 0.4, 0.06)):
        d.ellipse((s * (x - r), s * (y - r), s * (x + r), s * (y + r)), fill=shade(c, 0.75))


def _kite(d: Pen, s: int, c: RGB) -> None:
    d.line(_scaled(s, (0.5, 0.7), (0.42, 0.8), (0.56, 0.88), (0.48, 0.98)), fill=(90, 90, 90), width=max(1, s // 40))
    d.polygon(_scaled(s, (0.5, 0.03), (0.8, 0.3), (0.5, 0.76), (0.2, 0.3)), fill=c)
    d.polygon(_scaled(s, (0.5, 0.03), (0.5, 0.3), (0.2, 0.3)), fill=shade(c, 0.3))
    d.polygon(_scaled(s, (0.5, 0.3), (0.8, 0.3), (0.5, 0.76)), fill=shade(c, -0.25))


def _leaf(d: Pen, s: int, c: RGB) -> None:
    left = [(0.5 - 0.3 * math.sin(math.pi * t / 16), 0.04 + 0.8 * t / 16) for t in range(17)]
    right = [(1 - x, y) for x, y in reversed(left)]
    d.polygon(_scaled(s, *left, *right), fill=c)
    d.line(_scaled(s, (0.5, 0.14), (0.5, 0.98)), fill=shade(c, -0.35), width=round(s * 0.035))
    for y in (0.34, 0.5, 0.66):
        d.line(_scaled(s, (0.34, y - 0.1), (0.5, y), (0.66, y - 0.1)), fill=shade(c, -0.35), width=round(s * 0.022))


PAINTERS: dict[str, Callable[[Pen, int, RGB], None]] = {
    "circle": _circle, "square": _square, "triangle": _triangle, "star": _star, "heart": _heart,
    "diamond": _diamond, "hexagon": _hexagon, "ring": _ring, "cross": _cross, "moon": _moon, "arrow": _arrow,
    "house": _house, "tree": _tree, "apple": _apple, "boat": _boat, "balloon": _balloon, "flower": _flower,
    "fish": _fish, "umbrella": _umbrella, "cup": _cup, "car": _car, "mushroom": _mushroom, "kite": _kite,
    "leaf": _leaf,
}  # fmt: skip
_UPRIGHT = frozenset(("square", "diamond", "cross", "house", "tree", "cup", "car", "boat", "arrow"))


@functools.lru_cache(maxsize=512)
def _thing(noun: str, side: int, colour: RGB, turn: int) -> Image.Image:
    return sprite(side, colour, PAINTERS[noun], turn)


def spots(scene: Scene, size: tuple[int, int], dice: Dice) -> tuple[list[tuple[float, float]], float]:
    """The centres of the scene's things in px, and the room that each has."""
    width, height = size
    n = scene.count
    if scene.layout == "alone":
        return [(width / 2, height / 2)], min(width, height) * 0.78
    if scene.layout in ("row", "column"):
        along, across = (width, height) if scene.layout == "row" else (height, width)
        room = min(along * 0.92 / n, across * 0.7)
        line = [along * 0.04 + along * 0.92 * (i + 0.5) / n for i in range(n)]
        return [(x, height / 2) if scene.layout == "row" else (width / 2, x) for x in line], room * 0.92
    if scene.layout == "ring":
        room = min(min(width, height) * 0.62 * math.pi / max(n, 3) * 0.82, min(width, height) * 0.28)
        radius = min(width, height) / 2 - room * 0.56
        turns = [2 * math.pi * i / n - math.pi / 2 for i in range(n)]
        return [(width / 2 + radius * math.cos(t), height / 2 + radius * math.sin(t)) for t in turns], room
    columns = max(2, math.ceil(math.sqrt(n * width / height)))
    rows = math.ceil(n / columns)
    cells = [((i % columns + 0.5) * width / columns, (i // columns + 0.5) * height / rows) for i in range(n)]
    room = min(width / columns, height / rows)
    if scene.layout == "grid":
        return cells, room * 0.84
    all_cells = [((i % columns + 0.5) * width / columns, (i // columns + 0.5) * height / rows)
                 for i in range(columns * rows)]  # fmt: skip
    slack = room * 0.17
    moved = [(x + dice.uniform(-slack, slack), y + dice.uniform(-slack, slack)) for x, y in dice.some(all_cells, n)]
    return moved, room * 0.62


def draw_things(scene: Scene, size: tuple[int, int], dice: Dice) -> Image.Image:
    """The picture of a scene of kind `things`."""
    ground, colour = named(scene.second, dice), named(scene.colour, dice)
    image = gradient(size, (shade(ground, 0.14), ground, shade(ground, -0.16)))
    image = grain(image, dice, dice.uniform(0.03, 0.07), dice.pick((1, 2, 4)))
    centres, room = spots(scene, size, dice)
    side = max(24, int(room * dice.uniform(0.86, 1.0)) // 8 * 8)
    loose = scene.layout in ("scattered", "ring") and scene.noun not in _UPRIGHT
    shadow = shade(ground, -0.4)
    for x, y in centres:
        turn = dice.between(-2, 2) * 9 if loose else 0
        piece = _thing(scene.noun, side, colour, turn)
        left, top = round(x - side / 2), round(y - side / 2)
        mask = piece.getchannel("A")
        drop = max(2, side // 28)
        image.paste(shadow, (left + drop, top + drop), mask.point(_FAINT))
        image.paste(piece, (left, top), mask)
    return image


_FAINT = [v * 2 // 5 for v in range(256)]
