"""The GPU rows of the loader's table: `python benchmarks/loader/gpu.py [--images 4096]`; says so where there is no GPU.

Decode + resize + patches per second by decoder, the kernel beside torchvision's resize + normalise, and the share of
its time that a 300M-parameter step waits.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))


def timed(call: Callable[[], object], repeats: int = 5) -> float:
    """Seconds of the fastest of `repeats` runs, the device waited for."""
    import torch

    best = float("inf")
    for _ in range(repeats + 1):
        torch.cuda.synchronize()
        began = time.perf_counter()
        call()
        torch.cuda.synchronize()
        best = min(best, time.perf_counter() - began)
    return best


def images(count: int, batch: int) -> None:
    """Images a second by decoder, and kernel times."""
    import numpy as np
    import torch

    from benchmarks.loader.data import picture
    from vlm.loader.config import ImageConfig
    from vlm.loader.decode import choose_decoder
    from vlm.loader.errors import LoaderConfigError
    from vlm.loader.geometry import jobs
    from vlm.loader.kernel import resize_to_patches_triton

    device = torch.device("cuda")
    rng = np.random.default_rng(0)
    made = [torch.frombuffer(bytearray(picture(rng)), dtype=torch.uint8) for _ in range(min(count, 256))]
    blobs = [made[i % len(made)] for i in range(count)]
    config = ImageConfig(size=384, patch=16)
    for name in ("torchcodec", "torchvision", "nvimagecodec", "cpu"):
        try:
            decoder = choose_decoder(name, device)
        except LoaderConfigError as error:
            print(f"{name}: {error}")
            continue

        def run(decoder: object = decoder) -> None:
            for start in range(0, count, batch):
                pixels = decoder.decode(blobs[start : start + batch])  # type: ignore[attr-defined]
                work = [j for i, p in enumerate(pixels) for j in jobs(i, p.shape[2], p.shape[1], config)]
                resize_to_patches_triton(pixels, work, config)

        print(f"{name}: {count / timed(run, 2):,.0f} images/s decoded, resized, cut")
        pixels = decoder.decode(blobs[:batch])
        work = [j for i, p in enumerate(pixels) if p is not None for j in jobs(i, p.shape[2], p.shape[1], config)]
        kernel = timed(lambda pixels=pixels, work=work: resize_to_patches_triton(pixels, work, config))  # type: ignore[misc]
        print(f"{name}: kernel {kernel * 1e3:.2f} ms for {len(work)} images; torchvision {beside(pixels) * 1e3:.2f} ms")


def beside(pixels: list[object]) -> float:
    """Seconds of torchvision's antialiased resize and normalise of the same images, one by one: sizes differ."""
    import torch
    from torchvision.transforms.v2 import functional as F

    def run() -> None:
        for p in pixels:
            x = F.resize(p, [384, 384], interpolation=F.InterpolationMode.BICUBIC, antialias=True)
            F.normalize(x.to(torch.bfloat16) / 255, [0.5] * 3, [0.5] * 3)

    return timed(run)


def waiting(folder: Path, steps: int) -> None:
    """Share of the time that a 300M-parameter step waits for its batch."""
    import torch

    from vlm.loader import ImageConfig, Loader, LoaderConfig

    layer = torch.nn.TransformerEncoderLayer(1024, 16, 4096, batch_first=True, device="cuda", dtype=torch.bfloat16)
    model = torch.nn.TransformerEncoder(layer, 24)  # 302M parameters
    embed = torch.nn.Embedding(512, 1024, device="cuda", dtype=torch.bfloat16)
    config = LoaderConfig(
        datasets=(str(folder),),
        batch_size=16,
        lanes=16,
        device="cuda",
        threads=8,
        image=ImageConfig(size=384, patch=16),
    )
    loader = Loader(config)
    for i, batch in enumerate(loader):
        if i == 5:
            loader.stats.wait_s, began = 0.0, time.perf_counter()
        model(embed(batch.tokens)).float().pow(2).mean().backward()
        if i % 4 == 3:
            torch.cuda.synchronize()
        if i == steps + 5:
            break
    wall = time.perf_counter() - began
    print(f"waiting: {loader.stats.wait_s / wall:.2%} of {wall:.1f} s, decoder {loader.decoder.name}")
    loader.close()


def main() -> None:
    """Measure, or say that it cannot be measured here."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--images", type=int, default=4096)
    options.add_argument("--batch", type=int, default=256)
    options.add_argument("--data", type=Path, default=None, help="a folder of shards, for the share of waiting")
    args = options.parse_args()
    import torch

    if not torch.cuda.is_available():
        print("not measured: no CUDA device")
        return
    print(torch.cuda.get_device_name(), "torch", torch.__version__)
    images(args.images, args.batch)
    if args.data:
        waiting(args.data, 60)


if __name__ == "__main__":
    main()
