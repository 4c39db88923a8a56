from __future__ import annotations

import io

from PIL import Image

from demo.page import Picture
from demo.pictures.chrome import PIXEL, avatar, banner, encode_png, icon, logo, thumbnail


def _open(picture: Picture) -> Image.Image:
    image = Image.open(io.BytesIO(picture.data))
    image.load()
    assert Image.MIME[image.format or ""] == picture.content_type
    return image


def test_furniture_has_the_sizes_by_which_it_is_known() -> None:
    assert _open(PIXEL).size == (1, 1)
    assert _open(banner("SALE", "red")).size == (728, 90)
    assert _open(icon("heart", "red", 24)).size == (24, 24)
    assert _open(avatar("a", 48)).size == (48, 48)
    assert _open(thumbnail("boat", "a", 160)).size == (160, 160)


def test_logo_and_icons_are_transparent() -> None:
    for picture in (logo("A long name of a site", "blue"), icon("star", "green", 16)):
        image = _open(picture)
        assert image.mode == "RGBA"
        assert image.getchannel("A").getextrema() == (0, 255)


def test_encode_png_says_what_it_gives() -> None:
    data, content_type = encode_png(Image.new("RGBA", (2, 2)))
    assert content_type == "image/png"
    assert data.startswith(b"\x89PNG")
