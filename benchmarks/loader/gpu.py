"""The GPU rows of the loader's table: `python benchmarks/loader/gpu.py` writes `gpu.json`, or says there is no GPU.

Decode + resize + patches per second by decoder, the kernel beside torchvision's resize + normalise, and the share of
its time that a 300M-parameter step waits.
"""

from __future__ import annotations

import argparse
import datetime
import json
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))


def timed(call: Callable[[], object], repeats: int = 5) -> float:
    """Seconds of the median of `repeats` runs after a first, the device waited for."""
    import torch

    found = []
    for _ in range(repeats + 1):
        torch.cuda.synchronize()
        began = time.perf_counter()
        call()
        torch.cuda.synchronize()
        found.append(time.perf_counter() - began)
    return median(found[1:])


def images(count: int) -> dict[str, Any]:
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
    made = [torch.frombuffer(bytearray(picture(rng)), dtype=torch.uint8).pin_memory() for _ in range(256)]
    blobs = [made[i % len(made)] for i in range(count)]
    config = ImageConfig(size=384, patch=16)
    facts: dict[str, Any] = {"decoded_resized_cut": {}}
    for name in ("torchcodec", "torchvision", "nvimagecodec", "cpu"):
        try:
            decoder = choose_decoder(name, device)
        except LoaderConfigError as error:
            print(f"{name}: {error}")
            continue
        sizes = [(p.shape[2], p.shape[1]) for p in decoder.decode(made) if p is not None]
        planned = [jobs(0, *size, config)[0] for size in sizes]  # in a loader made from the index, before
        for batch in (64, 256, 1024):
            work = [replace(planned[i % len(made)], image=i) for i in range(batch)]

            def run(whole: bool, decoder: Any = decoder, batch: int = batch, work: Any = work) -> None:
                for start in range(0, count, batch):
                    pixels = decoder.decode(blobs[start : start + batch])
                    if whole:
                        resize_to_patches_triton(pixels, work, config)

            decoded, cut = (count / timed(partial(run, whole), 3) for whole in (False, True))
            print(
                f"{name}, {batch} at once: {decoded:,.0f} images/s decoded; {cut:,.0f} decoded, resized, cut",
                flush=True,
            )
            facts["decoded_resized_cut"].setdefault(name, {})[str(batch)] = round(cut)
        if "kernel_ms" not in facts:
            facts |= kernel(decoder.decode(made), [replace(planned[i], image=i) for i in range(len(made))], config)
    return facts


def kernel(pixels: list[Any], work: list[Any], config: Any) -> dict[str, float]:
    """Milliseconds of the kernel and of torchvision's antialiased resize and normalise: one by one, and by size."""
    import torch
    from torchvision.transforms.v2 import functional as F

    from vlm.loader.images import resize_to_patches
    from vlm.loader.kernel import resize_to_patches_triton

    sizes = {tuple(p.shape) for p in pixels}
    stacked = [torch.stack([p for p in pixels if tuple(p.shape) == size]) for size in sizes]

    def beside(of: list[Any]) -> None:
        for p in of:
            x = F.resize(p, [config.size, config.size], interpolation=F.InterpolationMode.BICUBIC, antialias=True)
            F.normalize(x.to(torch.bfloat16) / 255, list(config.mean), list(config.std))

    ours = timed(lambda: resize_to_patches_triton(pixels, work, config)) * 1e3
    single, grouped = (timed(partial(beside, of)) * 1e3 for of in (pixels, stacked))
    got = resize_to_patches_triton(pixels, work, config, dtype=torch.float32).cpu()
    off = (got - resize_to_patches([p.cpu() for p in pixels], work, config)).abs().max() * 255 * max(config.std)
    print(f"kernel: {ours:.2f} ms for {len(work)} images, patches cut; off by {off:.2f}/255 at most; torchvision,"
          f" uncut: {single:.2f} ms one by one ({single / ours:.1f} times), {grouped:.2f} ms stacked by size"
          f" ({grouped / ours:.1f} times)", flush=True)  # fmt: skip
    return {"kernel_ms": ours, "kernel_off": float(off), "torchvision_ms": single, "stacked_ms": grouped}


def loader_config(folder: Path, **more: Any) -> Any:
    """Rows of 2,048 tokens with 64 for an image, JPEGs of 500 px to 384 px."""
    from vlm.loader import ImageConfig, LoaderConfig

    image = ImageConfig(size=384, patch=16)
    return LoaderConfig(datasets=(str(folder),), lanes=48, device="cuda", image=image, **more)


def nothing(folder: Path, threads: int, batches: int) -> None:
    """Images a second of the whole loader where the step costs nothing."""
    import torch

    from vlm.loader import Loader

    loader = Loader(loader_config(folder, batch_size=48, threads=threads))
    for i, _ in enumerate(loader):
        if i == 4:
            torch.cuda.synchronize()
            images, tokens, began = loader.stats.images, loader.stats.useful_tokens, time.perf_counter()
        if i == batches + 4:
            break
    torch.cuda.synchronize()
    wall = time.perf_counter() - began
    print(f"null step, {threads} threads, decoder {loader.decoder.name}: {(loader.stats.images - images) / wall:,.0f}"
          f" images/s, {(loader.stats.useful_tokens - tokens) / wall:,.0f} tokens/s", flush=True)  # fmt: skip
    loader.close()


def waiting(folder: Path, steps: int) -> dict[str, float]:
    """Share of the time that a 300M-parameter step (bf16, causal attention, AdamW) waits for its batch."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    from vlm.loader import Loader

    shape = {"hidden_size": 1024, "intermediate_size": 2816, "num_hidden_layers": 24, "num_attention_heads": 16}
    with torch.device("cuda"):
        model = LlamaForCausalLM(LlamaConfig(**shape, vocab_size=512, attn_implementation="sdpa")).bfloat16()
        project = torch.nn.Linear(768 * 9, 1024, dtype=torch.bfloat16)  # 576 patches become 64 tokens
    parameters = [*model.parameters(), *project.parameters()]
    optimizer = torch.optim.AdamW(parameters, lr=1e-5, fused=True)
    loader = Loader(loader_config(folder, batch_size=8, threads=8))
    for i, batch in enumerate(loader):
        if i == 10:
            torch.cuda.synchronize()
            loader.stats.wait_s, images, began = 0.0, loader.stats.images, time.perf_counter()
        x = model.get_input_embeddings()(batch.tokens)
        x = x.masked_scatter((batch.image_index >= 0)[..., None], project(batch.patches.view(-1, 768 * 9)))
        hidden = model.model(inputs_embeds=x).last_hidden_state
        logits = model.lm_head(hidden[:, :-1]).float()
        loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), batch.tokens[:, 1:].flatten(), reduction="none")
        (loss * batch.loss_mask[:, 1:].flatten()).mean().backward()
        optimizer.step()
        optimizer.zero_grad()
        torch.cuda.current_stream().synchronize()  # as a step that reads its loss
        if i == steps + 10:
            break
    wall = time.perf_counter() - began
    count = sum(p.numel() for p in parameters) / 1e6
    rate = (loader.stats.images - images) / wall
    print(f"waiting: {loader.stats.wait_s / wall:.2%} of {steps} steps of {wall / steps * 1e3:.0f} ms ({count:.0f}M"
          f" parameters, {rate:,.0f} images/s), decoder {loader.decoder.name}")  # fmt: skip
    loader.close()
    return {"waiting": loader.stats.wait_s / wall, "step_ms": wall / steps * 1e3, "parameters": count * 1e6}


def main() -> None:
    """Measure, or say that it cannot be measured here."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--images", type=int, default=8192)
    options.add_argument("--data", type=Path, default=Path("build/bench-gpu"), help="shards, made where there are none")
    options.add_argument("--only", choices=["images", "loader"], default=None)
    options.add_argument("--documents", type=int, default=3000)
    args = options.parse_args()
    import torch

    if not torch.cuda.is_available():
        print("not measured: no CUDA device")
        return
    from benchmarks.loader.data import busy, whole

    print(torch.cuda.get_device_name(), "torch", torch.__version__, busy())

    facts: dict[str, Any] = {"device": torch.cuda.get_device_name(), "date": datetime.date.today().isoformat()}
    if args.only != "loader":
        facts |= images(args.images)
    if args.only != "images":
        whole(args.data, args.documents, 16, pictures=100)
        for threads in (8, 14):
            nothing(args.data, threads, 20)
        facts |= waiting(args.data, 60)
    if args.only is None:
        Path(__file__).with_name("gpu.json").write_text(json.dumps(facts, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
