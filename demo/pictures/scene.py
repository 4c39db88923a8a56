"""What is on a picture, as facts without language: drawn by `draw`, put into words by `demo.words.grammar`."""

from __future__ import annotations

from dataclasses import dataclass

from demo.dice import Dice

COLOURS: dict[str, tuple[int, int, int]] = {
    "red": (212, 43, 46),
    "orange": (240, 135, 32),
    "yellow": (246, 205, 48),
    "green": (52, 150, 74),
    "turquoise": (44, 181, 176),
    "blue": (38, 92, 196),
    "purple": (121, 62, 166),
    "pink": (240, 138, 178),
    "brown": (124, 79, 44),
    "black": (30, 30, 34),
    "grey": (140, 144, 150),
    "white": (248, 247, 242),
}
THINGS = (
    "circle", "square", "triangle", "star", "heart", "diamond", "hexagon", "ring", "cross", "moon", "arrow",
    "house", "tree", "apple", "boat", "balloon", "flower", "fish", "umbrella", "cup", "car", "mushroom", "kite",
    "leaf",
)  # fmt: skip
LAYOUTS = ("row", "column", "grid", "ring", "scattered")
PATTERNS = ("stripes", "checks", "dots", "waves", "bricks", "zigzags", "rings", "blocks")
PLACES = (
    "sea", "mountains", "city", "field", "desert", "forest", "lighthouse", "island", "lake", "village", "road",
    "hills",
)  # fmt: skip
TIMES = ("morning", "day", "sunset", "night")
KINDS = ("things", "pattern", "place", "bars", "line", "pie", "sign")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """The facts of one picture. Fields that its kind does not use stay empty.

    * things: `count` things `noun` of `colour`, arranged as `layout`, on a ground of `second`
    * pattern: `noun` in `colour` and `second`
    * place: `noun` at `time`
    * bars, pie: `count` parts, in `colour` (a pie has a colour a slice); `mark` is the largest, counted from 1
    * line: a line of `colour` that goes as `layout` says: rising, falling, peak
    * sign: `word` in white on a board of `colour`
    """

    kind: str
    noun: str = ""
    colour: str = ""
    second: str = ""
    count: int = 0
    layout: str = ""
    time: str = ""
    word: str = ""
    mark: int = 0
    salt: int = 0


def contrast(a: str, b: str) -> int:
    """How far apart two colours are, 0 to 765 (sum of the channels' differences)."""
    return sum(abs(x - y) for x, y in zip(COLOURS[a], COLOURS[b], strict=True))


def random_scene(dice: Dice, kind: str, sign_words: tuple[str, ...] = ("OPEN",)) -> Scene:
    """A scene of `kind`; its colours can be told apart. `sign_words` are in the language of the page."""
    salt = dice.below(1 << 30)
    colour = dice.pick(tuple(COLOURS))
    # 200 keeps apart what a reader would confuse (red and orange, blue and purple, white and pink)
    second = dice.pick([c for c in COLOURS if contrast(c, colour) >= 200])
    if kind == "things":
        count = dice.between(1, 9)
        layout = "alone" if count == 1 else "row" if count == 2 else dice.pick(LAYOUTS)
        noun = dice.pick(THINGS)
        return Scene(kind=kind, noun=noun, colour=colour, second=second, count=count, layout=layout, salt=salt)
    if kind == "pattern":
        return Scene(kind=kind, noun=dice.pick(PATTERNS), colour=colour, second=second, salt=salt)
    if kind == "place":
        return Scene(kind=kind, noun=dice.pick(PLACES), time=dice.pick(TIMES), salt=salt)
    dark = dice.pick([c for c in COLOURS if contrast(c, "white") >= 200])
    if kind in ("bars", "pie"):
        count = dice.between(3, 7)
        return Scene(kind=kind, colour=dark, count=count, mark=dice.between(1, count), salt=salt)
    if kind == "line":
        return Scene(kind=kind, colour=dark, layout=dice.pick(("rising", "falling", "peak")), salt=salt)
    if kind == "sign":
        return Scene(kind=kind, colour=dark, word=dice.pick(sign_words), salt=salt)
    raise ValueError(f"{kind!r} is not one of {KINDS}")
