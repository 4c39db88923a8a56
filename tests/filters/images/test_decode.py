import random
import struct
import time
import zlib

import numpy as np
import pytest
from PIL import Image

from filters.images.decode import Decoded, decode
from schemas.reasons import FileReason


def test_every_format_is_decoded_to_8_bit_srgb_without_metadata(samples):
    for name, (data, kind) in samples.items():
        got = decode(data)
        assert isinstance(got, Decoded), name
        assert got.header.format == kind
        assert got.image.mode in ("L", "RGB"), name
        assert got.image.info == {}, name
        assert got.pixels.dtype == np.uint8


@pytest.mark.parametrize("name", ["jpeg", "png", "webp", "avif", "bmp", "tiff", "packed tiff", "gif"])
def test_the_picture_is_the_one_that_was_drawn(samples, drawn, name):
    got = decode(samples[name][0])
    difference = np.abs(got.pixels.astype(int) - np.asarray(drawn.draw()).astype(int))
    assert difference.mean() < 12


@pytest.mark.parametrize("orientation", range(1, 9))
def test_pictures_are_turned_as_exif_says(drawn, orientation):
    upright = drawn.draw(64, 48)
    inverse = {
        1: None, 2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_90, 7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }[orientation]  # fmt: skip
    stored = upright if inverse is None else upright.transpose(inverse)
    for kind in ("PNG", "WEBP", "TIFF"):
        options = {"lossless": True} if kind == "WEBP" else {}
        got = decode(drawn.encode(stored, kind, exif=drawn.exif(orientation), **options))
        assert np.array_equal(got.pixels, np.asarray(upright)), kind
    got = decode(drawn.encode(stored, "JPEG", quality=95, subsampling="4:4:4", exif=drawn.exif(orientation)))
    assert np.abs(got.pixels.astype(int) - np.asarray(upright).astype(int)).mean() < 4
    assert (got.width, got.height) == (64, 48)
    assert got.orientation == orientation


def test_an_animation_is_its_first_frame_and_says_so(samples, drawn):
    got = decode(samples["animated png"][0])
    assert got.header.animated
    assert np.array_equal(got.pixels, np.asarray(drawn.draw()))


def test_transparent_parts_are_white(samples):
    pixels = decode(samples["clear png"][0]).pixels
    assert (pixels[0] == 255).all()  # alpha 0 in the first row


def test_16_bit_grey_keeps_its_range(samples, drawn):
    assert np.array_equal(decode(samples["deep png"][0]).pixels, np.asarray(drawn.draw(mode="L")))


def test_cmyk_becomes_the_same_colours(samples, drawn):
    got = decode(samples["cmyk jpeg"][0])
    assert got.mode == "CMYK"
    assert np.abs(got.pixels.astype(int) - np.asarray(drawn.draw()).astype(int)).mean() < 6


@pytest.mark.parametrize(
    ("side", "size"), [(500, (1600, 1200)), (300, (800, 600)), (150, (400, 300)), (75, (200, 150))]
)
def test_a_large_jpeg_is_decoded_at_the_least_size_asked(drawn, side, size):
    got = decode(drawn.encode(drawn.draw(1600, 1200), "JPEG"), draft_side=side * 2)
    assert got.image.size == size or got.image.size == tuple(2 * s for s in size)
    assert min(got.image.size) >= side * 2 or not got.reduced
    assert (got.width, got.height) == (1600, 1200)


def test_a_draft_never_enlarges_and_keeps_the_side_that_was_asked_for(samples, drawn):
    assert decode(samples["jpeg"][0], draft_side=4000).image.size == (320, 240)
    for name, (data, _) in samples.items():
        got = decode(data, draft_side=50)
        assert 50 <= min(got.image.size) < 120, name
        assert got.reduced
    assert not decode(drawn.encode(drawn.draw(99, 99), "PNG"), draft_side=50).reduced


def test_the_pixel_limit_is_inclusive(samples):
    data = samples["png"][0]
    assert isinstance(decode(data, max_pixels=320 * 240), Decoded)
    assert decode(data, max_pixels=320 * 240 - 1) is FileReason.TOO_MANY_PIXELS


def bomb(width, height):
    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(bytes(1 << 20)))
        + chunk(b"IEND", b"")
    )


def test_a_bomb_costs_nothing():
    started = time.process_time()
    assert decode(bomb(50_000, 50_000)) is FileReason.TOO_MANY_PIXELS
    assert time.process_time() - started < 0.2


def test_a_lying_webp_is_refused_before_its_canvas_is_made():
    lie = b"VP8X" + struct.pack("<I", 10) + bytes([0x02, 0, 0, 0]) + b"\xff\x3f\x00" * 2
    data = b"RIFF" + struct.pack("<I", 4 + len(lie)) + b"WEBP" + lie
    assert decode(data) is FileReason.TOO_MANY_PIXELS


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_cut_files_are_decode_errors(samples, share):
    for name in ("jpeg", "progressive jpeg", "png", "webp", "tiff", "bmp"):
        data = samples[name][0]
        assert decode(data[: int(len(data) * share)]) is FileReason.DECODE_ERROR, name


@pytest.mark.parametrize("data", [b"", b"<html>", b"\xff\xd8\xff\xe0"])
def test_other_bytes_are_decode_errors(data):
    assert decode(data) is FileReason.DECODE_ERROR


def test_svg_is_a_format_and_no_error():
    assert decode(b"<svg xmlns='http://www.w3.org/2000/svg'></svg>") is FileReason.FORMAT


def test_damaged_files_give_pixels_or_a_reason_in_bounded_time(samples):
    dice = random.Random(7)
    started = time.process_time()
    for _name, (data, _) in sorted(samples.items()):
        for _ in range(25):
            broken = bytearray(data)
            for _ in range(dice.randint(1, 8)):
                where = dice.randrange(len(broken)) if dice.random() < 0.5 else dice.randrange(min(200, len(broken)))
                broken[where] = dice.randrange(256)
            got = decode(bytes(broken[: dice.randint(1, len(broken))]) if dice.random() < 0.3 else bytes(broken))
            assert isinstance(got, FileReason) or got.image.mode in ("L", "RGB")
    assert time.process_time() - started < 30
