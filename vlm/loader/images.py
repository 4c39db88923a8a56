"""Images on the CPU: headers, decoding, and the resize that all others are measured against.

`resize_to_patches` is plain PyTorch. With `exact=True` it computes in float32 and is the oracle of the Triton kernel
(`vlm.loader.kernel`, same signature); without, it resizes in uint8, which is several times faster on a CPU: off by less
than 0.5/255 in the mean and 1/255 at most for bilinear; bicubic overshoots are clamped after each direction, so single
pixels beside hard edges may be off by more (tested).

"""

from __future__ import annotations

import io
import struct
from collections.abc import Callable, Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from vlm.loader.config import ImageConfig
from vlm.loader.geometry import Job

MAX_PIXELS = 178_956_970
"""Pillow's bound for what may be a decompression bomb (half of it is its warning)."""
_SIZED = frozenset((0xC0, 0xC1, 0xC2, 0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF))


def image_size(data: memoryview) -> tuple[int, int] | None:
    """(width, height) from the header of an image, without decoding; None where no header can be read."""
    if bytes(data[:2]) == b"\xff\xd8" and (size := _jpeg_size(data)):
        return size
    from PIL import Image

    try:
        with Image.open(io.BytesIO(data)) as image:
            return image.size if all(image.size) else None
    except Exception:  # noqa: BLE001 - Pillow's plugins raise whatever their parsers meet
        return None


def _jpeg_size(data: memoryview) -> tuple[int, int] | None:
    i = 2
    while i + 9 <= len(data) and data[i] == 0xFF:
        marker = data[i + 1]
        if marker == 0xFF:
            i += 1
        elif marker in _SIZED:
            height, width = struct.unpack_from(">HH", data, i + 5)
            return (width, height) if width and height else None
        else:
            i += 2 + int(struct.unpack_from(">H", data, i + 2)[0])
    return None


def decode_cpu(data: memoryview) -> Tensor | None:
    """The pixels of an image, uint8 (3, H, W), RGB; None where it cannot be decoded."""
    if bytes(data[:2]) == b"\xff\xd8":
        pixels = _decode_jpeg(data)
        if pixels is not None:
            return pixels
    import numpy as np
    from PIL import Image

    try:
        with Image.open(io.BytesIO(data)) as image:
            return torch.from_numpy(np.array(image.convert("RGB"))).permute(2, 0, 1)
    except Exception:  # noqa: BLE001 - as above
        return None


def _decode_jpeg(data: memoryview) -> Tensor | None:
    decode = _libjpeg()
    try:
        return None if decode is None else decode(torch.frombuffer(data, dtype=torch.uint8), 3, False)  # 3 = RGB
    except RuntimeError:
        return None  # broken, or of a kind that only Pillow reads (CMYK)


@cache
def _libjpeg() -> Callable[[Tensor, int, bool], Tensor] | None:
    """torchvision's decoder (same bits as Pillow's, a fifth less CPU), loaded without importing its package, which
    takes seconds and warns on each call since 0.29; None where it is not there.
    """
    spec = find_spec("torchvision")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        for library in sorted(Path(folder).glob("image*.so")):
            try:
                torch.ops.load_library(str(library))  # type: ignore[no-untyped-call]
                call: Callable[[Tensor, int, bool], Tensor] = torch.ops.image.decode_jpeg
            except (OSError, RuntimeError, AttributeError):
                continue
            return call
    return None


def resize_to_patches(
    images: Sequence[Tensor | None],
    jobs: Sequence[Job],
    config: ImageConfig,
    *,
    dtype: torch.dtype = torch.float32,
    exact: bool = True,
) -> Tensor:
    """Patches of all jobs in a row, (N, 3 * P * P), normalised.

    Args:
        images: uint8 (3, H, W) RGB each, of any sizes, on the CPU; None gives zeros (the mean colour).
        jobs: what to make of which image; an image may be in several jobs.
        config: patch side, filter, mean and standard deviation.
        dtype: of the result.
        exact: float32 arithmetic; else uint8, rounded after the resize.

    Antialiased as in Pillow (bicubic a = -0.5, bilinear triangle; support grows with the scale), values clamped to
    [0, 255] before normalising. Tiles come row by row, each with its patches row by row.
    """
    total = sum(job.patches for job in jobs)
    p = config.patch
    out = torch.zeros(total, 3 * p * p, dtype=dtype)
    scale, shift = normalisation(config)
    at = 0
    for job in jobs:
        pixels = images[job.image]
        if pixels is not None:
            resized = _resize(pixels, job.rows * job.grid_height * p, job.cols * job.grid_width * p, config, exact)
            cut = resized.view(3, job.rows, job.grid_height, p, job.cols, job.grid_width, p)
            values = cut.permute(1, 4, 2, 5, 0, 3, 6).reshape(job.patches, 3, p * p)
            values = torch.addcmul(shift.view(1, 3, 1), values.float(), scale.view(1, 3, 1))
            out[at : at + job.patches] = values.reshape(job.patches, -1)
        at += job.patches
    return out


def normalisation(config: ImageConfig) -> tuple[Tensor, Tensor]:
    """(scale, shift), float32 (3,) each: a value v in 0..255 becomes v * scale + shift."""
    mean, std = torch.tensor(config.mean), torch.tensor(config.std)
    return 1.0 / (255.0 * std), -mean / std


def _resize(pixels: Tensor, height: int, width: int, config: ImageConfig, exact: bool) -> Tensor:
    """(3, height, width): float32 in [0, 255], or uint8 where not `exact`."""
    source = pixels[None].float() if exact else pixels[None].contiguous(memory_format=torch.channels_last)
    if (height, width) == tuple(pixels.shape[1:]):
        return source[0].contiguous()
    extra: dict[str, Any] = {"mode": config.resample, "antialias": True, "align_corners": False}
    resized = F.interpolate(source, size=(height, width), **extra)
    return (resized.clamp_(0, 255) if exact else resized)[0].contiguous()
