import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageFilter

from filters.images.text_share import TEXT_RICH, text_share


def page(ink=20, paper=250, width=200, height=160):
    image = Image.new("L", (width, height), paper)
    pen = ImageDraw.Draw(image)
    for y in range(4, height, 12):
        pen.text((4, y), "the quick brown fox jumps over the lazy dog", fill=ink)
    return image


@pytest.mark.parametrize(("ink", "paper"), [(20, 250), (250, 20), (90, 200)])
def test_a_page_is_rich_in_text_dark_on_bright_or_bright_on_dark(ink, paper):
    assert text_share(np.asarray(page(ink, paper))) >= 2 * TEXT_RICH


def test_a_photograph_a_flat_picture_and_faint_letters_are_not(drawn):
    noise = np.random.default_rng(2).normal(128, 40, (160, 200)).clip(0, 255).astype(np.uint8)
    grain = Image.fromarray(noise).filter(ImageFilter.GaussianBlur(1))
    for picture in (drawn.draw(200, 160).convert("L"), grain, Image.new("L", (200, 160), 255), page(220, 250)):
        assert text_share(np.asarray(picture)) < TEXT_RICH / 2


def test_half_a_page_has_half_the_share():
    whole = np.asarray(page()).copy()
    share = text_share(whole)
    whole[:80] = 250
    assert text_share(whole) == pytest.approx(share / 2, abs=0.06)


@given(st.integers(1, 90), st.integers(1, 90), st.integers(0, 2**32 - 1))
def test_it_is_a_share_for_any_picture(width, height, seed):
    grey = np.random.default_rng(seed).integers(0, 256, (height, width), dtype=np.uint8)
    share = text_share(grey)
    assert 0 <= share <= 1
    if min(width, height) < 64:
        assert share == 0
