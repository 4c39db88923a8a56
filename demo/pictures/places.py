"""Simple landscapes: sea, mountains, city, field, desert, forest, lighthouse, ... by morning, day, sunset, night."""

from __future__ import annotations

import math

from PIL import Image, ImageDraw

from demo.dice import Dice
from demo.pictures.canvas import RGB, gradient, grain, shade
from demo.pictures.scene import Scene

Pen = ImageDraw.ImageDraw
_SKY: dict[str, tuple[RGB, RGB, RGB]] = {
    "morning": ((150, 190, 222), (236, 214, 214), (252, 228, 190)),
    "day": ((64, 140, 214), (134, 190, 234), (206, 230, 246)),
    "sunset": ((74, 52, 112), (222, 98, 84), (252, 190, 96)),
    "night": ((8, 12, 34), (18, 28, 66), (44, 58, 104)),
}
_LIGHT: dict[str, float] = {"morning": 0.12, "day": 0.0, "sunset": -0.25, "night": -0.66}


class _View:
    """One landscape in the making: a pen on a picture of twice the size, and the light of its time of day."""

    def __init__(self, scene: Scene, size: tuple[int, int], dice: Dice) -> None:
        self.time, self.dice = scene.time, dice
        self.image = gradient((size[0] * 2, size[1] * 2), _SKY[scene.time])
        self.w, self.h = self.image.size
        self.pen: Pen = ImageDraw.Draw(self.image)

    def lit(self, colour: RGB, extra: float = 0.0) -> RGB:
        """`colour` as it looks at this time of day."""
        return shade(shade(colour, _LIGHT[self.time]), extra)

    def sky(self, horizon: float) -> None:
        """Sun, moon, stars or clouds above the horizon (a share of the height)."""
        w, h, dice = self.w, self.h, self.dice
        x, r = w * dice.uniform(0.15, 0.85), h * dice.uniform(0.05, 0.08)
        if self.time == "night":
            for _ in range(90):
                sx, sy, s = dice.uniform(0, w), dice.uniform(0, h * horizon), dice.pick((1, 1, 2, 3))
                self.pen.ellipse((sx - s, sy - s, sx + s, sy + s), fill=(236, 236, 222))
            self.disc(x, h * 0.2, r, (244, 240, 214))
        elif self.time == "sunset":
            y = h * (horizon - 0.06)
            for grow, tone in ((2.1, (244, 140, 90)), (1.5, (250, 176, 96))):
                self.disc(x, y, r * grow, tone)
            self.disc(x, y, r * 1.1, (255, 226, 140))
        else:
            if self.time == "morning":
                self.disc(x, h * horizon * 0.72, r, (255, 244, 206))
            else:
                self.disc(x, h * 0.17, r, (255, 240, 170))
            for _ in range(dice.between(1, 4)):
                self.cloud(dice.uniform(0, w), dice.uniform(0.08, horizon * 0.6) * h, h * dice.uniform(0.03, 0.06))

    def disc(self, x: float, y: float, r: float, colour: RGB) -> None:
        self.pen.ellipse((x - r, y - r, x + r, y + r), fill=colour)

    def cloud(self, x: float, y: float, r: float) -> None:
        for dx, dy, k in ((-1.5, 0.2, 0.8), (-0.5, -0.2, 1.1), (0.7, 0, 1.0), (1.7, 0.3, 0.7)):
            self.disc(x + dx * r, y + dy * r, r * k, (250, 249, 246))

    def ground(self, horizon: float, near: RGB, far: RGB) -> None:
        """Everything below the horizon, from `far` to `near`."""
        top = round(self.h * horizon)
        self.image.paste(gradient((self.w, self.h - top), (self.lit(far), self.lit(near))), (0, top))

    def ridge(self, base: float, height: float, colour: RGB, waves: float, sharp: bool) -> list[tuple[float, float]]:
        """A line of hills or peaks across the picture, filled down to the lower edge."""
        dice, steps = self.dice, 26
        phase, second = dice.uniform(0, 6.28), dice.uniform(0, 6.28)
        line = []
        for i in range(steps + 1):
            t = i / steps
            y = 0.6 * math.sin(t * waves + phase) + 0.4 * math.sin(t * waves * 2.3 + second)
            if sharp:
                y = 1.2 * abs(y) - 0.4 + dice.uniform(-0.16, 0.16)
            line.append((self.w * t, self.h * (base - height * y)))
        self.pen.polygon((*line, (self.w, self.h), (0, self.h)), fill=self.lit(colour))
        return line

    def sea(self, horizon: float) -> None:
        self.ground(horizon, (18, 76, 122), (74, 148, 190))
        for _ in range(60):
            y = self.dice.uniform(horizon + 0.02, 1.0) * self.h
            x, length = self.dice.uniform(0, self.w), self.dice.uniform(0.02, 0.09) * self.w * (y / self.h)
            self.pen.line((x, y, x + length, y), fill=self.lit((170, 208, 226)), width=3)

    def fir(self, x: float, y: float, height: float, colour: RGB) -> None:
        for k in (0.0, 0.26, 0.5):
            half = height * (0.16 + k * 0.28)
            tip, foot = y - height * (1 - k * 0.8), y - height * (0.5 - k)
            self.pen.polygon(((x, tip), (x + half, foot), (x - half, foot)), fill=colour)

    def house(self, x: float, y: float, side: float) -> None:
        wall = self.dice.pick(((236, 226, 206), (226, 200, 168), (214, 224, 228), (240, 236, 230)))
        self.pen.rectangle((x, y - side * 0.7, x + side, y), fill=self.lit(wall))
        self.pen.polygon(
            ((x - side * 0.1, y - side * 0.68), (x + side / 2, y - side * 1.3), (x + side * 1.1, y - side * 0.68)),
            fill=self.lit((176, 74, 52)),
        )
        window = (255, 222, 130) if self.time in ("night", "sunset") else self.lit((88, 110, 130))
        for dx in (0.18, 0.6):
            self.pen.rectangle((x + side * dx, y - side * 0.5, x + side * (dx + 0.2), y - side * 0.26), fill=window)


def _sea(v: _View) -> None:
    v.sky(0.52)
    v.sea(0.52)


def _mountains(v: _View) -> None:
    v.sky(0.5)
    v.ridge(0.52, 0.16, (150, 166, 190), v.dice.uniform(7, 11), True)
    peaks = v.ridge(0.6, 0.3, (92, 104, 124), v.dice.uniform(6, 9), True)
    for i in range(1, len(peaks) - 1):
        x, y = peaks[i]
        if y < v.h * 0.42:
            drop, half = v.h * 0.05, v.w * 0.02
            snow = ((x, y), peaks[i + 1] if peaks[i + 1][1] < y + drop else (x + half, y + drop), (x, y + drop * 0.7),
                    peaks[i - 1] if peaks[i - 1][1] < y + drop else (x - half, y + drop))  # fmt: skip
            v.pen.polygon(snow, fill=v.lit((248, 250, 252)))
    v.ridge(0.82, 0.05, (70, 110, 74), 5, False)


def _city(v: _View) -> None:
    v.sky(0.5)
    for base, low, high, tone in ((0.9, 0.3, 0.62, (120, 130, 150)), (1.0, 0.2, 0.5, (70, 78, 96))):
        x = -20.0
        while x < v.w:
            width, height = v.dice.uniform(0.06, 0.12) * v.w, v.dice.uniform(low, high) * v.h
            top = v.h * base - height
            v.pen.rectangle((x, top, x + width, v.h), fill=v.lit(tone, v.dice.uniform(-0.12, 0.12)))
            glass = (255, 220, 120) if v.time in ("night", "sunset") else v.lit((196, 214, 228))
            for wy in range(int(top) + 18, v.h, 44):
                for wx in range(int(x) + 14, int(x + width) - 16, 34):
                    if v.dice.chance(0.55):
                        v.pen.rectangle((wx, wy, wx + 13, wy + 20), fill=glass)
            x += width + v.dice.uniform(4, 24)


def _field(v: _View) -> None:
    v.sky(0.56)
    v.ridge(0.57, 0.03, (86, 128, 82), 6, False)
    v.ground(0.6, (206, 162, 52), (236, 204, 104))
    for i in range(-14, 15):
        v.pen.line(
            (v.w / 2 + i * v.w * 0.05, v.h * 0.6, v.w / 2 + i * v.w * 0.2, v.h), fill=v.lit((178, 134, 40)), width=5
        )


def _desert(v: _View) -> None:
    v.sky(0.55)
    v.ridge(0.6, 0.06, (224, 178, 112), 5, False)
    v.ridge(0.76, 0.07, (208, 154, 88), 4, False)
    v.ridge(0.93, 0.06, (190, 132, 70), 3, False)
    green = v.lit((54, 112, 66))
    x, y, k = v.w * v.dice.uniform(0.2, 0.8), v.h * 0.86, v.h * 0.034
    for box in ((-1, -9, 1, 0), (-4, -5, -2.6, -2.6), (-4, -4, 0, -2.6), (2.6, -7, 4, -4), (0, -5.2, 4, -3.8)):
        v.pen.rounded_rectangle((x + box[0] * k, y + box[1] * k, x + box[2] * k, y + box[3] * k), k * 0.6, fill=green)


def _forest(v: _View) -> None:
    v.sky(0.6)
    v.ridge(0.6, 0.06, (110, 144, 128), 6, False)
    for row, (base, tone) in enumerate(((0.74, (74, 122, 94)), (0.88, (44, 96, 66)), (1.04, (24, 66, 46)))):
        x = -30.0
        while x < v.w + 30:
            v.fir(x, v.h * base, v.h * v.dice.uniform(0.26, 0.38) * (0.8 + row * 0.22), v.lit(tone))
            x += v.w * v.dice.uniform(0.04, 0.075)
        v.pen.rectangle((0, v.h * min(base - 0.03, 1.0), v.w, v.h), fill=v.lit(tone))


def _lighthouse(v: _View) -> None:
    v.sky(0.58)
    v.sea(0.58)
    x, base, side = v.w * v.dice.uniform(0.25, 0.75), v.h * 0.84, v.h * 0.07
    rocks = ((x - side * 4, v.h), (x - side * 2.4, base), (x + side * 2.2, base - 10), (x + side * 4.4, v.h))
    v.pen.polygon(rocks, fill=v.lit((96, 86, 80)))
    for i in range(6):
        y, k, tone = base - i * v.h * 0.09, 1 - i * 0.07, (206, 52, 48) if i % 2 else (246, 244, 240)
        v.pen.rectangle((x - side * k * 0.8, y - v.h * 0.09, x + side * k * 0.8, y), fill=v.lit(tone))
    top = base - 6 * v.h * 0.09
    v.pen.rectangle((x - side * 0.42, top - side * 0.9, x + side * 0.42, top), fill=(255, 232, 140))
    v.pen.polygon(((x - side * 0.6, top - side * 0.9), (x, top - side * 1.6), (x + side * 0.6, top - side * 0.9)),
                  fill=v.lit((90, 30, 30)))  # fmt: skip


def _island(v: _View) -> None:
    v.sky(0.54)
    v.sea(0.54)
    x, y, r = v.w * v.dice.uniform(0.3, 0.7), v.h * 0.74, v.h * 0.3
    v.pen.ellipse((x - r * 1.3, y - r * 0.2, x + r * 1.3, y + r * 0.24), fill=v.lit((236, 210, 150)))
    bend = v.dice.uniform(-0.2, 0.2) * r
    v.pen.line((x, y, x + bend * 0.4, y - r * 0.6, x + bend, y - r * 1.2), fill=v.lit((112, 78, 46)), width=22)
    for dx, dy in ((-0.8, 0.1), (-0.6, -0.36), (0, -0.5), (0.6, -0.36), (0.8, 0.1)):
        tip = (x + bend + dx * r, y - r * 1.2 + dy * r + r * 0.14)
        mid = (x + bend + dx * r * 0.5, y - r * 1.2 + dy * r * 0.5 - r * 0.2)
        v.pen.polygon(((x + bend, y - r * 1.2), mid, tip, (mid[0], mid[1] + r * 0.22)), fill=v.lit((46, 134, 72)))


def _lake(v: _View) -> None:
    v.sky(0.5)
    v.ridge(0.5, 0.16, (104, 126, 148), 7, True)
    v.ridge(0.56, 0.03, (60, 104, 74), 8, False)
    v.ground(0.6, (34, 92, 130), (140, 186, 208))
    for i in range(9):
        y = v.h * (0.64 + i * 0.04)
        start, end = v.w * v.dice.uniform(0, 0.6), v.w * v.dice.uniform(0.6, 1)
        v.pen.line((start, y, end, y), fill=v.lit((178, 212, 226)), width=2)
    for x in (0.05, 0.12, 0.9, 0.97):
        v.fir(v.w * x, v.h * 0.98, v.h * v.dice.uniform(0.4, 0.56), v.lit((26, 70, 50)))


def _village(v: _View) -> None:
    v.sky(0.55)
    v.ridge(0.6, 0.08, (126, 164, 116), 5, False)
    v.ground(0.7, (96, 146, 76), (130, 176, 96))
    for row in (0.76, 0.92):
        x = v.dice.uniform(0.0, 0.1) * v.w
        while x < v.w * 0.95:
            v.house(x, v.h * row, v.h * v.dice.uniform(0.1, 0.14) * (row + 0.2))
            x += v.w * v.dice.uniform(0.13, 0.24)


def _road(v: _View) -> None:
    v.sky(0.52)
    v.ridge(0.53, 0.07, (122, 144, 150), 6, True)
    v.ground(0.56, (104, 138, 74), (150, 170, 104))
    x, y = v.w * v.dice.uniform(0.42, 0.58), v.h * 0.56
    v.pen.polygon(((x - 8, y), (x + 8, y), (v.w * 0.82, v.h), (v.w * 0.18, v.h)), fill=v.lit((82, 84, 90)))
    for i in range(6):
        a, b = (i / 6) ** 2, ((i + 0.5) / 6) ** 2
        at = [(x + (v.w / 2 - x) * t, y + (v.h - y) * t) for t in (a, b)]
        v.pen.line(at, fill=v.lit((246, 240, 220)), width=round(4 + 20 * b))


def _hills(v: _View) -> None:
    v.sky(0.5)
    for base, tone in ((0.58, (142, 186, 130)), (0.72, (112, 168, 96)), (0.88, (78, 140, 70))):
        line = v.ridge(base, 0.07, tone, v.dice.uniform(4, 7), False)
        for x, y in v.dice.some(line, 3):
            v.pen.rectangle((x - 4, y - 10, x + 4, y + 12), fill=v.lit((92, 66, 42)))
            v.disc(x, y - 26, 24, v.lit((58, 112, 58)))


_PAINT = {
    "sea": _sea, "mountains": _mountains, "city": _city, "field": _field, "desert": _desert, "forest": _forest,
    "lighthouse": _lighthouse, "island": _island, "lake": _lake, "village": _village, "road": _road, "hills": _hills,
}  # fmt: skip


def draw_place(scene: Scene, size: tuple[int, int], dice: Dice) -> Image.Image:
    """The picture of a scene of kind `place`: drawn at twice the size, so that its edges are smooth."""
    view = _View(scene, size, dice)
    _PAINT[scene.noun](view)
    return grain(view.image.reduce(2), dice, dice.uniform(0.03, 0.07), dice.pick((1, 2)))
