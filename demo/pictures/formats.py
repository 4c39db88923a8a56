"""Pictures as the web sends them: JPEG in all its forms, PNG, WebP, GIF, whole and broken."""

from __future__ import annotations

import functools
import io

from PIL import Image, ImageDraw, ImageOps

# A form, and how often a picture of the sample has it (per 100); the special ones are also placed by hand.
FORMS = {
    "jpeg": 83,
    "progressive": 6,
    "low": 4,
    "exif": 1,
    "cmyk": 1,
    "webp": 1,
    "palette": 1,
    "broken": 1,
    "gone": 1,
    "png": 1,
}
_GPS_LATITUDE, _GPS_LONGITUDE = ((47.0, 12.0, 30.0), (8.0, 33.0, 0.0))


def encode(image: Image.Image, form: str, quality: int = 82) -> tuple[bytes, str, str]:
    """The bytes of `image` in `form`, their content type, and the extension of a URL.

    Forms: jpeg, progressive, low (quality 30), grey, cmyk, exif (stored on its side, with orientation 6 and a
    place), broken (cut in the middle), gone (a page in its place, for a 404), png, alpha (round corners,
    transparent), palette, webp, gif (two frames). Raises ValueError for another form.
    """
    if form in ("jpeg", "progressive", "low", "broken"):
        data = _saved(image, "JPEG", quality=30 if form == "low" else quality, progressive=form == "progressive")
        return data[: len(data) // 2] if form == "broken" else data, "image/jpeg", "jpg"
    if form == "gone":
        return b"<html><body><h1>Not found</h1></body></html>", "text/html", "jpg"
    if form == "grey":
        return _saved(ImageOps.grayscale(image), "JPEG", quality=quality), "image/jpeg", "jpg"
    if form == "cmyk":
        return _saved(image.convert("CMYK"), "JPEG", quality=quality), "image/jpeg", "jpg"
    if form == "exif":
        # a viewer turns what is stored by 90 degrees clockwise, so it is stored turned the other way
        turned = image.transpose(Image.Transpose.ROTATE_90)
        return _saved(turned, "JPEG", quality=quality, exif=_exif()), "image/jpeg", "jpg"
    if form == "alpha":
        round_ = image.convert("RGBA")
        round_.putalpha(_corners(image.size))
        return _saved(round_, "PNG", compress_level=4), "image/png", "png"
    if form == "palette":
        return _saved(image.quantize(64, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE), "PNG",
                      compress_level=4), "image/png", "png"  # fmt: skip
    if form == "png":
        return _saved(image, "PNG", compress_level=3), "image/png", "png"
    if form == "webp":
        return _saved(image, "WEBP", quality=quality, method=0), "image/webp", "webp"
    if form == "gif":
        frames = [part.quantize(32, Image.Quantize.FASTOCTREE) for part in (image, ImageOps.mirror(image))]
        data = _saved(frames[0], "GIF", save_all=True, append_images=frames[1:], duration=400, loop=0)
        return data, "image/gif", "gif"
    raise ValueError(f"{form!r} is not a form that pictures are sent in")


def _saved(image: Image.Image, kind: str, **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def _exif() -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = 6  # Orientation
    exif[0x010F] = "Weft Optical"  # Make
    exif[0x0132] = "2024:05:12 10:30:00"  # DateTime
    exif[0x8825] = {1: "N", 2: _GPS_LATITUDE, 3: "E", 4: _GPS_LONGITUDE}  # GPS
    return exif


@functools.lru_cache(maxsize=32)
def _corners(size: tuple[int, int]) -> Image.Image:
    mask = Image.new("L", size, 0)
    ImageDraw.Draw(mask).rounded_rectangle((0, 0, size[0] - 1, size[1] - 1), min(size) // 8, fill=255)
    return mask
