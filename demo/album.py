"""The pictures of one page's content: draw them, give them addresses, remember what the web answers for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from PIL import Image

from demo.dice import Dice, digest
from demo.page import Picture
from demo.pictures.draw import draw_scene
from demo.pictures.formats import FORMS, encode
from demo.pictures.scene import KINDS, Scene, random_scene
from demo.prose import Prose
from demo.words.grammar import capitalised, phrase

_SIZES = ((480, 360), (560, 380), (400, 400), (640, 430), (360, 480), (520, 300), (320, 240), (420, 560), (720, 480))
_KINDS = ("things",) * 5 + ("pattern",) * 2 + ("place",) * 5 + KINDS[3:]
_FLAT = ("bars", "line", "pie")  # drawn in few colours, so that a PNG of them is small and quick
_COLOURLESS = ("sea", "mountains", "city", "road", "village", "forest", "lake")  # named without a colour


@dataclass(frozen=True, slots=True)
class Shot:
    """A picture with an address. `url` is absolute; `says` is what is on it; `size` is in px."""

    url: str
    says: str
    alt: str
    caption: str
    size: tuple[int, int]
    scene: Scene
    variants: tuple[tuple[str, int], ...] = ()  # further (URL, width) of the same picture
    whole: bool = True  # False where the web gives no picture, or half of one


class Album:
    """The pictures of one page, under `root` (an absolute URL); `forms` are those of its first pictures."""

    def __init__(self, prose: Prose, root: str, key: Sequence[object], forms: Sequence[str] = ()) -> None:
        self._prose, self._root, self._key = prose, root, tuple(key)
        self._forms = list(forms)
        self.images: dict[str, Picture] = {}
        self.shots: list[Shot] = []

    def shot(self, kind: str = "", *, variants: bool = False, small: bool = False) -> Shot:
        """The next picture: of `kind` or any; with `variants`, also at half its width and as WebP."""
        dice = Dice("shot", *self._key, len(self.shots))
        form = self._forms.pop(0) if self._forms else _drawn_form(dice)
        scene = _scene(dice, kind, form, self._prose)
        size = (300, 220) if small or form in ("gif", "webp") else dice.pick(_SIZES)
        image = draw_scene(scene, size)
        quality = dice.pick((72, 78, 82, 86, 90))
        name = f"{scene.noun or scene.kind}-{digest(*self._key, len(self.shots), size=4)}"
        url = self._add(name, image, form, quality)
        more: tuple[tuple[str, int], ...] = ()
        if variants:
            half = image.resize((size[0] // 2, size[1] // 2), Image.Resampling.BOX)
            more = ((self._add(f"{name}-{half.width}w", half, "jpeg", quality), half.width),)
        says = phrase(scene, self._prose.words.language)
        words = {"scene": says, "Scene": capitalised(says)}
        shot = Shot(url, capitalised(says), self._prose.line("alts", **words), self._prose.line("captions", **words),
                    size, scene, more, form not in ("broken", "gone"))  # fmt: skip
        self.shots.append(shot)
        return shot

    def again(self, shot: Shot, quality: int, scale: float) -> Shot:
        """`shot` once more, at another size and quality and under another URL."""
        size = (round(shot.size[0] * scale), round(shot.size[1] * scale))
        image = draw_scene(shot.scene, shot.size).resize(size, Image.Resampling.BICUBIC)
        url = self._add(f"{shot.scene.kind}-copy-{digest(shot.url, size=4)}", image, "jpeg", quality)
        return replace(shot, url=url, size=size, variants=())

    def webp(self, shot: Shot) -> str:
        """The URL of `shot` as a WebP of at most 320 px."""
        image = draw_scene(shot.scene, shot.size)
        image.thumbnail((320, 320))
        return self._add(f"{shot.scene.kind}-{digest(shot.url, size=4)}", image, "webp", 70)

    def describe(self, shot: Shot) -> str:
        """A sentence for the text, which says what is on the picture."""
        says = phrase(shot.scene, self._prose.words.language)
        return self._prose.line("describe", scene=says, Scene=capitalised(says))

    def _add(self, name: str, image: Image.Image, form: str, quality: int) -> str:
        data, content_type, extension = encode(image, form, quality)
        url = f"{self._root}{name}.{extension}"
        self.images[url] = Picture(data, content_type, 404 if form == "gone" else 200)
        return url


def _drawn_form(dice: Dice) -> str:
    roll = dice.below(sum(FORMS.values()))
    for form, share in FORMS.items():
        roll -= share
        if roll < 0:
            return form
    raise AssertionError("a roll below the sum of the shares ends in the loop")


def _scene(dice: Dice, kind: str, form: str, prose: Prose) -> Scene:
    signs = prose.words.lines["signs"]
    if form in ("png", "alpha", "palette") and kind not in _FLAT:
        kind = dice.pick(_FLAT)
    if form == "gif":
        kind = "pattern"
    if form == "grey":
        return replace(random_scene(dice, "place"), noun=dice.pick(_COLOURLESS))
    return random_scene(dice, kind or dice.pick(_KINDS), signs)
