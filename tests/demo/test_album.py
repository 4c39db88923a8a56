from __future__ import annotations

import io

from PIL import Image, ImageOps

from demo.album import Album
from demo.prose import Prose

ROOT = "http://cdn.weft.example/a/"


def _album(*forms: str) -> Album:
    return Album(Prose("en", 5), ROOT, (5,), forms)


def test_a_shot_is_an_address_with_a_picture_of_its_size_and_words_for_it() -> None:
    album = _album("jpeg", "exif", "webp", "palette")
    for shot in [album.shot() for _ in range(4)]:
        picture = album.images[shot.url]
        image = ImageOps.exif_transpose(Image.open(io.BytesIO(picture.data)))
        assert shot.url.startswith(ROOT)
        assert image.size == shot.size
        assert picture.content_type == Image.MIME[Image.open(io.BytesIO(picture.data)).format or ""]
        assert shot.says.lower() in shot.caption.lower()
        assert shot.says.lower() in shot.alt.lower()
        assert shot.says.lower() in album.describe(shot).lower()


def test_variants_are_the_same_picture_at_half_its_width() -> None:
    album = _album("jpeg")
    shot = album.shot("place", variants=True)
    ((url, width),) = shot.variants
    assert Image.open(io.BytesIO(album.images[url].data)).width == width == shot.size[0] // 2


def test_a_picture_again_has_other_bytes_another_size_and_another_address() -> None:
    album = _album("jpeg")
    shot = album.shot("things")
    again = album.again(shot, 30, 0.5)
    assert again.url != shot.url
    assert again.says == shot.says
    assert Image.open(io.BytesIO(album.images[again.url].data)).size == again.size
    assert max(Image.open(io.BytesIO(album.images[album.webp(shot)].data)).size) <= 320


def test_what_is_broken_or_gone_is_not_whole() -> None:
    album = _album("broken", "gone", "jpeg")
    broken, gone, good = (album.shot() for _ in range(3))
    assert (broken.whole, gone.whole, good.whole) == (False, False, True)
    assert album.images[gone.url].status == 404
    assert album.images[broken.url].status == 200


def test_a_grey_picture_is_of_a_place_that_no_colour_names() -> None:
    album = _album(*("grey",) * 20)
    says = " ".join(album.shot().says for _ in range(20))
    assert not any(colour in says for colour in ("red", "green", "white", "yellow"))
