import imagehash
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image

from filters.images.phash import dct_bits, distance, phash


def test_it_is_imagehash_on_small_pictures(drawn):
    for width, height in ((120, 90), (33, 127), (32, 32), (40, 30)):
        grey = drawn.draw(width, height).convert("L")
        assert phash(grey) == str(imagehash.phash(grey))


def test_it_is_near_imagehash_on_larger_ones(drawn):
    for width, height in ((320, 240), (640, 370), (1000, 200)):
        grey = drawn.draw(width, height).convert("L")
        assert distance(phash(grey), str(imagehash.phash(grey))) <= 4


@given(st.integers(0, 2**32 - 1))
def test_it_is_imagehash_on_noise(seed):
    noise = np.random.default_rng(seed).integers(0, 256, (32, 32), dtype=np.uint8)
    grey = Image.fromarray(noise)
    assert phash(grey) == str(imagehash.phash(grey))


@pytest.mark.parametrize("level", [1, 77, 255])
def test_a_flat_picture_has_its_mean_only(level):
    assert phash(Image.new("L", (100, 50), level)) == "8000000000000000"


def test_copies_are_near_and_others_far(drawn):
    picture = drawn.draw(800, 600)
    grey = picture.convert("L")
    copies = [grey.resize((200, 150)), Image.fromarray(np.clip(np.asarray(grey) * 0.9 + 5, 0, 255).astype(np.uint8))]
    assert all(distance(phash(grey), phash(copy)) <= 6 for copy in copies)
    assert distance(phash(grey), phash(grey.transpose(Image.Transpose.ROTATE_90))) > 12


@given(arrays.arrays(np.uint8, (32, 32)))
def test_half_of_the_bits_at_most_are_set(pixels):
    assert sum(dct_bits(pixels)) <= 32


@given(st.integers(0, 2**64 - 1), st.integers(0, 63))
def test_distance_counts_bits(value, bit):
    text, other = f"{value:016x}", f"{value ^ (1 << bit):016x}"
    assert (distance(text, text), distance(text, other)) == (0, 1)
