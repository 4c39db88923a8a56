"""Ragged images to packed patches in one Triton kernel: antialiased resize, normalise, cut.

Signature and result are those of `vlm.loader.images.resize_to_patches` (the oracle). One program makes one patch. The
resize of a patch is two small matrix products, out = Wy @ source @ Wx^T, over the rectangle of the source that its
pixels look at, taken in blocks: source rows are read as they lie in memory, the products run on tensor cores, and a
patch is written once. Weights are computed from the scale as in Pillow and PyTorch (UpSampleKernel.cpp): the support
grows with the scale, taps outside the image are left out and the rest renormalised.

Values 0..255 are exact in float16 and the weights have 11 bits, so an intermediate is off by about 255 / 2048; the
tests hold the result to 2/255 before normalising.
"""

# mypy: disable-error-code="no-untyped-def, no-untyped-call, misc, untyped-decorator"
# ruff: noqa: ANN001, ANN202 - Triton finds the types of a kernel's arguments when it compiles it
from __future__ import annotations

from collections.abc import Sequence

import torch
import triton  # type: ignore[import-untyped]
import triton.language as tl  # type: ignore[import-untyped]
from torch import Tensor

from vlm.loader.config import ImageConfig
from vlm.loader.geometry import Job
from vlm.loader.images import normalisation

BLOCK = 32
"""Side of the blocks of the source: at scale 1.3 (500 px to 384) a patch of 16 looks at 27 px with bicubic."""
ROW = 12
"""int64 columns of the job table: source, channel stride, height, width, grid rows, grid columns, tile rows, tile
columns, row stride, column stride, number of patches, patches of the jobs before."""
COUNT, BEFORE = 10, 11


@triton.jit
def _weight(x, CUBIC: tl.constexpr):
    """Filter at distance x: bicubic with a = -0.5, or triangle."""
    x = tl.abs(x)
    if CUBIC:
        near = (1.5 * x - 2.5) * x * x + 1.0
        far = ((-0.5 * x + 2.5) * x - 4.0) * x + 2.0
        return tl.where(x < 1.0, near, tl.where(x < 2.0, far, 0.0))
    else:
        return tl.maximum(1.0 - x, 0.0)


@triton.jit
def _taps(first, size, scale, CUBIC: tl.constexpr, P: tl.constexpr, PB: tl.constexpr):
    """Of output pixels first .. first + P - 1, each (PB,): centre (float32), first tap, tap after the last (int32)."""
    i = first + tl.minimum(tl.arange(0, PB), P - 1)
    reach = (2.0 if CUBIC else 1.0) * tl.maximum(scale, 1.0)
    centre = scale * (i.to(tl.float32) + 0.5)
    low = tl.maximum((centre - reach + 0.5).to(tl.int32), 0)
    high = tl.minimum((centre + reach + 0.5).to(tl.int32), size)
    return centre, low, high


@triton.jit
def _block(start, centre, low, high, scale, CUBIC: tl.constexpr, B: tl.constexpr):
    """Weights (PB, B) of source pixels start .. start + B - 1, not yet normalised."""
    j = start + tl.arange(0, B)
    x = (j[None, :].to(tl.float32) - centre[:, None] + 0.5) / tl.maximum(scale, 1.0)
    inside = (j[None, :] >= low[:, None]) & (j[None, :] < high[:, None])
    return tl.where(inside, _weight(x, CUBIC), 0.0)


@triton.jit
def _sum(start, stop, centre, low, high, scale, CUBIC: tl.constexpr, B: tl.constexpr, PB: tl.constexpr):
    """Sum of the weights of each output pixel, (PB,)."""
    total = tl.zeros((PB,), tl.float32)
    for at in range(start, stop, B):
        total += tl.sum(_block(at, centre, low, high, scale, CUBIC, B), axis=1)
    return total


@triton.jit
def _resize(
    table, patch_job, patch_number, out, scale_ptr, shift_ptr,
    CUBIC: tl.constexpr, P: tl.constexpr, PB: tl.constexpr, B: tl.constexpr, ROW: tl.constexpr,
):  # fmt: skip
    patch = tl.program_id(0).to(tl.int64)
    job = table + tl.load(patch_job + patch) * ROW
    number = tl.load(patch_number + patch)  # of the patch within its job, in the order of the result
    source = tl.load(job).to(tl.pointer_type(tl.uint8))
    channel_stride, row_stride, col_stride = tl.load(job + 1), tl.load(job + 8), tl.load(job + 9)
    height, width = tl.load(job + 2).to(tl.int32), tl.load(job + 3).to(tl.int32)
    grid_h, grid_w = tl.load(job + 4).to(tl.int32), tl.load(job + 5).to(tl.int32)
    tiles_h, tiles_w = tl.load(job + 6).to(tl.int32), tl.load(job + 7).to(tl.int32)
    tile, within = number // (grid_h * grid_w), number % (grid_h * grid_w)
    first_y = ((tile // tiles_w) * grid_h + within // grid_w) * P
    first_x = ((tile % tiles_w) * grid_w + within % grid_w) * P
    scale_y = height.to(tl.float32) / (tiles_h * grid_h * P).to(tl.float32)
    scale_x = width.to(tl.float32) / (tiles_w * grid_w * P).to(tl.float32)
    cy, low_y, high_y = _taps(first_y, height, scale_y, CUBIC, P, PB)
    cx, low_x, high_x = _taps(first_x, width, scale_x, CUBIC, P, PB)
    start_y, stop_y = tl.min(low_y, axis=0), tl.max(high_y, axis=0)
    start_x, stop_x = tl.min(low_x, axis=0), tl.max(high_x, axis=0)
    sum_y = _sum(start_y, stop_y, cy, low_y, high_y, scale_y, CUBIC, B, PB)
    sum_x = _sum(start_x, stop_x, cx, low_x, high_x, scale_x, CUBIC, B, PB)
    side = tl.arange(0, PB)
    for c in tl.static_range(3):
        plane = source + c * channel_stride
        total = tl.zeros((PB, PB), tl.float32)
        for y in range(start_y, stop_y, B):
            wy = _block(y, cy, low_y, high_y, scale_y, CUBIC, B) / sum_y[:, None]
            rows = tl.zeros((B, PB), tl.float32)
            for x in range(start_x, stop_x, B):
                wx = _block(x, cx, low_x, high_x, scale_x, CUBIC, B) / sum_x[:, None]
                yy, xx = y + tl.arange(0, B), x + tl.arange(0, B)
                inside = (yy[:, None] < height) & (xx[None, :] < width)
                where = yy[:, None].to(tl.int64) * row_stride + xx[None, :].to(tl.int64) * col_stride
                pixels = tl.load(plane + where, mask=inside, other=0)
                rows += tl.dot(pixels.to(tl.float16), tl.trans(wx).to(tl.float16))
            total += tl.dot(wy.to(tl.float16), rows.to(tl.float16))
        value = tl.minimum(tl.maximum(total, 0.0), 255.0) * tl.load(scale_ptr + c) + tl.load(shift_ptr + c)
        at = out + patch * (3 * P * P) + c * P * P + side[:, None] * P + side[None, :]
        tl.store(at, value.to(out.dtype.element_ty), mask=(side[:, None] < P) & (side[None, :] < P))


def resize_to_patches_triton(
    images: Sequence[Tensor | None],
    jobs: Sequence[Job],
    config: ImageConfig,
    *,
    dtype: torch.dtype = torch.bfloat16,
    device: torch.device | str = "cuda",
) -> Tensor:
    """Patches of all jobs in a row, (N, 3 * P * P), normalised, on `device`; does not wait for the GPU.

    Args:
        images: uint8 (3, H, W) RGB each, of any sizes and strides, on `device`; None gives zeros (the mean colour).
            They must stay alive until the stream has run the kernel.
        jobs: what to make of which image; an image may be in several jobs.
        config: patch side (at most 64), filter, mean and standard deviation.
        dtype: of the result.
        device: where the images are.
    """
    p = config.patch
    total = sum(job.patches for job in jobs)
    out = torch.zeros(total, 3 * p * p, dtype=dtype, device=device)
    rows: list[list[int]] = []
    places: list[tuple[int, int]] = []
    at = made = 0
    for job in jobs:
        pixels, count = images[job.image], job.patches
        if pixels is not None and count:
            _, height, width = pixels.shape
            c, h, w = pixels.stride()
            source, grid = (pixels.data_ptr(), c, height, width), (job.grid_height, job.grid_width, job.rows, job.cols)
            rows.append([*source, *grid, h, w, count, made])
            places.append((at, count))
            made += count
        at += count
    if not rows:
        return out
    table = _upload(torch.tensor(rows, dtype=torch.int64), device)
    # On the device, since PyTorch's threads on the host take 10 times as long where other work keeps its cores busy.
    owners = torch.repeat_interleave(table[:, COUNT], output_size=made)
    numbers = (torch.arange(made, device=device) - table[:, BEFORE][owners]).to(torch.int32)
    scale, shift = normalisation(config)
    whole = made == total
    target = out if whole else torch.empty(made, 3 * p * p, dtype=dtype, device=device)
    side = max(16, triton.next_power_of_2(p))
    _resize[(made,)](
        table, owners, numbers, target, _upload(scale, device), _upload(shift, device),
        CUBIC=config.resample == "bicubic", P=p, PB=side, B=BLOCK, ROW=ROW,
    )  # fmt: skip
    done = 0
    for start, count in () if whole else places:
        out[start : start + count] = target[done : done + count]
        done += count
    return out


def _upload(tensor: Tensor, device: torch.device | str) -> Tensor:
    if torch.device(device).type == "cpu":
        return tensor  # Triton's interpreter
    return tensor.pin_memory().to(device, non_blocking=True)
