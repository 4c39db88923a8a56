"""Colours made the same for every image: 8 bits, sRGB, transparent parts on white.

What a browser shows for a picture without profile is sRGB; a picture with a profile (Display P3, Adobe RGB,
CMYK of a press) is converted by it, through Little CMS.
"""

from __future__ import annotations

import functools
import io
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from PIL import Image, ImageCms

MAX_SRGB_DIFFERENCE = 2
"""A profile is sRGB if it moves no colour of the test grid by more levels than this (of 255): the sRGB
profiles in use (HP 1998, ICC v2 and v4, Google's and Facebook's small ones) stay at or under 2, Adobe RGB is
at 60 and more."""

_MAX_PROFILE_BYTES = 4 << 20  # a press profile has about 2 MB
_GRID = (0, 16, 32, 64, 96, 128, 160, 192, 224, 255)  # levels of each channel in the test grid
_SPACES = {"RGB": b"RGB ", "L": b"GRAY", "CMYK": b"CMYK"}


def to_8_bit(image: Image.Image) -> Image.Image:
    """The image in mode L, LA, RGB, RGBA or CMYK, 8 bits a channel; transparency keys become an alpha
    channel.

    Raises:
        ValueError: a mode without a defined range (floats, 32-bit integers).
    """
    from PIL import Image

    if image.mode.startswith("I;16"):
        deep = np.asarray(image).astype(np.uint32)
        return Image.fromarray(((deep * 255 + 32767) // 65535).astype(np.uint8))
    if image.mode == "I" and image.format == "PNG":
        deep = np.clip(np.asarray(image), 0, 65535).astype(np.uint32)
        return Image.fromarray(((deep * 255 + 32767) // 65535).astype(np.uint8))
    if image.mode in ("I", "F"):
        raise ValueError(f"mode {image.mode} has no defined range")
    if image.has_transparency_data and image.mode not in ("LA", "RGBA"):
        return image.convert("RGBA")
    if image.mode in ("L", "LA", "RGB", "RGBA", "CMYK"):
        return image
    return image.convert("L" if image.mode == "1" else "RGB")


def to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """The image in sRGB; a profile that is sRGB, broken or of another kind of colour changes nothing.

    Args:
        image: mode L, LA, RGB, RGBA or CMYK.
        profile: ICC profile, None for none. CMYK without a usable profile is converted without one.
    """
    if not profile and image.mode in ("L", "RGB", "RGBA"):
        return image
    alpha = image.getchannel("A") if image.mode in ("LA", "RGBA") else None
    colours = image.convert({"LA": "L", "RGBA": "RGB"}[image.mode]) if alpha is not None else image
    if profile and not is_srgb(profile, colours.mode):
        transform = _transform(profile, colours.mode)
        if transform is not None:
            colours = _apply(colours, transform)
    if colours.mode == "CMYK":
        colours = colours.convert("RGB")
    if alpha is not None:
        colours = colours.convert("RGB")
        colours.putalpha(alpha)
    return colours


def on_white(image: Image.Image) -> Image.Image:
    """The image without alpha, its transparent parts on white. Mode L stays L."""
    from PIL import Image

    if image.mode != "RGBA":
        return image
    ground = Image.new("RGB", image.size, (255, 255, 255))
    ground.paste(image, mask=image)
    return ground


@functools.lru_cache(maxsize=256)
def is_srgb(profile: bytes, mode: str) -> bool:
    """Whether pictures of this mode look the same without the profile.

    True also for profiles that no program can use: broken, or of another colour space than the picture.
    Found by converting a grid of colours, because names in profiles are free text ("c2", "IEC 61966-2.1",
    "sRGB built-in").
    """
    from PIL import Image

    transform = _transform(profile, mode)
    if transform is None:
        return mode != "CMYK"
    if mode == "L":
        grid = np.array([_GRID], dtype=np.uint8)
    elif mode == "RGB":
        axes = np.meshgrid(_GRID, _GRID, _GRID, indexing="ij")
        grid = np.stack(axes, axis=-1).reshape(1, -1, 3).astype(np.uint8)
    else:
        return False
    got = np.asarray(_apply(Image.fromarray(grid), transform)).astype(np.int16)
    return bool(np.abs(got - grid.astype(np.int16)).max() <= MAX_SRGB_DIFFERENCE)


def _apply(image: Image.Image, transform: ImageCms.ImageCmsTransform) -> Image.Image:
    from PIL import ImageCms

    done = ImageCms.applyTransform(image, transform)
    assert done is not None
    return done.getchannel(0) if image.mode == "L" else done


@functools.lru_cache(maxsize=64)
def _transform(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    """Conversion of `mode` under `profile` to RGB in sRGB; None where the profile cannot be used."""
    from PIL import ImageCms

    if mode not in _SPACES or profile[16:20] != _SPACES[mode] or len(profile) > _MAX_PROFILE_BYTES:
        return None
    try:
        source = ImageCms.getOpenProfile(io.BytesIO(profile))
        return ImageCms.buildTransform(source, _srgb(), mode, "RGB", ImageCms.Intent.PERCEPTUAL)
    except (ImageCms.PyCMSError, OSError, ValueError):
        return None


@functools.lru_cache(maxsize=1)
def _srgb() -> ImageCms.ImageCmsProfile:
    from PIL import ImageCms

    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
