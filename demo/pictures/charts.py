"""Charts and signs: bars, a line, a pie, a board with a word on it."""

from __future__ import annotations

import math

from PIL import Image, ImageDraw

from demo.dice import Dice
from demo.pictures.canvas import RGB, centred, font, gradient, grain, named, shade
from demo.pictures.scene import COLOURS, Scene

_PAPER: RGB = (252, 252, 250)
_INK: RGB = (60, 62, 70)
_MONTHS = ("01", "02", "03", "04", "05", "06", "07")


def _frame(size: tuple[int, int]) -> tuple[Image.Image, ImageDraw.ImageDraw, tuple[int, int, int, int]]:
    """White paper with two axes, five faint lines and numbers; the box inside the axes."""
    image = Image.new("RGB", size, _PAPER)
    draw = ImageDraw.Draw(image)
    box = (round(size[0] * 0.11), round(size[1] * 0.08), round(size[0] * 0.96), round(size[1] * 0.88))
    for i in range(6):
        y = box[3] - (box[3] - box[1]) * i / 5
        draw.line((box[0], y, box[2], y), fill=(222, 224, 228), width=1)
        draw.text((box[0] - 8, y), str(i * 20), font=font(max(11, size[1] // 26)), fill=_INK, anchor="rm")
    draw.line((box[0], box[1], box[0], box[3], box[2], box[3]), fill=_INK, width=2)
    return image, draw, box


def heights(scene: Scene, dice: Dice) -> list[float]:
    """The parts of bars or a pie, 0 to 1: the one that `scene.mark` counts to is clearly the largest."""
    parts = [dice.uniform(0.22, 0.72) for _ in range(scene.count)]
    parts[scene.mark - 1] = dice.uniform(0.88, 0.98)
    return parts


def draw_bars(scene: Scene, size: tuple[int, int], dice: Dice) -> Image.Image:
    """A bar chart: `scene.count` bars of one colour."""
    image, draw, (left, top, right, bottom) = _frame(size)
    colour = named(scene.colour, dice)
    step = (right - left) / scene.count
    for i, part in enumerate(heights(scene, dice)):
        x = left + step * (i + 0.18)
        draw.rectangle((x, bottom - (bottom - top) * part, x + step * 0.64, bottom - 1), fill=colour)
        draw.text((x + step * 0.32, bottom + 6), _MONTHS[i], font=font(max(11, size[1] // 24)), fill=_INK, anchor="mt")
    return image


def draw_line(scene: Scene, size: tuple[int, int], dice: Dice) -> Image.Image:
    """A line chart that rises, falls, or has one peak."""
    image, draw, (left, top, right, bottom) = _frame(size)
    n = dice.between(6, 11)
    points = []
    for i in range(n):
        t = i / (n - 1)
        level = {"rising": t, "falling": 1 - t, "peak": math.sin(math.pi * t)}[scene.layout]
        level = 0.1 + 0.8 * level + (dice.uniform(-0.05, 0.05) if 0 < i < n - 1 else 0)
        points.append((left + (right - left) * (0.04 + 0.92 * t), bottom - (bottom - top) * level))
    colour = named(scene.colour, dice)
    draw.line(points, fill=colour, width=max(3, size[1] // 90), joint="curve")
    r = max(4, size[1] // 70)
    for x, y in points:
        draw.ellipse((x - r, y - r, x + r, y + r), fill=_PAPER, outline=colour, width=max(2, r // 2))
    return image


def draw_pie(scene: Scene, size: tuple[int, int], dice: Dice) -> Image.Image:
    """A pie chart: each slice in a colour of its own, the largest one in `scene.colour`."""
    big = Image.new("RGB", (size[0] * 2, size[1] * 2), _PAPER)
    draw = ImageDraw.Draw(big)
    radius, x, y = min(big.size) * 0.43, big.width / 2, big.height / 2
    others = dice.some([c for c in COLOURS if c not in (scene.colour, "white", "black")], scene.count)
    parts = heights(scene, dice)
    parts[scene.mark - 1] = sum(parts) * dice.uniform(0.45, 0.6)
    start = -90.0
    for i, part in enumerate(parts):
        end = start + 360 * part / sum(parts)
        fill = named(scene.colour if i == scene.mark - 1 else others[i], dice)
        draw.pieslice((x - radius, y - radius, x + radius, y + radius), start, end, fill=fill, outline=_PAPER, width=6)
        start = end
    return big.reduce(2)


def draw_sign(scene: Scene, size: tuple[int, int], dice: Dice) -> Image.Image:
    """A painted board with a word on it, on a wall or under the sky."""
    width, height = size
    wall = dice.pick(((206, 198, 186), (176, 200, 214), (214, 206, 176), (190, 196, 190)))
    image = grain(gradient(size, (shade(wall, 0.2), shade(wall, -0.12))), dice, 0.09, dice.pick((2, 4)))
    draw = ImageDraw.Draw(image)
    colour = named(scene.colour, dice)
    box = (round(width * 0.1), round(height * 0.2), round(width * 0.9), round(height * 0.8))
    radius = dice.pick((4, height // 14, height // 8))
    draw.rounded_rectangle((box[0] + 6, box[1] + 8, box[2] + 6, box[3] + 8), radius, fill=shade(wall, -0.45))
    draw.rounded_rectangle(box, radius, fill=colour, outline=shade(colour, -0.35), width=max(2, height // 90))
    inner = (box[0] + 10, box[1] + 10, box[2] - 10, box[3] - 10)
    draw.rounded_rectangle(inner, max(2, radius - 8), outline=(250, 248, 240), width=max(2, height // 110))
    centred(draw, (box[0] + 36, box[1] + 20, box[2] - 36, box[3] - 20), scene.word, (252, 250, 244))
    return image
