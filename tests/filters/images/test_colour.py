import numpy as np
import pytest
from PIL import Image

from filters.images.colour import is_srgb, on_white, to_8_bit, to_srgb


def expected_srgb(rgb, primaries, gamma, srgb):
    """sRGB of an in-gamut colour by the textbook: curve, D50 XYZ, sRGB's inverse matrix, sRGB's curve."""
    value = np.array(rgb) / 255
    linear = value**gamma if gamma else np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
    back = np.linalg.inv(np.array(srgb).T) @ (np.array(primaries).T @ linear)
    back = np.clip(back, 0, 1)
    return 255 * np.where(back <= 0.0031308, 12.92 * back, 1.055 * back ** (1 / 2.4) - 0.055)


@pytest.mark.parametrize("rgb", [(200, 60, 40), (90, 160, 70), (60, 80, 180), (128, 128, 128), (230, 200, 180)])
@pytest.mark.parametrize(("name", "gamma"), [("DISPLAY_P3", None), ("ADOBE_RGB", 563 / 256)])
def test_colours_of_wide_photographs_are_right(drawn, rgb, name, gamma):
    primaries = getattr(drawn, name)
    profile = drawn.icc_profile(primaries, gamma)
    got = to_srgb(Image.new("RGB", (4, 4), rgb), profile).getpixel((0, 0))
    assert np.abs(np.array(got) - expected_srgb(rgb, primaries, gamma, drawn.SRGB)).max() <= 2


def test_an_srgb_profile_is_known_whatever_its_name(drawn):
    assert is_srgb(drawn.icc_profile(drawn.SRGB, description=b"c2"), "RGB")
    assert not is_srgb(drawn.icc_profile(drawn.DISPLAY_P3, description=b"sRGB IEC61966-2.1"), "RGB")
    assert not is_srgb(drawn.icc_profile(drawn.ADOBE_RGB, 2.2), "RGB")


def test_pillows_own_srgb_profile_is_srgb():
    from PIL import ImageCms

    assert is_srgb(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes(), "RGB")


def test_grey_profiles_are_judged_by_what_they_do(drawn):
    assert is_srgb(drawn.icc_profile((), None, b"GRAY"), "L")
    assert not is_srgb(drawn.icc_profile((), 1.0, b"GRAY"), "L")
    dark = to_srgb(Image.new("L", (2, 2), 55), drawn.icc_profile((), 1.0, b"GRAY"))
    assert dark.mode == "L"
    assert abs(dark.getpixel((0, 0)) - 128) <= 2  # linear 0.216 is sRGB 0.5


@pytest.mark.parametrize("profile", [b"", b"nonsense", bytes(200), b"\0" * 16 + b"RGB " + bytes(300)])
def test_a_broken_profile_changes_nothing(profile):
    image = Image.new("RGB", (2, 2), (10, 200, 30))
    assert to_srgb(image, profile).getpixel((0, 0)) == (10, 200, 30)


def test_a_profile_of_another_kind_of_colour_changes_nothing(drawn):
    grey = drawn.icc_profile((), 1.0, b"GRAY")
    assert to_srgb(Image.new("RGB", (2, 2), (10, 200, 30)), grey).getpixel((0, 0)) == (10, 200, 30)


def test_alpha_survives_colour_conversion(drawn):
    image = Image.new("RGBA", (2, 2), (200, 60, 40, 77))
    got = to_srgb(image, drawn.icc_profile(drawn.DISPLAY_P3))
    assert got.mode == "RGBA"
    assert got.getpixel((0, 0))[3] == 77


def test_transparent_parts_are_white():
    image = Image.new("RGBA", (2, 1), (0, 0, 0, 0))
    image.putpixel((1, 0), (0, 0, 0, 128))
    got = on_white(image)
    assert got.getpixel((0, 0)) == (255, 255, 255)
    assert abs(got.getpixel((1, 0))[0] - 127) <= 1


@pytest.mark.parametrize(("deep", "level"), [(0, 0), (128, 0), (129, 1), (32_896, 128), (65_535, 255)])
def test_16_bits_become_8_by_rounding(deep, level):
    image = Image.fromarray(np.full((2, 2), deep, dtype=np.uint16))
    assert to_8_bit(image).getpixel((0, 0)) == level


def test_a_mode_without_a_range_is_refused():
    with pytest.raises(ValueError, match="no defined range"):
        to_8_bit(Image.new("F", (2, 2)))
