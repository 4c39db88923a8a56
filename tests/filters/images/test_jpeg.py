import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from filters.images import jpeg
from filters.images.decode import decode
from schemas.reasons import FileReason


def pixels(data):
    return np.asarray(Image.open(io.BytesIO(data)))


def segments(data):
    """Markers of all segments, in order."""
    parsed = jpeg.parse(data)
    return [data[start + 1] for start, _ in parsed.kept]


def insert(data, *parts):
    return data[:2] + b"".join(parts) + data[2:]


def segment(marker, body):
    return bytes([0xFF, marker]) + (len(body) + 2).to_bytes(2, "big") + body


def test_what_a_file_is(samples):
    parsed = jpeg.parse(samples["exif jpeg"][0])
    assert (parsed.frame, parsed.bits, parsed.width, parsed.height, parsed.components) == (0xC0, 8, 320, 240, 3)
    assert parsed.is_baseline
    assert parsed.exif.startswith((b"MM\0*", b"II*\0"))
    assert jpeg.parse(samples["progressive jpeg"][0]).frame == 0xC2


@pytest.mark.parametrize("name", ["progressive jpeg", "cmyk jpeg"])
def test_what_hardware_does_not_take_is_not_baseline(samples, name):
    assert not jpeg.parse(samples[name][0]).is_baseline


@pytest.mark.parametrize("name", ["jpeg", "grey jpeg", "restart jpeg", "exif jpeg"])
def test_stripping_changes_no_pixel(samples, name):
    data = samples[name][0]
    out = jpeg.strip(data, jpeg.parse(data))
    assert np.array_equal(pixels(out), pixels(data))
    assert jpeg.strip(out, jpeg.parse(out)) == out


def test_metadata_and_what_follows_the_end_are_gone(drawn):
    data = drawn.encode(
        drawn.draw(), "JPEG", exif=drawn.exif(1, gps=True), comment=b"secret", icc_profile=drawn.icc_profile(drawn.SRGB)
    )
    data = insert(data, segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0<x:xmpmeta/>"), segment(0xED, b"Photoshop 3.0\0"))
    out = jpeg.strip(data + b"trailing" + data, jpeg.parse(data + b"trailing" + data))
    assert not {0xE1, 0xE2, 0xED, 0xFE} & set(segments(out))
    for secret in (b"secret", b"camera", b"Photoshop", b"xmpmeta", b"ICC_PROFILE", b"trailing"):
        assert secret not in out
    assert out.endswith(b"\xff\xd9")


def test_entropy_coded_data_stays_bit_for_bit(samples):
    data = samples["exif jpeg"][0]
    scan = data[data.index(b"\xff\xda") : data.rindex(b"\xff\xd9")]
    assert scan in jpeg.strip(data, jpeg.parse(data))


def test_the_jfif_header_stays_without_its_thumbnail(samples):
    data = samples["jpeg"][0]
    assert data[2:4] == b"\xff\xe0"
    body = data[6:20]
    small = body[:12] + b"\x02\x01" + bytes(6)
    with_thumbnail = data[:2] + segment(0xE0, small) + segment(0xE0, b"JFXX\0\x10....") + data[20:]
    out = jpeg.strip(with_thumbnail, jpeg.parse(with_thumbnail))
    assert out == jpeg.strip(data, jpeg.parse(data)) == data


def test_the_adobe_segment_stays(samples):
    data = samples["jpeg"][0]
    adobe = segment(0xEE, b"Adobe\0\x64\0\0\0\0\x01")
    parsed = jpeg.parse(insert(data, adobe))
    assert parsed.adobe == 1
    assert parsed.is_baseline
    assert adobe in jpeg.strip(insert(data, adobe), parsed)


def test_an_rgb_jpeg_is_not_ycbcr(samples, drawn):
    kept = drawn.encode(drawn.draw(), "JPEG", keep_rgb=True)
    assert not jpeg.parse(kept).is_baseline
    marked = insert(samples["jpeg"][0], segment(0xEE, b"Adobe\0\x64\0\0\0\0\0"))
    assert not jpeg.parse(marked).is_baseline


def test_a_file_without_its_end_is_not_complete(samples):
    data = samples["jpeg"][0]
    assert not jpeg.parse(data[:-2]).complete
    assert not jpeg.parse(data[: len(data) // 2]).is_baseline


def test_a_profile_in_several_segments_is_put_together_in_order(samples):
    parts = [b"ICC_PROFILE\0" + bytes([n, 3]) + text for n, text in ((2, b"b"), (1, b"a"), (3, b"c"))]
    parsed = jpeg.parse(insert(samples["jpeg"][0], *(segment(0xE2, part) for part in parts)))
    assert parsed.icc == b"abc"


def test_16_bit_tables_are_not_baseline(samples):
    table = segment(0xDB, b"\x10" + bytes(128))
    assert not jpeg.parse(insert(samples["jpeg"][0], table)).is_baseline


@pytest.mark.parametrize("data", [b"", b"\xff\xd8", b"\xff\xd8\xff\xd9", b"\xff\xd8\xff\xda\0\x02", b"\xff\xd8abc"])
def test_files_without_a_frame_are_none(data):
    assert jpeg.parse(data) is None
    assert jpeg.read_header(data) is None


@settings(max_examples=200)
@given(st.data())
def test_cut_and_flipped_files_are_parsed_or_none(samples, data):
    whole = bytearray(samples["exif jpeg"][0])
    for _ in range(data.draw(st.integers(0, 4))):
        whole[data.draw(st.integers(0, min(700, len(whole) - 1)))] = data.draw(st.integers(0, 255))
    bytes_ = bytes(whole[: data.draw(st.integers(0, len(whole)))])
    parsed = jpeg.parse(bytes_)
    if parsed is not None:
        assert len(jpeg.strip(bytes_, parsed)) <= len(bytes_) + 2


def test_a_file_of_scans_without_end_is_not_decoded(samples):
    data, _ = samples["progressive jpeg"]
    scan = data[data.rindex(b"\xff\xda") : data.rindex(b"\xff\xd9")]
    end = data.rindex(b"\xff\xd9")
    usual = data.count(b"\xff\xda")

    def with_scans(number):
        return data[:end] + scan * (number - usual) + data[end:]

    assert not jpeg.has_many_scans(with_scans(jpeg.MAX_SCANS))
    assert jpeg.has_many_scans(with_scans(jpeg.MAX_SCANS + 1))
    assert decode(with_scans(jpeg.MAX_SCANS + 1)) is FileReason.DECODE_ERROR
    assert not jpeg.read_header(data).one_scan
    assert jpeg.read_header(samples["exif jpeg"][0]).one_scan
    assert not jpeg.has_many_scans(data + b"\xff\xda" * 1_000)  # what follows the end is no scan
