from __future__ import annotations

import io

import pytest
from PIL import Image, ImageChops, ImageOps, ImageStat

from demo.dice import Dice
from demo.pictures.draw import draw_scene
from demo.pictures.formats import FORMS, encode
from demo.pictures.scene import random_scene

PICTURE = draw_scene(random_scene(Dice("formats"), "bars"), (320, 200))


def _load(form: str) -> Image.Image:
    image = Image.open(io.BytesIO(encode(PICTURE, form)[0]))
    image.load()
    return image


@pytest.mark.parametrize(
    ("form", "kind", "mode"),
    [
        ("jpeg", "JPEG", "RGB"),
        ("low", "JPEG", "RGB"),
        ("progressive", "JPEG", "RGB"),
        ("grey", "JPEG", "L"),
        ("cmyk", "JPEG", "CMYK"),
        ("png", "PNG", "RGB"),
        ("alpha", "PNG", "RGBA"),
        ("palette", "PNG", "P"),
        ("webp", "WEBP", "RGB"),
    ],
)
def test_a_form_is_what_it_is_called_and_shows_the_picture(form: str, kind: str, mode: str) -> None:
    image, (_, content_type, extension) = _load(form), encode(PICTURE, form)
    assert (image.format, image.mode, image.size) == (kind, mode, PICTURE.size)
    assert content_type == Image.MIME[kind]
    assert extension in ("jpg", "png", "webp")
    if mode not in ("L", "RGBA"):
        difference = ImageChops.difference(image.convert("RGB"), PICTURE)
        assert sum(ImageStat.Stat(difference).mean) / 3 < 8


def test_progressive_alpha_and_gif_are_more_than_names() -> None:
    assert _load("progressive").info.get("progressive") == 1
    assert "progressive" not in _load("jpeg").info
    assert _load("alpha").getpixel((0, 0))[3] == 0
    gif = Image.open(io.BytesIO(encode(PICTURE, "gif")[0]))
    assert (gif.format, gif.n_frames) == ("GIF", 2)


def test_the_exif_one_lies_on_its_side_has_a_place_and_is_upright_once_turned() -> None:
    image = _load("exif")
    assert image.size == (200, 320)
    assert image.getexif()[0x0112] == 6
    assert image.getexif().get_ifd(0x8825)[1] == "N"
    upright = ImageOps.exif_transpose(image)
    assert upright.size == PICTURE.size
    assert sum(ImageStat.Stat(ImageChops.difference(upright, PICTURE)).mean) / 3 < 8


def test_the_broken_one_starts_like_a_picture_and_cannot_be_read() -> None:
    image = Image.open(io.BytesIO(encode(PICTURE, "broken")[0]))
    with pytest.raises(OSError, match="truncated"):
        image.load()
    assert encode(PICTURE, "gone")[1] == "text/html"


def test_an_unknown_form_is_refused_and_the_known_ones_sum_to_a_hundred() -> None:
    assert sum(FORMS.values()) == 100
    with pytest.raises(ValueError, match="tiff"):
        encode(PICTURE, "tiff")
