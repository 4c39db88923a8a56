"""What the scoring models cost, and what decides the last bits of their answers: `python
benchmarks/models/run.py`.

Speed is rows per CPU-second of one process on one thread, over generated pictures; the best of three
repeats. ViT-B-32 is measured with random weights: its cost is that of the real ones, and they cannot be had
without a network.
"""

from __future__ import annotations

import argparse
import io
import platform
import sys
import time
from collections.abc import Callable
from functools import partial
from importlib import metadata
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np
import torch
from PIL import Image

from demo.pages import make_page
from filters import clip, nsfw

REPEATS = 3


def sample(num_pages: int) -> tuple[list[Image.Image], list[str]]:
    """Pictures and sentences of the first pages of a seed; broken pictures are left out."""
    images, texts = [], []
    for number in range(num_pages):
        page = make_page(5005, number)
        for url, text in page.pairs:
            try:
                with Image.open(io.BytesIO(page.images[url].data)) as image:
                    images.append(image.convert("RGB"))
                    texts.append(text)
            except OSError:
                continue
    return images, texts


def rate(rows: int, work: Callable[[], object]) -> float:
    """Rows per second of CPU time, the best of the repeats."""
    times = []
    for _ in range(REPEATS):
        started = time.process_time()
        work()
        times.append(time.process_time() - started)
    return rows / min(times)


def speed(images: list[Image.Image], texts: list[str]) -> None:
    """Print rows per CPU-second of each model that comes with weft."""
    for batch_size in (1, 8, 32):
        model = clip.load(clip.Config(model="demo", batch_size=batch_size, threads=1))
        per_image = rate(len(images), partial(model.embed_images, images))
        per_text = rate(len(texts), partial(model.embed_texts, texts))
        print(f"demo CLIP, batch_size {batch_size:2}: {per_image:5.0f} images, {per_text:5.0f} texts per CPU-second")
    detector = nsfw.load(nsfw.Config(threads=1))
    print(f"NudeNet: {rate(len(images), partial(detector.score, images)):6.1f} images per CPU-second")


def bits(name: str, rows: int) -> None:
    """Print how an untrained model's cost and last bits change with rows a pass and threads a product."""
    import open_clip

    torch.manual_seed(0)
    model = open_clip.create_model(name).eval()
    size = model.visual.image_size
    pixels = torch.randn(rows, 3, *(size if isinstance(size, tuple) else (size, size)))
    expected: torch.Tensor | None = None
    for threads in (1, 2):
        torch.set_num_threads(threads)
        for batch_size in (1, 4, rows):
            started = time.process_time()
            with torch.inference_mode():
                parts = [model.encode_image(part, normalize=True) for part in torch.split(pixels, batch_size)]
                vectors = torch.cat(parts)
            cost = (time.process_time() - started) / rows
            expected = vectors if expected is None else expected
            changed = int((vectors != expected).any(dim=1).sum())
            print(
                f"{name}, {threads} thread(s), {batch_size:2} rows a pass: {cost * 1000:5.0f} ms of CPU an image; "
                f"{changed} of {rows} vectors differ from one row on one thread"
            )
    torch.set_num_threads(1)
    with torch.inference_mode():
        copies = model.encode_image(pixels[:1].repeat(rows, 1, 1, 1))
    same = bool((copies == copies[0]).all())
    print(f"{name}: one image in all {rows} places of a pass gives {'one vector' if same else 'several vectors'}")


def main() -> None:
    """Print versions, then speed, then bits."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pages", type=int, default=60, help="generated pages that the pictures come from")
    parser.add_argument("--model", default="ViT-B-32", help="open_clip architecture for the study of bits")
    args = parser.parse_args()
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in ("torch", "open_clip_torch", "onnxruntime"))
    print(f"{versions}, {platform.machine()}, {torch.backends.cpu.get_cpu_capability()}")
    images, texts = sample(args.pages)
    sides = np.array([image.size for image in images])
    print(f"{len(images)} pictures, median {int(np.median(sides[:, 0]))} by {int(np.median(sides[:, 1]))} px")
    speed(images, texts)
    bits(args.model, 16)


if __name__ == "__main__":
    main()
