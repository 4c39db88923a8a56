"""From the facts of a scene to pixels."""

from __future__ import annotations

from PIL import Image

from demo.dice import Dice
from demo.pictures.charts import draw_bars, draw_line, draw_pie, draw_sign
from demo.pictures.patterns import draw_pattern
from demo.pictures.places import draw_place
from demo.pictures.scene import Scene
from demo.pictures.things import draw_things

_DRAW = {
    "things": draw_things,
    "pattern": draw_pattern,
    "place": draw_place,
    "bars": draw_bars,
    "line": draw_line,
    "pie": draw_pie,
    "sign": draw_sign,
}


def draw_scene(scene: Scene, size: tuple[int, int]) -> Image.Image:
    """An RGB picture of `size` (width, height in px) that shows `scene`; the same for the same arguments."""
    return _DRAW[scene.kind](scene, size, Dice("draw", scene.salt, *size))
