import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from filters.images.pdq import MIN_QUALITY, SAME, _samples, distances, pdq, words

REFERENCE = {
    (64, 64): "144c437016d5a95f673309ed29714975d68ef61298cc56a06d2edc8f257a19fb",
    (200, 150): "7f134bf4a7dcb6cb56a8a35318e3e31de71c58a4a95349b47823f60898ca2762",
    (129, 257): "33223837733e2775c907e70a4da83377b25718f536f8d88a99c38788b04b59ad",
    (640, 480): "d8b6d280e916d88ca74187cb87c858b77837783458be277116e9297c87dbb856",
    (1000, 400): "392c1834697d7d2f18e4e90cf219dd2e1de616f3e31b82d0d682478bf60609fe",
}
"""What Meta's code (pdqhash 0.2.8) says of `smooth(width, height)`; quality 100."""


def smooth(width, height):
    dice = np.random.Generator(np.random.PCG64(width * height))
    coarse = Image.fromarray(dice.integers(0, 256, (9, 11), dtype=np.uint8))
    return coarse.resize((width, height), Image.Resampling.BICUBIC)


def apart(a, b):
    return int(distances(words([a]), words([b]))[0])


@pytest.mark.parametrize("size", REFERENCE)
def test_it_is_the_reference(size):
    found = pdq(smooth(*size), *size)
    assert apart(found.hash, REFERENCE[size]) <= 2
    assert found.quality == 100


@pytest.mark.parametrize("size", [(640, 480), (1000, 400)])
def test_a_reduced_picture_has_nearly_the_hash_of_the_whole(size):
    small = smooth(*size).reduce(min(size) // 128)
    assert apart(pdq(small, *size).hash, REFERENCE[size]) <= 12


def test_copies_are_the_same_and_others_are_not():
    picture = smooth(640, 480)
    copies = [picture.resize((400, 300)), Image.fromarray((np.asarray(picture) * 0.8 + 20).astype(np.uint8))]
    first = pdq(picture, 640, 480).hash
    assert all(apart(first, pdq(copy, *copy.size).hash) <= SAME for copy in copies)
    assert apart(first, pdq(picture.transpose(Image.Transpose.ROTATE_180), 640, 480).hash) > 3 * SAME


def test_flat_pictures_are_not_trusted_and_photographs_are():
    assert pdq(Image.new("L", (200, 200), 7), 200, 200).quality == 0
    faint = smooth(200, 200).point(lambda level: 128 + level // 64)
    assert pdq(faint, 200, 200).quality < MIN_QUALITY
    assert pdq(smooth(200, 200), 200, 200).quality >= MIN_QUALITY


def test_a_strip_of_20_000_px_is_hashed_in_little_memory():
    strip = Image.new("L", (20_000, 10), 200)
    ImageDraw.Draw(strip).rectangle((3_000, 2, 9_000, 7), fill=20)
    assert len(pdq(strip, 20_000, 10).hash) == 64


@given(st.integers(1, 300), st.integers(1, 300), st.integers(0, 2**32 - 1))
def test_any_picture_has_a_hash_of_at_most_half_its_bits(width, height, seed):
    noise = np.random.default_rng(seed).integers(0, 256, (height, width), dtype=np.uint8)
    found = pdq(Image.fromarray(noise), width, height)
    assert int(found.hash, 16).bit_count() <= 128
    assert 0 <= found.quality <= 100


@given(st.integers(0, 2**256 - 1), st.integers(0, 2**256 - 1))
def test_distances_count_bits(a, b):
    assert apart(f"{a:064x}", f"{b:064x}") == (a ^ b).bit_count()
    assert words([f"{a:064x}"]).shape == (1, 4)


def dense(full, have):
    """float32 (64, have): the weights of all samples over the whole axis."""
    weights = np.zeros((64, have), np.float32)
    for place, (first, last, band) in enumerate(_samples(full, have)):
        weights[16 * place : 16 * (place + 1), first:last] = band
    return weights


@pytest.mark.parametrize("full", [1, 2, 63, 64, 65, 127, 128, 129, 199, 256, 257, 300, 384, 511, 512])
def test_weights_of_an_axis_are_two_box_passes_at_64_places(full):
    window = -(-full // 128)
    ahead = (window + 2) // 2 - 1
    once = np.zeros((full, full))
    for row in range(full):
        first, last = max(0, row - (window - 1 - ahead)), min(full - 1, row + ahead)
        once[row, first : last + 1] = 1 / (last - first + 1)
    wanted = 256 * (once @ once)[((np.arange(64) + 0.5) * full / 64).astype(int)]
    found = dense(full, full)
    assert found.shape == (64, full)
    assert np.abs(found - wanted).max() <= 2  # to whole numbers, and what is left goes to the largest
    assert (found.sum(axis=1) == 256).all()


@given(st.integers(1, 8_000), st.integers(1, 700))
def test_weights_of_a_reduced_axis_lie_around_their_place(full, have):
    have = min(full, have)
    found = dense(full, have)
    assert found.shape == (64, have)
    assert (found.sum(axis=1) == 256).all()
    assert found.min() >= -1
    centre = (found @ (np.arange(have) + 0.5)) / 256
    assert np.abs(centre - (np.arange(64) + 0.5) * have / 64).max() <= 2 * have / 128 + 1.5
