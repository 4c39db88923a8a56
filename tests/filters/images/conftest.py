"""Drawn images in every format that the tests need; nothing is stored, nothing is anybody else's."""

import io
import struct

import numpy as np
import pytest
from PIL import Image, ImageDraw


def draw(width=320, height=240, mode="RGB"):
    """A picture with gradients, edges and shapes, the same each time."""
    x, y = np.meshgrid(np.linspace(0, 1, width), np.linspace(0, 1, height))
    waves = 0.5 + 0.5 * np.sin(12 * x * y + 5 * x)
    pixels = (255 * np.stack([x, y, waves], axis=-1)).astype(np.uint8)
    image = Image.fromarray(pixels)
    pen = ImageDraw.Draw(image)
    pen.ellipse((width // 8, height // 8, width // 2, height // 2), fill=(220, 30, 30))
    pen.rectangle((width // 2, height // 2, width - 10, height - 10), outline=(0, 0, 0), width=3)
    pen.line((0, height, width, 0), fill=(255, 255, 255), width=2)
    return image if mode == "RGB" else image.convert(mode)


def encode(image, kind, **options):
    out = io.BytesIO()
    image.save(out, format=kind, **options)
    return out.getvalue()


def exif(orientation=1, *, gps=False):
    """An EXIF block as a camera writes it, with a position where asked."""
    block = Image.Exif()
    block[0x0112] = orientation
    block[0x010F] = "A camera that must not be named"
    if gps:
        block.get_ifd(0x8825)[2] = (52.0, 31.0, 12.0)
    return block.tobytes()


def icc_profile(primaries, gamma=None, space=b"RGB ", description=b"test"):
    """A version 2 matrix profile: D50 XYZ columns of red, green, blue, and a power curve or sRGB's."""

    def s15(value):
        return struct.pack(">i", round(value * 65536))

    def xyz(values):
        return b"XYZ \0\0\0\0" + b"".join(s15(v) for v in values)

    if gamma is None:
        t = np.linspace(0, 1, 1024)
        linear = np.where(t <= 0.04045, t / 12.92, ((t + 0.055) / 1.055) ** 2.4)
        curve = b"curv\0\0\0\0" + struct.pack(">I", 1024) + np.rint(linear * 65535).astype(">u2").tobytes()
    else:
        curve = b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256))
    text = b"desc\0\0\0\0" + struct.pack(">I", len(description) + 1) + description + bytes(79)
    tags = {b"desc": text, b"cprt": b"text\0\0\0\0none\0", b"wtpt": xyz((0.9642, 1.0, 0.8249))}
    if space == b"GRAY":
        tags[b"kTRC"] = curve
    else:
        tags |= {name: xyz(column) for name, column in zip((b"rXYZ", b"gXYZ", b"bXYZ"), primaries, strict=True)}
        tags |= dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve)
    table, body, at = b"", b"", 128 + 4 + 12 * len(tags)
    for name, data in tags.items():
        data += bytes(-len(data) % 4)
        table += name + struct.pack(">II", at + len(body), len(data))
        body += data
    size = 128 + 4 + len(table) + len(body)
    head = struct.pack(">I4sI4s4s4s", size, b"none", 0x02100000, b"mntr", space, b"XYZ ") + bytes(12) + b"acsp"
    head += bytes(28) + s15(0.9642) + s15(1.0) + s15(0.8249)
    return head.ljust(128, b"\0") + struct.pack(">I", len(tags)) + table + body


DISPLAY_P3 = ((0.51512, 0.24120, -0.00105), (0.29198, 0.69225, 0.04189), (0.15710, 0.06657, 0.78407))
ADOBE_RGB = ((0.60974, 0.31111, 0.01947), (0.20528, 0.62567, 0.06087), (0.14919, 0.06322, 0.74457))
SRGB = ((0.43607, 0.22249, 0.01392), (0.38515, 0.71687, 0.09708), (0.14307, 0.06061, 0.71410))


class Drawn:
    """What tests draw with."""

    draw = staticmethod(draw)
    encode = staticmethod(encode)
    exif = staticmethod(exif)
    icc_profile = staticmethod(icc_profile)
    DISPLAY_P3, ADOBE_RGB, SRGB = DISPLAY_P3, ADOBE_RGB, SRGB

    @staticmethod
    def samples():
        """Name -> (bytes, format) of one file of each kind."""
        picture, clear = draw(), draw().convert("RGBA")
        clear.putalpha(Image.linear_gradient("L").resize(clear.size))
        frames = [draw(), draw().rotate(90)]
        deep = Image.fromarray(np.asarray(draw(mode="L")).astype(np.uint16) * 257)
        return {
            "jpeg": (encode(picture, "JPEG", quality=90), "jpeg"),
            "grey jpeg": (encode(draw(mode="L"), "JPEG"), "jpeg"),
            "progressive jpeg": (encode(picture, "JPEG", progressive=True), "jpeg"),
            "cmyk jpeg": (encode(draw(mode="CMYK"), "JPEG"), "jpeg"),
            "restart jpeg": (encode(picture, "JPEG", restart_marker_rows=1), "jpeg"),
            "exif jpeg": (encode(picture, "JPEG", exif=exif(6, gps=True), comment=b"here"), "jpeg"),
            "png": (encode(picture, "PNG"), "png"),
            "clear png": (encode(clear, "PNG"), "png"),
            "palette png": (encode(draw(mode="P"), "PNG", transparency=0), "png"),
            "deep png": (encode(deep, "PNG"), "png"),
            "one bit png": (encode(draw(mode="1"), "PNG"), "png"),
            "animated png": (encode(frames[0], "PNG", save_all=True, append_images=frames[1:]), "png"),
            "gif": (encode(picture.quantize(256), "GIF"), "gif"),
            "animated gif": (encode(frames[0], "GIF", save_all=True, append_images=frames[1:]), "gif"),
            "webp": (encode(picture, "WEBP"), "webp"),
            "lossless webp": (encode(clear, "WEBP", lossless=True), "webp"),
            "animated webp": (encode(frames[0], "WEBP", save_all=True, append_images=frames[1:]), "webp"),
            "avif": (encode(picture, "AVIF"), "avif"),
            "clear avif": (encode(clear, "AVIF"), "avif"),
            "bmp": (encode(picture, "BMP"), "bmp"),
            "tiff": (encode(picture, "TIFF"), "tiff"),
            "packed tiff": (encode(picture, "TIFF", compression="tiff_lzw"), "tiff"),
        }


@pytest.fixture(scope="session")
def drawn():
    return Drawn


@pytest.fixture(scope="session")
def samples():
    return Drawn.samples()
