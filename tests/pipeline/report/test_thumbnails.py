import base64
import hashlib
import io

import pytest
from PIL import Image

from pipeline.report.thumbnails import Thumbnails, thumbnail
from pipeline.store import Address, StoreWriter, erase

SVG = b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"><script>alert(1)</script></svg>'


def png(size=(400, 100), colour="red"):
    out = io.BytesIO()
    Image.new("RGB", size, colour).save(out, "PNG")
    return out.getvalue()


def opened(uri):
    head, _, body = uri.partition(",")
    assert head == "data:image/jpeg;base64"
    return Image.open(io.BytesIO(base64.b64decode(body)))


def test_a_picture_is_drawn_anew_as_a_jpeg_of_at_most_that_side():
    assert opened(thumbnail(png(), 160)).size == (160, 40)
    assert opened(thumbnail(png((20, 10)), 160)).size == (20, 10)


@pytest.mark.parametrize("data", [b"", SVG, b"<html>", png()[:60]])
def test_what_is_no_picture_gives_none(data):
    assert thumbnail(data) is None


@pytest.fixture
def stored(tmp_path):
    data = png()
    with StoreWriter(tmp_path, "s") as store:
        file, offset, length = store.append(data, name="x")
    return {
        **{"sha256": hashlib.sha256(data).hexdigest(), "store_file": file},
        **{"store_offset": offset, "store_length": length},
    }


def test_bytes_come_from_the_store_and_are_checked(tmp_path, stored):
    assert opened(Thumbnails(tmp_path).draw(stored)).size == (160, 40)
    assert Thumbnails(tmp_path).draw(stored | {"sha256": "0" * 64}) is None
    assert Thumbnails(tmp_path).draw(stored | {"store_file": "gone.tar"}) is None
    assert Thumbnails(tmp_path).draw({"sha256": None, "store_file": None}) is None


def test_erased_bytes_are_no_picture(tmp_path, stored):
    erase(tmp_path, [Address(stored["store_file"], stored["store_offset"], stored["store_length"])])
    assert Thumbnails(tmp_path).draw(stored) is None


def test_when_the_budget_is_spent_nothing_more_is_drawn_but_what_was_drawn_stays(tmp_path, stored):
    thumbnails = Thumbnails(tmp_path, budget=1)
    first = thumbnails.draw(stored)
    assert first is not None
    assert thumbnails.draw(stored, side=50) is None
    assert thumbnails.draw(stored) == first
