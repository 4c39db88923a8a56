import struct
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.images.header import DECODABLE, Header, probe, sniff
from schemas.reasons import FileReason


def test_every_format_is_known_by_its_bytes_and_sized(samples):
    for name, (data, kind) in samples.items():
        header = probe(data)
        assert isinstance(header, Header), name
        assert (header.format, header.width, header.height) == (kind, 320, 240), name


def test_every_decodable_format_has_a_sample(samples):
    assert {kind for _, kind in samples.values()} == set(DECODABLE)


@pytest.mark.parametrize(
    ("name", "mode"),
    [
        ("jpeg", "RGB"),
        ("grey jpeg", "L"),
        ("cmyk jpeg", "CMYK"),
        ("palette png", "P"),
        ("clear png", "RGBA"),
        ("deep png", "I;16"),
        ("one bit png", "1"),
        ("gif", "P"),
        ("webp", "RGB"),
        ("lossless webp", "RGBA"),
        ("avif", "RGB"),
        ("clear avif", "RGBA"),
        ("bmp", "RGB"),
        ("tiff", "RGB"),
    ],
)
def test_modes_are_those_of_the_stored_pixels(samples, name, mode):
    assert probe(samples[name][0]).mode == mode


def test_animation_is_seen_without_decoding(samples):
    animated = {name for name, (data, _) in samples.items() if probe(data).animated}
    assert animated == {"animated png", "animated gif", "animated webp"}


def test_orientation_of_a_jpeg_is_read(samples):
    assert probe(samples["exif jpeg"][0]).orientation == 6
    assert probe(samples["jpeg"][0]).orientation == 1


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "svg"),
        (b"\xef\xbb\xbf<?xml version='1.0'?>\n<!-- a --><!DOCTYPE svg>\n<svg >", "svg"),
        (b"\0\0\1\0\1\0\x10\x10", "ico"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "heic"),
        (b"\xff\x0a\xfa\x1f", "jxl"),
        (b"\0\0\0\x0cjP  \r\n\x87\n", "jp2"),
        (b"8BPS\0\1", "psd"),
    ],
)
def test_images_that_are_not_drawn_are_of_a_wrong_format(data, kind):
    assert sniff(data) == kind
    assert probe(data) is FileReason.FORMAT


@pytest.mark.parametrize("data", [b"", b"\x89PN", b"<!doctype html><title>no</title>", b"BM and so on", b"GIF89a"])
def test_other_bytes_are_no_image(data):
    assert probe(data) is FileReason.DECODE_ERROR


def test_a_bomb_is_seen_from_its_header():
    ihdr = b"\0\0\0\x0dIHDR" + struct.pack(">IIBBBBB", 50_000, 50_000, 8, 2, 0, 0, 0)
    assert probe(b"\x89PNG\r\n\x1a\n" + ihdr).pixels == 2_500_000_000


def test_a_first_frame_larger_than_the_screen_counts():
    gif = b"GIF89a" + struct.pack("<HHBBB", 1, 1, 0, 0, 0) + b"," + struct.pack("<HHHHB", 5, 6, 60_000, 50_000, 0)
    header = probe(gif + b"\x02\0;")
    assert (header.width, header.height) == (60_005, 50_006)


def test_a_run_length_bitmap_is_refused():
    head = b"BM" + bytes(12) + struct.pack("<IiiHHI", 40, 9, 9, 1, 8, 1) + bytes(20)
    assert probe(head) is FileReason.DECODE_ERROR


def test_many_comments_before_an_svg_take_no_time():
    started = time.process_time()
    assert sniff(b"<!---->" * 600 + b"<p>") == ""
    assert time.process_time() - started < 0.5


@given(
    st.binary(max_size=300),
    st.sampled_from(
        [
            b"",
            b"\xff\xd8\xff",
            b"\x89PNG\r\n\x1a\n",
            b"GIF89a",
            b"RIFF....WEBPVP8X",
            b"\0\0\0\x14ftypavif\0\0\0\0avif",
            b"BM" + bytes(12) + b"(\0\0\0",
            b"II*\0",
            b"MM\0*",
        ]
    ),
)
def test_any_bytes_have_a_header_or_a_reason(tail, magic):
    found = probe(magic + tail)
    assert isinstance(found, FileReason) or (found.width >= 1 and found.height >= 1 and found.format in DECODABLE)
