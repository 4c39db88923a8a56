import csv
import hashlib
import importlib.util
import io
import random
from pathlib import Path

import exifread
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from filters.images import jpeg
from filters.images.shard_bytes import ShardImage, reduce_to, to_shard
from schemas.reasons import FileReason


def pixels(data):
    return np.asarray(Image.open(io.BytesIO(data)))


def difference(a, b):
    return np.abs(np.asarray(a).astype(int) - np.asarray(b).astype(int)).mean()


@pytest.mark.parametrize("name", ["jpeg", "grey jpeg", "restart jpeg"])
def test_a_plain_baseline_jpeg_passes_through(samples, name):
    data = samples[name][0]
    got = to_shard(data)
    assert not got.transcoded
    assert np.array_equal(pixels(got.data), pixels(data))
    assert got.data == data  # Pillow wrote nothing that has to go


def test_everything_else_is_written_as_baseline_without_metadata(samples):
    passed = set()
    for name, (data, kind) in samples.items():
        got = to_shard(data)
        parsed = jpeg.parse(got.data)
        assert parsed.is_baseline, name
        assert parsed.exif == parsed.icc == b""
        assert jpeg.strip(got.data, parsed) == got.data, name
        assert (got.format, got.original_format) == ("jpeg", kind)
        assert (got.width, got.height) == (parsed.width, parsed.height)
        assert got.sha256 == hashlib.sha256(got.data).hexdigest()
        assert got.original_sha256 == hashlib.sha256(data).hexdigest()
        passed |= set() if got.transcoded else {name}
    assert passed == {"jpeg", "grey jpeg", "restart jpeg"}


def test_a_turned_jpeg_is_turned_and_sizes_are_of_both(samples, drawn):
    got = to_shard(samples["exif jpeg"][0])
    assert (got.width, got.height, got.original_width, got.original_height) == (240, 320, 320, 240)
    assert difference(pixels(got.data), drawn.draw().transpose(Image.Transpose.ROTATE_270)) < 4


def test_orientation_1_passes_through_without_its_exif(drawn):
    data = drawn.encode(drawn.draw(), "JPEG", exif=drawn.exif(1, gps=True))
    got = to_shard(data)
    assert not got.transcoded
    assert b"Exif" not in got.data
    assert b"camera" not in got.data
    assert np.array_equal(pixels(got.data), pixels(data))


def test_an_independent_reader_finds_no_exif_or_position(drawn, samples):
    data = drawn.encode(drawn.draw(), "JPEG", exif=drawn.exif(1, gps=True))
    assert "GPS GPSLatitude" in exifread.process_file(io.BytesIO(data), details=False)
    for each in (data, samples["exif jpeg"][0]):
        found = exifread.process_file(io.BytesIO(to_shard(each).data), details=False)
        assert not [tag for tag in found if tag.startswith(("GPS", "EXIF", "Image", "Thumbnail"))]


def test_an_srgb_profile_is_taken_off_and_the_data_passes(drawn):
    data = drawn.encode(drawn.draw(), "JPEG", icc_profile=drawn.icc_profile(drawn.SRGB))
    got = to_shard(data)
    assert not got.transcoded
    assert b"ICC_PROFILE" not in got.data
    assert np.array_equal(pixels(got.data), pixels(data))


@pytest.mark.parametrize("name", ["DISPLAY_P3", "ADOBE_RGB"])
def test_a_wide_photograph_is_converted(drawn, name):
    gamma = None if name == "DISPLAY_P3" else 2.2
    profile = drawn.icc_profile(getattr(drawn, name), gamma)
    data = drawn.encode(Image.new("RGB", (64, 64), (90, 160, 70)), "JPEG", quality=100, icc_profile=profile)
    got = to_shard(data)
    assert got.transcoded
    red, green, _ = pixels(got.data)[32, 32]
    assert red < 84  # more saturated in sRGB's numbers
    assert green >= 158


@pytest.mark.parametrize(("name", "power"), [("DISPLAY_P3", None), ("ADOBE_RGB", 563 / 256)])
def test_a_whole_wide_photograph_looks_as_it_did(drawn, name, power):
    """Colours of an sRGB picture said in the other space's numbers, by the textbook, come back as they were."""
    picture = drawn.draw()
    value = np.asarray(picture) / 255
    linear = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
    wide = np.clip(linear @ np.array(drawn.SRGB) @ np.linalg.inv(np.array(getattr(drawn, name))), 0, 1)
    srgb_curve = np.where(wide <= 0.0031308, 12.92 * wide, 1.055 * wide ** (1 / 2.4) - 0.055)
    numbers = np.rint(255 * (wide ** (1 / power) if power else srgb_curve)).astype(np.uint8)
    assert np.abs(numbers.astype(int) - np.asarray(picture)).mean() > 4, "the numbers differ"
    data = drawn.encode(Image.fromarray(numbers), "PNG", icc_profile=drawn.icc_profile(getattr(drawn, name), power))
    got = to_shard(data, quality=100, text_rich=True)
    assert np.abs(pixels(got.data).astype(int) - np.asarray(picture)).mean() < 1.5


def test_an_independent_scan_finds_no_second_picture_and_no_words_of_the_camera(drawn):
    thumbnail = drawn.encode(drawn.draw(80, 60), "JPEG")
    block = drawn.exif(6, gps=True) + thumbnail
    xmp = b"http://ns.adobe.com/xap/1.0/\0<x:xmpmeta>secret place</x:xmpmeta>"
    photograph = drawn.encode(drawn.draw(), "JPEG", exif=block, xmp=xmp, comment=b"secret words")
    webp = drawn.encode(drawn.draw(), "WEBP", exif=drawn.exif(1, gps=True), xmp=xmp)
    for data in (photograph, webp, drawn.encode(drawn.draw(), "JPEG", exif=drawn.exif(1, gps=True) + thumbnail)):
        out = to_shard(data).data
        assert out.count(b"\xff\xd8\xff") == 1
        for trace in (b"Exif", b"xmpmeta", b"secret", b"camera", b"JFXX", b"Photoshop", b"http"):
            assert trace not in out


def test_a_broken_profile_is_taken_off_and_the_data_passes(drawn):
    got = to_shard(drawn.encode(drawn.draw(), "JPEG", icc_profile=b"no profile at all" * 20))
    assert not got.transcoded
    assert b"no profile" not in got.data


@pytest.mark.parametrize(
    ("size", "expected"),
    [((300, 200), (300, 200)), ((301, 200), (300, 199)), ((100, 900), (33, 300)), ((2000, 1), (300, 1))],
)
def test_a_transcoded_image_over_the_limit_is_reduced_once(drawn, size, expected):
    got = to_shard(
        drawn.encode(drawn.draw(*size), "PNG") if min(size) > 20 else drawn.encode(Image.new("RGB", size), "PNG"),
        max_side=300,
    )
    assert (got.width, got.height) == expected
    assert (got.original_width, got.original_height) == size


def test_a_jpeg_that_passes_through_keeps_its_size(samples):
    assert to_shard(samples["jpeg"][0], max_side=100).width == 320


def test_text_keeps_its_colour_resolution(samples):
    def sampling(data):
        return Image.open(io.BytesIO(data)).layer[0][1:3]

    assert sampling(to_shard(samples["png"][0]).data) == (2, 2)
    assert sampling(to_shard(samples["png"][0], text_rich=True).data) == (1, 1)


def test_quality_is_the_recipes(samples):
    data = samples["png"][0]
    assert len(to_shard(data, quality=95).data) > 1.5 * len(to_shard(data, quality=60).data)


def test_grey_stays_grey(samples):
    assert jpeg.parse(to_shard(samples["deep png"][0]).data).components == 1


def test_the_same_bytes_give_the_same_bytes(samples):
    for data, _ in samples.values():
        assert to_shard(data) == to_shard(data)


def test_a_comment_of_the_source_is_not_written(drawn):
    for kind in ("GIF", "PNG"):
        got = to_shard(drawn.encode(drawn.draw(mode="P"), kind, comment=b"remember me"))
        assert b"remember" not in got.data


@pytest.mark.parametrize("data", [b"", b"<html>", b"\xff\xd8\xff\xd9"])
def test_what_is_no_image_has_a_reason(data):
    assert to_shard(data) is FileReason.DECODE_ERROR


def test_the_pixel_limit_holds_for_both_ways(samples):
    for name in ("jpeg", "png"):
        assert to_shard(samples[name][0], max_pixels=320 * 240 - 1) is FileReason.TOO_MANY_PIXELS


def test_damaged_files_give_a_member_or_a_reason(samples):
    dice = random.Random(11)
    for name in ("exif jpeg", "progressive jpeg", "palette png", "webp", "animated gif"):
        for _ in range(40):
            broken = bytearray(samples[name][0])
            for _ in range(dice.randint(1, 6)):
                broken[dice.randrange(min(700, len(broken)))] = dice.randrange(256)
            got = to_shard(bytes(broken))
            assert isinstance(got, FileReason) or jpeg.parse(got.data).is_baseline


@given(st.integers(1, 60), st.integers(1, 60), st.integers(1, 80))
def test_reducing_keeps_the_shape(width, height, limit):
    got = reduce_to(Image.new("L", (width, height)), limit).size
    assert max(got) == min(max(width, height), limit)
    longer = max(width, height)
    scale = min(1, limit / longer)
    assert abs(got[0] - max(1, width * scale)) <= 0.5
    assert abs(got[1] - max(1, height * scale)) <= 0.5


def judge_of(shared: Path):
    """The marker reader of the tool that checks shards, which shares no line with ours."""
    spec = importlib.util.spec_from_file_location("check_shards", shared / "tools" / "check_shards.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.jpeg


@pytest.mark.slow
def test_every_image_of_the_corpus_satisfies_an_independent_judge(shared):
    check, seen, passed = judge_of(shared), set(), 0
    with (shared / "corpus" / "image_index.tsv").open(newline="") as f:
        rows = [row for row in csv.DictReader(f, delimiter="\t") if not row["format"].startswith("broken")]
    for row in rows:
        if row["sha256"] in seen or row["format"] == "svg":
            continue
        seen.add(row["sha256"])
        got = to_shard((shared / "corpus" / row["file"]).read_bytes())
        assert isinstance(got, ShardImage), row["file"]
        wrong, width, height = check(got.data)
        assert wrong is None, (row["file"], wrong)
        assert (width, height) == (got.width, got.height), row["file"]
        assert (got.original_width, got.original_height) == (int(row["width"]), int(row["height"]))
        found = exifread.process_file(io.BytesIO(got.data), details=False)
        assert not [tag for tag in found if not tag.startswith("JFIF")], row["file"]
        passed += not got.transcoded
    assert len(seen) > 800
    assert passed > 300
