import hashlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFilter

from filters.images.measures import Measures, measure
from schemas.reasons import FileReason


def test_facts_of_a_file(samples):
    data = samples["exif jpeg"][0]
    m = measure(data)
    assert m.sha256 == hashlib.sha256(data).hexdigest()
    assert (m.format, m.mode, m.num_bytes, m.orientation, m.animated) == ("jpeg", "RGB", len(data), 6, False)
    assert (m.width, m.height) == (240, 320)  # turned
    assert m.aspect == pytest.approx(4 / 3)


def test_every_sample_is_measured(samples):
    for name, (data, _) in samples.items():
        m = measure(data)
        assert isinstance(m, Measures), name
        assert 0 <= m.entropy <= 8
        assert m.sharpness >= 0
        assert (len(m.phash), len(m.pdq)) == (16, 64)
        assert 0 <= m.pdq_quality <= 100
        assert 0 <= m.text_share <= 1


def test_a_flat_picture_has_no_entropy_no_colour_and_no_edges(drawn):
    for kind in ("PNG", "JPEG"):
        m = measure(drawn.encode(Image.new("RGB", (200, 100), (30, 90, 200)), kind))
        assert (m.entropy, m.colour_spread, m.sharpness) == (0.0, 0, 0.0)


def test_two_equal_halves_have_one_bit(drawn):
    image = Image.new("L", (64, 64))
    image.paste(255, (0, 0, 32, 64))
    m = measure(drawn.encode(image, "PNG"))
    assert m.entropy == 1.0
    assert m.colour_spread == 255


def test_blurring_lowers_sharpness(drawn):
    sharp = measure(drawn.encode(drawn.draw(), "PNG")).sharpness
    soft = measure(drawn.encode(drawn.draw().filter(ImageFilter.GaussianBlur(3)), "PNG")).sharpness
    assert soft < sharp / 4


def test_a_reduced_decode_measures_nearly_the_same(drawn):
    picture = drawn.draw(1600, 1200)
    whole, reduced = measure(drawn.encode(picture, "PNG")), measure(drawn.encode(picture, "JPEG", quality=95))
    assert (bin(int(whole.phash, 16) ^ int(reduced.phash, 16)).count("1")) <= 2
    assert reduced.entropy == pytest.approx(whole.entropy, abs=0.3)


def test_tiny_pictures_are_measured(drawn):
    for size in ((1, 1), (2, 300), (3, 3)):
        assert isinstance(measure(drawn.encode(Image.new("RGB", size, (9, 9, 9)), "PNG")), Measures)


def test_reasons_pass_through(samples):
    assert measure(b"GIF89a") is FileReason.DECODE_ERROR
    assert measure(samples["png"][0], max_pixels=10) is FileReason.TOO_MANY_PIXELS


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 90), st.integers(1, 90), st.integers(0, 2**32 - 1))
def test_measures_are_bounded_for_any_picture(width, height, seed):
    import io

    noise = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    out = io.BytesIO()
    Image.fromarray(noise).save(out, format="PNG")
    m = measure(out.getvalue())
    assert 0 <= m.entropy <= 8
    assert 0 <= m.colour_spread <= 255
    assert m == measure(out.getvalue())
