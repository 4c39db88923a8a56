import io
import random
import struct

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from loader_shards import jpeg, read_number
from PIL import Image

from vlm.loader.config import ImageConfig
from vlm.loader.decode import BatchDecoder, CpuDecoder, choose_decoder
from vlm.loader.errors import LoaderConfigError
from vlm.loader.geometry import Job, jobs, sizes
from vlm.loader.images import decode_cpu, image_size, resize_to_patches


def encoded(form, size=(20, 10), mode="RGB"):
    out = io.BytesIO()
    Image.new(mode, size, 120).save(out, form)
    return memoryview(bytearray(out.getvalue()))


@pytest.mark.parametrize(
    ("form", "mode"), [("JPEG", "RGB"), ("JPEG", "L"), ("JPEG", "CMYK"), ("PNG", "P"), ("WEBP", "RGB")]
)
def test_header_and_pixels_of_each_format(form, mode):
    data = encoded(form, mode=mode)
    assert image_size(data) == (20, 10)
    pixels = decode_cpu(data)
    assert pixels.shape == (3, 10, 20)
    assert pixels.dtype == torch.uint8


def test_bytes_that_stand_between_the_segments_of_a_jpeg_cost_nothing_and_a_side_of_0_is_none():
    """Old cameras and editors leave such bytes; decoders pass over them."""
    data = encoded("JPEG")
    at = bytes(data).index(b"\xff\xdb")
    odd = memoryview(bytearray(bytes(data[:at]) + b"\0\0" + bytes(data[at:])))
    assert image_size(odd) == (20, 10)
    assert decode_cpu(odd).shape == (3, 10, 20)
    size = bytes(data).index(b"\xff\xc0") + 5
    for where in (size, size + 2):
        data[where : where + 2] = b"\0\0"
        assert image_size(data) is None
        data[where : where + 2] = b"\0\x0a"


@given(st.binary(max_size=80), st.booleans())
def test_any_bytes_have_an_answer(data, start):
    data = memoryview(bytearray((b"\xff\xd8" if start else b"") + data))
    assert image_size(data) is None or min(image_size(data)) > 0
    decode_cpu(data)


def test_the_number_in_the_pixels_survives_decoding_and_resize():
    for number in (0x123456, 0xABCDEF, 1):
        pixels = decode_cpu(memoryview(bytearray(jpeg(number, 120, 40))))
        config = ImageConfig(size=32, patch=8)
        patches = resize_to_patches([pixels], jobs(0, 120, 40, config), config).view(4, 4, 3, 8, 8)
        assert read_number(patches.permute(2, 0, 3, 1, 4).reshape(3, 32, 32).numpy()) == number


def test_resize_is_pillows():
    rng = np.random.default_rng(0)
    small = rng.integers(0, 256, (12, 9, 3), dtype=np.uint8)
    image = Image.fromarray(small).resize((90, 61), Image.Resampling.BICUBIC)  # a smooth picture
    config = ImageConfig(size=32, patch=8, mean=(0, 0, 0), std=(1, 1, 1))
    for name in ("BICUBIC", "BILINEAR"):
        want = np.asarray(image.resize((32, 32), Image.Resampling[name])).astype(float)
        for exact in (True, False):
            got = resize_to_patches(
                [torch.from_numpy(np.array(image)).permute(2, 0, 1)],
                [Job(0, 1, 1, 4, 4)],
                ImageConfig(size=32, patch=8, mean=(0, 0, 0), std=(1, 1, 1), resample=name.lower()),
                exact=exact,
            )
            whole = got.view(4, 4, 3, 8, 8).permute(0, 3, 1, 4, 2).reshape(32, 32, 3).numpy() * 255
            assert np.abs(whole - want).max() <= 2.0
            assert np.abs(whole - want).mean() <= 0.5
    assert config.patch == 8


def test_tiles_come_row_by_row_and_the_thumbnail_last():
    config = ImageConfig(mode="tiles", size=16, patch=8, tokens=1, max_tiles=4, mean=(0, 0, 0), std=(1, 1, 1))
    pixels = torch.zeros(3, 32, 32, dtype=torch.uint8)
    for i, (y, x) in enumerate(((0, 0), (0, 16), (16, 0), (16, 16))):
        pixels[:, y : y + 16, x : x + 16] = 50 * (i + 1)
    work = jobs(0, 32, 32, config)
    patches = resize_to_patches([pixels], work, config)
    assert [j.crops for j in work] == [4, 1]
    values = (patches.view(5, 4, -1).mean(2) * 255).round()
    assert values[:4].tolist() == [[50] * 4, [100] * 4, [150] * 4, [200] * 4]
    assert values[4].tolist() == pytest.approx([50, 100, 150, 200], abs=6)


@settings(max_examples=200)
@given(
    st.integers(0, 30_000),
    st.integers(0, 30_000),
    st.sampled_from(["fixed", "tiles", "native"]),
    st.sampled_from([None, 5]),
    st.sampled_from([1, 2]),
)
def test_what_an_image_costs_never_passes_the_bounds(width, height, mode, tokens, merge):
    config = ImageConfig(mode=mode, size=64, patch=16, tokens=tokens, merge=merge, max_tiles=6, max_patches=100)
    s = sizes(width, height, config)
    assert 1 <= s.patches[0] <= config.most_patches
    assert 1 <= s.tokens[0] <= config.most_tokens - 2 * config.marks
    work = jobs(0, width, height, config)
    assert sum(j.patches for j in work) == s.patches[0]
    if tokens is not None and mode != "native":
        assert s.tokens[0] == tokens * sum(j.crops for j in work)


@pytest.mark.parametrize(
    ("width", "height", "rows", "cols"),
    [(64, 64, 1, 1), (128, 128, 2, 2), (256, 64, 1, 4), (64, 200, 3, 1), (30, 30, 1, 1)],
)
def test_tiles_follow_the_aspect_ratio_and_never_enlarge(width, height, rows, cols):
    s = sizes(width, height, ImageConfig(mode="tiles", size=64, patch=16, max_tiles=4))
    assert (s.tile_rows[0], s.tile_cols[0]) == (rows, cols)


def test_native_keeps_the_aspect_ratio():
    s = sizes(640, 320, ImageConfig(mode="native", patch=16, size=64, max_patches=200))
    assert (s.grid_height[0], s.grid_width[0]) == (10, 20)


def test_a_batch_that_fails_is_halved_until_the_guilty_image_is_found():
    calls = []

    def call(blobs):
        calls.append(len(blobs))
        if any(int(b[2]) == 9 for b in blobs):
            raise RuntimeError("one of these is broken")
        return [torch.full((1, 2, 2), int(b[2]), dtype=torch.uint8) for b in blobs]

    blobs = [torch.tensor([0xFF, 0xD8, n], dtype=torch.uint8) for n in (1, 2, 9, 4, 5, 6, 7, 8)]
    out = BatchDecoder("test", call, torch.device("cpu")).decode([*blobs, None])
    assert [None if p is None else int(p[0, 0, 0]) for p in out] == [1, 2, None, 4, 5, 6, 7, 8, None]
    assert len(calls) == 7


def test_what_is_no_jpeg_goes_past_the_gpu_decoder():
    def call(_):
        raise AssertionError("not for PNG")

    out = BatchDecoder("test", call, torch.device("cpu")).decode([torch.frombuffer(encoded("PNG"), dtype=torch.uint8)])
    assert out[0].shape == (3, 10, 20)


def test_a_gpu_decoder_needs_a_gpu():
    assert isinstance(choose_decoder("auto", torch.device("cpu")), CpuDecoder)
    with pytest.raises(LoaderConfigError, match="needs a CUDA device"):
        choose_decoder("torchvision", torch.device("cpu"))


def test_the_image_that_decoders_are_probed_with_is_an_image():
    from vlm.loader.decode import PROBE

    assert decode_cpu(memoryview(bytearray(PROBE))).shape == (3, 8, 8)


@pytest.mark.parametrize("wrong", [NotImplementedError, struct.error, OSError, MemoryError, IndexError, KeyError])
def test_whatever_a_plugin_raises_is_an_image_that_cannot_be_read(monkeypatch, wrong):
    def fail(*_, **__):
        raise wrong("a header that no plugin knows")

    monkeypatch.setattr(Image, "open", fail)
    assert image_size(memoryview(b"DDS ")) is None
    assert decode_cpu(memoryview(b"DDS ")) is None


def test_headers_of_every_format_with_bytes_changed_or_missing_give_a_size_or_none():
    rng = random.Random(1)
    files = []
    for form in ("PNG", "GIF", "WEBP", "BMP", "TIFF", "JPEG", "PPM", "ICO", "TGA", "DDS", "SGI", "PCX"):
        out = io.BytesIO()
        Image.effect_noise((40, 30), 50).convert("RGB").save(out, form)
        files.append(out.getvalue())
    for data in files * 20:
        broken = bytearray(data)
        for _ in range(rng.randint(1, 4)):
            broken[rng.randrange(min(len(broken), rng.choice([20, 60, 200])))] = rng.randrange(256)
        view = memoryview(broken)[: rng.randrange(1, len(broken) + 1)]
        assert image_size(view) is None or len(image_size(view)) == 2
        pixels = decode_cpu(view)
        assert pixels is None or pixels.shape[0] == 3
