"""What the presets make of a data-centre GPU: python benchmarks/trainer/gpu.py [CASE ...] [--out FILE] [--seconds N]

Each case trains some steps by the product's own loop (`vlm.train.loop.Trainer`, bf16, compiled layers) from shards with
images, about 1B parameters of random weights, rows of 4,096 tokens. Printed: MFU (model FLOPs of real tokens, language
and vision, `vlm.train.flops`, over the card's dense bf16 peak), and how that compares with `text`, the same language
model on packed text alone. MFU counts what must be computed: frozen weights cost a third less and cut patches nothing.
Says so where there is no GPU. Cases stop after their share of seconds, so that a run that is cut off has its figures.
"""

from __future__ import annotations

import argparse
import gc
import json
import shutil
import sys
import time
import traceback
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

LANGUAGE = (
    "model.language.config={hidden_size=2048, intermediate_size=5632, num_hidden_layers=12, num_attention_heads=16,"
    " num_key_value_heads=8, vocab_size=32064, max_position_embeddings=8192, model_type='llama'}"
)
ROWS = ("stages.seq_len=4096", "stages.warmup=5", "stages.lr=1e-5")
CLIP_L = "model.vision.model=ViT-L-14"  # OpenFlamingo's; Flamingo's NFNet-F6 is convolutional
ALL = "['language', 'mapper', 'cross']"
CASES: dict[str, tuple[str, tuple[str, ...]]] = {
    "text": ("idefics2", ("stages.view=text_only", "stages.train=['language']", "model.tune.lora=null")),
    "idefics2": ("idefics2", ()),
    "flamingo": ("openflamingo", (CLIP_L,)),
    "idefics2-full": ("idefics2", ("stages.train=['language', 'mapper']",)),
    "idefics2-frozen": ("idefics2", ("stages.train=['mapper']",)),
    "flamingo-full": ("openflamingo", (CLIP_L, f"stages.train={ALL}")),
    "all-patches": ("llava15", ("stages.train=['mapper', 'language']",)),
    "summary": ("llava15", ("stages.train=['mapper', 'language']", "SUMMARY")),
}
TARGETS = {"idefics2": 0.90, "flamingo": 0.80}
SUMMARY = (
    "model.mapper=[{kind='linear', depth=2}, {kind='latent', attend='cross_concat', queries=64, layers=3, heads=16,"
    " head_width=96}]"
)


def main() -> None:
    """Run the cases, print a table, keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help=f"of {', '.join(CASES)}; default: all")
    parser.add_argument("--data", type=Path, default=Path("build/bench-trainer-gpu"))
    parser.add_argument("--out", type=Path, default=None, help="a JSON file with all figures")
    parser.add_argument("--rows", type=int, default=8, help="of 4,096 tokens in a step")
    parser.add_argument("--steps", type=int, default=30)
    parser.add_argument("--seconds", type=float, default=90, help="of a case, compiling included")
    parser.add_argument("--padding", action="store_true", help="packed against padded rows of text, too")
    parser.add_argument("--eager", action="store_true", help="without torch.compile")
    options = parser.parse_args()
    import torch

    if not torch.cuda.is_available():
        print("not measured: no CUDA device")
        return
    from benchmarks.loader.data import busy, whole

    print(torch.cuda.get_device_name(), "torch", torch.__version__, busy(), flush=True)
    whole(options.data, 3000, 16, pictures=100)
    found: dict[str, Any] = {"device": {"name": torch.cuda.get_device_name(), "torch": torch.__version__}}
    for name in options.names or CASES:
        try:
            found[name] = case(name, options)
        except Exception:  # noqa: BLE001 - the other cases still count
            traceback.print_exc()
            continue
        finally:
            torch._dynamo.reset()
            gc.collect()
            torch.cuda.empty_cache()
        report(name, found)
        if options.out:
            options.out.write_text(json.dumps(found, indent=1) + "\n", "utf-8")

    if options.padding:
        found["padding"] = padding(options)
        if options.out:
            options.out.write_text(json.dumps(found, indent=1) + "\n", "utf-8")


def padding(options: argparse.Namespace) -> dict[str, float]:
    """Forward and backward of documents of text, packed or one a row of the same length."""
    import torch

    from benchmarks.trainer.run import one_a_row
    from vlm.loader import Loader
    from vlm.loader.batch import target_mask
    from vlm.train.loop import Options, Trainer
    from vlm.train.processes import World

    run = Options(data=(str(options.data),), out=options.data.parent / "padding", precision="bf16", compile=True,
                  live=False, threads=4)  # fmt: skip
    trainer = Trainer(preset_of("text", options.rows, 1), run, World(0, 1, torch.device("cuda", 0), "ddp"))
    model, stage = trainer.model.train(), trainer.preset.stages[0]
    model.trains(stage.train)
    loader = Loader(trainer.loader_config(stage, 0))
    seconds, useful = {"packed": 0.0, "padded": 0.0}, {"packed": 0, "padded": 0}
    for number, batch in enumerate(loader):
        wide = one_a_row(batch, stage.seq_len)
        groups = [slice(at, at + options.rows) for at in range(0, len(wide.tokens) - options.rows + 1, options.rows)]
        names = ("tokens", "loss_mask", "valid", "positions", "document_ids", "image_index", "last_image")
        parts = [replace(wide, **{n: getattr(wide, n)[group] for n in names}) for group in groups]
        parts = [replace(p, num_targets=int(target_mask(p.loss_mask, p.valid).sum())) for p in parts]
        for kind, batches in (("packed", [batch]), ("padded", parts)):
            torch.cuda.synchronize()
            began = time.perf_counter()
            for part in batches:
                with torch.autocast("cuda", torch.bfloat16):
                    loss = model(part).nll.mean()
                loss.backward()
            torch.cuda.synchronize()
            if number:  # the first compiles
                seconds[kind] += time.perf_counter() - began
                documents = len(batch.sources) if kind == "packed" else len(groups) * options.rows
                useful[kind] += int(batch.sources[:documents, 2].sum())
        if number == 4:
            break
    loader.close()
    rates = {kind: useful[kind] / seconds[kind] for kind in seconds}
    print(f"packed {rates['packed']:,.0f} useful tokens/s, padded {rates['padded']:,.0f}: "
          f"{rates['packed'] / rates['padded']:.2f} times", flush=True)  # fmt: skip
    return rates


def preset_of(name: str, rows: int, steps: int) -> Any:
    """The preset of a case, with the language model of all cases."""
    from vlm.config import load_preset
    from vlm.train.loop import with_steps

    base, overrides = CASES[name]
    overrides = tuple(SUMMARY if o == "SUMMARY" else o for o in overrides if o != "model.tune.lora=null")
    preset = load_preset(base, overrides=(LANGUAGE, *ROWS, f"stages.batch_size={rows}", *overrides))
    if name in ("text", "idefics2-full", "idefics2-frozen"):
        preset = replace(preset, model=replace(preset.model, tune=replace(preset.model.tune, lora=None)))
    return with_steps(replace(preset, stages=preset.stages[-1:]), steps)


def case(name: str, options: argparse.Namespace) -> dict[str, Any]:
    """Medians of the rows of the metrics after the first ten steps, in which layers are compiled."""
    import torch

    from vlm.train.loop import Options, Trainer
    from vlm.train.processes import World

    began = time.perf_counter()
    torch.cuda.reset_peak_memory_stats()
    out = options.data.parent / f"{options.data.name}-run"
    shutil.rmtree(out, ignore_errors=True)
    run = Options(data=(str(options.data),), out=out, precision="bf16", compile=not options.eager, every=2, threads=8,
                  blind_every=0, checkpoint_every=10**9, live=False)  # fmt: skip
    preset = preset_of(name, options.rows, options.steps)

    trainer = Trainer(preset, run, World(0, 1, torch.device("cuda", 0), "ddp"))
    parameters = sum(p.numel() for p in trainer.model.parameters())
    built = time.perf_counter() - began
    rows = trained(trainer, options.steps, began + options.seconds)
    late = rows[5:]
    if not late:
        raise RuntimeError(f"{name}: cut off after {2 * len(rows)} steps, still compiling: give more --seconds")
    middle = {key: median(r[key] for r in late) for key in late[-1] if isinstance(late[-1][key], int | float)}
    wait = sum(r["data_wait"] * r["seconds_per_step"] for r in late) / sum(r["seconds_per_step"] for r in late)
    return {
        "parameters": parameters,
        "learn": sum(p.numel() for p in trainer.model.parameters() if p.requires_grad),
        "steps_measured": 2 * len(late),
        "built_s": built,
        "first_steps_s": rows[0]["seconds_per_step"],
        **{k: middle[k] for k in ("mfu", "tflops", "vision_share", "seconds_per_step", "tokens_per_s", "images_per_s",
                                  "padding", "memory_gb", "loss")},
        "data_wait": wait,
    }  # fmt: skip


class Stop(Exception):
    """Enough was measured."""


def trained(trainer: Any, steps: int, until: float) -> list[dict[str, Any]]:
    """The rows of the metrics of a run that ends in time, and writes no checkpoint of gigabytes."""
    rows: list[dict[str, Any]] = []

    def add(row: dict[str, Any]) -> None:
        rows.append(row)
        if time.perf_counter() > until or row["step"] >= steps:
            raise Stop

    trainer.log.add = add
    with suppress(Stop):
        trainer.run()
    return rows


def report(name: str, found: dict[str, dict[str, Any]]) -> None:
    """One line."""
    row = found[name]
    line = (
        f"{name:16} {row['parameters'] / 1e6:5.0f}M ({row['learn'] / 1e6:4.0f}M learn)  MFU {row['mfu']:.3f}"
        f" ({row['tflops']:.0f} TFLOP/s, vision {row['vision_share']:.0%})"
        f"  {row['seconds_per_step'] * 1e3:.0f} ms a step"
        f"  {row['tokens_per_s']:,.0f} tok/s  {row['images_per_s']:.0f} img/s  wait {row['data_wait']:.2%}"
        f"  padding {row['padding']:.1%}  {row['memory_gb']:.1f} GB  loss {row['loss']:.2f}"
        f"  ({row['steps_measured']} steps)"
    )
    if "text" in found and name != "text":
        line += f"  {row['mfu'] / found['text']['mfu']:.3f} of text alone"
        line += f" (target {TARGETS[name]})" if name in TARGETS else ""
    print(line, flush=True)


if __name__ == "__main__":
    main()
