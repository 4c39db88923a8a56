"""What data is worth: the same model, tokens and seeds on two datasets, and what came of it, with error bars."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import mean, stdev
from typing import Any

from vlm.config import Preset, at_least
from vlm.errors import CheckpointError, DataError
from vlm.evaluate.heldout import held_out
from vlm.evaluate.probes import Pair, Scorer, k_shot, pairs_of, retrieval
from vlm.loader.dataset import Dataset
from vlm.loader.storage import open_store
from vlm.saved import export_run, load_saved, read_json
from vlm.train.loop import Options, Trainer, with_steps
from vlm.train.processes import World


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """An ablation."""

    datasets: tuple[str, ...]
    held_out: str
    tokens: int
    """Of the sequences of each run, padding included."""
    seeds: int = 3
    held_out_tokens: int = 20_000
    shots: tuple[int, ...] = (0, 1, 2, 4)
    queries: int = 32

    def __post_init__(self) -> None:
        at_least(self, tokens=1, seeds=1, queries=1, held_out_tokens=1)


def steps_of(preset: Preset, tokens: int) -> int:
    """Steps that come nearest to so many tokens, at least one."""
    stage = preset.stages[-1]
    return max(1, round(tokens / (stage.batch_size * stage.accumulate * stage.seq_len)))


def ablate(preset: Preset, plan: Plan, options: Options, where: World) -> list[dict[str, float | str | int]]:
    """A row for each dataset and seed. Runs that are done in `options.out` are not done again."""
    preset = with_steps(replace(preset, stages=preset.stages[-1:]), steps_of(preset, plan.tokens))
    rows: list[dict[str, float | str | int]] = []
    pairs = pairs_of(plan.held_out, plan.queries + max(plan.shots) + 1)
    if len(pairs) <= max(1, *plan.shots):  # said before anything is trained
        raise DataError(f"{plan.held_out}: {len(pairs)} images with texts are too few for {max(1, *plan.shots)} shots")
    for number, dataset in enumerate(plan.datasets):
        for seed in range(plan.seeds):
            folder = options.out / f"{number}-seed{seed}"
            asked = _asked(preset, plan, options, dataset)
            if not (folder / "result.json").is_file():
                run = replace(options, data=(dataset,), out=folder, seed=seed)
                trainer = Trainer(preset, run, where)
                trainer.run()
                export_run(folder)
                result = {"dataset": dataset, "seed": seed, **_measure(folder, plan, pairs, options.cache_dir)}
                (folder / "result.part").write_text(json.dumps({"asked": asked, "row": result}), "utf-8")
                (folder / "result.part").replace(folder / "result.json")
            there = read_json(folder / "result.json")
            if there.get("asked") != asked or "row" not in there:
                names = sorted(n for n in asked if there.get("asked", {}).get(n) != asked[n])
                raise CheckpointError(f"{folder} holds a run with another {', '.join(names)}: name another --out")
            rows.append(there["row"])
    (options.out / "ablation.json").write_text(json.dumps({"plan": asdict(plan), "rows": rows}, indent=1), "utf-8")
    (options.out / "ablation.md").write_text(table(rows), "utf-8")
    return rows


def _asked(preset: Preset, plan: Plan, options: Options, dataset: str) -> dict[str, Any]:
    """All that a row depends on beside its seed, as JSON values."""
    data, held = (Dataset(open_store(url)).fingerprint for url in (dataset, plan.held_out))
    facts = {"dataset": data, "held-out": held, "precision": options.precision, "preset": asdict(preset)}
    facts |= {name: getattr(plan, name) for name in ("tokens", "held_out_tokens", "shots", "queries")}
    found: dict[str, Any] = json.loads(json.dumps(facts))
    return found


def _measure(folder: Path, plan: Plan, pairs: Sequence[Pair], cache_dir: str | None) -> dict[str, float]:
    saved = load_saved(folder)
    config = saved.loader_config([plan.held_out], cache_dir=cache_dir)
    losses = held_out(saved.model, config, max_tokens=plan.held_out_tokens)
    scorer = Scorer(saved.model, saved.tokenizer, saved.image, seq_len=1 << 16)
    curve = k_shot(scorer, pairs, plan.shots, queries=plan.queries)
    found = {"loss": losses.loss, "blind_gap": losses.blind_gap, "text_loss": losses.text_loss}
    return found | {"retrieval": retrieval(scorer, pairs)} | {f"{k}-shot": value for k, value in curve.items()}


def table(rows: Sequence[dict[str, float | str | int]]) -> str:
    """A Markdown table: for each dataset the mean over seeds, plus or minus its standard error."""
    columns = [name for name in rows[0] if name not in ("dataset", "seed")]
    lines = ["| dataset | " + " | ".join(columns) + " |", "|---" * (len(columns) + 1) + "|"]
    for dataset in dict.fromkeys(row["dataset"] for row in rows):
        cells = []
        for column in columns:
            values = [float(row[column]) for row in rows if row["dataset"] == dataset]
            error = stdev(values) / math.sqrt(len(values)) if len(values) > 1 else math.nan
            cells.append(f"{mean(values):.4f} ± {error:.4f}" if len(values) > 1 else f"{mean(values):.4f}")
        lines.append(f"| {dataset} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"
