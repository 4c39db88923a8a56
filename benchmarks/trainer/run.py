"""What the trainer's choices cost and bring, in miniature, on the CPU: python benchmarks/trainer/run.py [NAME ...]

* packing   a step on packed rows with documents apart, against one document a row, padded, the same useful tokens;
            documents as long as OBELICS's (benchmarks/loader/data.py)
* summary   all patches of an image at the input against 64 summary tokens: step time and loss at equal samples
* tuning    language model frozen, with LoRA, full: time, memory, held-out loss, loss of text alone

Times are CPU seconds (user and system), so that other work on the machine counts little; each case has a process of its
own, so that its memory is its own. Figures are written to results.json beside this file.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

CASES = {
    "packing": ("packed", "padded"),
    "summary": ("all", "summary"),
    "tuning": ("frozen", "lora", "full"),
}
GPU_ROWS = "MFU of the presets against their language model on packed text, data wait: benchmarks/trainer/gpu.py"


def main() -> None:
    """Run the cases, print a table, keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", default=[], help=f"of {', '.join(CASES)}; default: all")
    parser.add_argument("--work", type=Path, default=Path("build/bench-trainer"))
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--pages", type=int, default=800)
    parser.add_argument("--case", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.case:
        print(json.dumps(globals()[f"_{options.case.partition('.')[0]}"](options, options.case.partition(".")[2])))
        return
    _prepare(options.work, options.pages, options.names or list(CASES))
    found: dict[str, dict[str, Any]] = {}
    for name in options.names or CASES:
        if name == "tuning" and not (options.work / "language" / "config.json").exists():
            _language(options)
        for case in CASES[name]:
            command = [sys.executable, __file__, "--case", f"{name}.{case}", "--work", str(options.work)]
            done = subprocess.run([*command, "--steps", str(options.steps)], check=True, capture_output=True, text=True)
            found[f"{name}.{case}"] = json.loads(done.stdout.splitlines()[-1])
            print(
                f"{name}.{case:10}", "  ".join(f"{k} {v:.4g}" for k, v in found[f"{name}.{case}"].items()), flush=True
            )
    _ratios(found)
    print(GPU_ROWS)
    results = Path(__file__).with_name("results.json")
    old = json.loads(results.read_text("utf-8")) if results.exists() else {}
    results.write_text(json.dumps(old | found, indent=1) + "\n", "utf-8")


def _ratios(found: dict[str, dict[str, Any]]) -> None:
    for slow, fast, what in (("packing.padded", "packing.packed", "padded / packed"),
                             ("summary.all", "summary.summary", "all patches / summary")):  # fmt: skip
        if slow in found and fast in found:
            print(f"{what}: {found[slow]['cpu_s'] / found[fast]['cpu_s']:.2f} times the CPU time")


def _prepare(work: Path, pages: int, names: list[str]) -> None:
    from benchmarks.loader.data import whole
    from jobs.draw_shards import draw_shards

    if "packing" in names:
        whole(work / "documents", 100, 4, pictures=30)
    if names == ["packing"]:
        return
    for name, seed, count in (("shards", 7007, pages), ("held-out", 8008, pages // 3)):
        if not (work / name / "manifest.json").exists():
            draw_shards(work / name, pages=count, seed=seed)


def _preset(*overrides: str, steps: int, name: str = "llava15") -> Any:
    from vlm.config import load_preset
    from vlm.train.loop import with_steps

    preset = load_preset(name, size="demo", overrides=overrides)
    return with_steps(replace(preset, stages=preset.stages[-1:]), steps)


def _packing(options: argparse.Namespace, case: str) -> dict[str, float]:
    """Forward and backward of the same segments of OBELICS-like documents, packed or one a row."""
    import torch

    from vlm.loader import Loader, LoaderConfig
    from vlm.model.vlm import Vlm

    torch.set_num_threads(1)
    torch.manual_seed(0)
    preset = _preset(steps=1)
    model = Vlm(preset.model, 262).train()
    model.trains(("mapper", "language"))
    config = LoaderConfig(
        datasets=(str(options.work / "documents"),),
        batch_size=1,  # some seven documents: padded they are seven rows as long as the longest
        seq_len=4096,
        image=model.image_config(),
        threads=0,
        lanes=1,
        view="natural",
        dtype="float32",
    )
    batches, spent, useful, computed = iter(Loader(config)), 0.0, 0, 0
    for step in range(4):
        batch = next(batches)
        if case == "padded":
            batch = one_a_row(batch)
        began = time.process_time()
        model(batch).nll.mean().backward()
        if step:  # the first warms up
            spent += time.process_time() - began
            useful += batch.useful_tokens
            computed += batch.tokens.numel()
    return {"cpu_s": spent, "useful_tokens": useful, "computed_tokens": computed, "us_per_useful": 1e6 * spent / useful}


def one_a_row(batch: Any, least: int = 0) -> Any:
    """The documents of a packed batch, each in a row of its own, padded to the longest or to `least`; attention over
    whole rows.
    """
    import torch

    segments = batch.sources[:, :3].tolist()
    length = max(least, *(size for _, _, size in segments))
    fields: dict[str, Any] = {}
    empty = {"image_index": -1, "last_image": -1}
    for name in ("tokens", "loss_mask", "positions", "image_index", "last_image"):
        old = getattr(batch, name)
        new = torch.full((len(segments), length), empty.get(name, 0), dtype=old.dtype, device=old.device)
        for place, (row, start, size) in enumerate(segments):
            new[place, :size] = old[row, start : start + size]
        fields[name] = new
    sources = batch.sources.clone()
    numbers = torch.arange(len(segments), dtype=torch.int32, device=batch.tokens.device)
    sources[:, 0], sources[:, 1], sources[:, 2] = numbers, 0, length
    rows = numbers[:, None].expand(-1, length)
    return replace(
        batch, **fields, sources=sources, document_ids=rows.contiguous(), valid=torch.ones_like(rows, dtype=torch.bool)
    )


def _summary(options: argparse.Namespace, case: str) -> dict[str, float]:
    """256 patches at the input, or 64 tokens of a Perceiver Resampler, from the same samples."""
    mapper = "model.mapper=[{kind='linear', depth=2}]"
    if case == "summary":
        mapper = (
            "model.mapper=[{kind='linear', depth=2}, {kind='latent', attend='cross_concat', queries=64, layers=2,"
            " heads=6, head_width=32}]"
        )
    # rows are as long as the same documents need: 4 images of 256 or 64 tokens, each with its text
    seq_len = 4 * ((258 if case == "all" else 66) + 120)
    overrides = [mapper, "model.layout.size=128", "model.vision.config.image_size=128", f"stages.seq_len={seq_len}"]
    overrides += ["stages.view=pairs", "stages.train=['vision', 'mapper', 'language']", "stages.batch_size=2"]
    return _train(options, _preset(*overrides, steps=options.steps), f"summary-{case}")


def _tuning(options: argparse.Namespace, case: str) -> dict[str, float]:
    language = f"model.language.model={options.work / 'language'}"
    groups = {"frozen": "['mapper']", "lora": "['mapper', 'lora']", "full": "['mapper', 'language']"}
    overrides = [language, f"stages.train={groups[case]}", "stages.batch_size=4", "stages.view=natural"]
    if case == "lora":
        overrides.append("model.tune.lora={rank=8, alpha=16.0}")
    return _train(options, _preset(*overrides, steps=options.steps), f"tuning-{case}")


def _train(options: argparse.Namespace, preset: Any, name: str) -> dict[str, float]:
    import shutil

    import torch

    from vlm.evaluate.heldout import held_out
    from vlm.saved import export, load_saved
    from vlm.train.loop import Options, Trainer
    from vlm.train.processes import World

    torch.set_num_threads(1)
    out = options.work / name
    shutil.rmtree(out, ignore_errors=True)
    run = Options(data=(str(options.work / "shards"),), out=out, blind_every=0, threads=0, lanes=4, live=False,
                  checkpoint_every=10**9)  # fmt: skip
    trainer = Trainer(preset, run, World(0, 1, torch.device("cpu"), "ddp"))
    began = time.process_time()
    row = trainer.run()
    spent = time.process_time() - began
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    export(trainer.model, preset, out / "model")
    saved = load_saved(out)
    losses = held_out(saved.model, saved.loader_config([str(options.work / "held-out")]), max_tokens=15_000)
    return {
        "cpu_s": spent,
        "cpu_s_per_step": spent / options.steps,
        "memory_gb": memory,
        "train_loss": row["loss"],
        "held_out_loss": losses.loss,
        "blind_gap": losses.blind_gap,
        "text_loss": losses.text_loss,
    }


def _language(options: argparse.Namespace) -> None:
    """A language model of the demo's size, trained on texts alone, for the cases that begin from one."""
    import torch

    from vlm.saved import export_language, load_saved
    from vlm.train.loop import Options, Trainer
    from vlm.train.processes import World

    preset = _preset(
        "stages.view=text_only", "stages.train=['language']", "stages.batch_size=4", steps=4 * options.steps
    )
    out = options.work / "language-run"
    run = Options(data=(str(options.work / "shards"),), out=out, blind_every=0, threads=0, lanes=4)
    Trainer(preset, run, World(0, 1, torch.device("cpu"), "ddp")).run()
    export_language(load_saved(out), options.work / "language")


if __name__ == "__main__":
    main()
