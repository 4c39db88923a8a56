"""weft ablate A B: the same model, tokens and seeds on two datasets; a table of what came of it, with error bars."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from jobs.train import add_model_options, numbers
from jobs.trainer_errors import told


def main(argv: Sequence[str] | None = None) -> int:
    """Train and measure for each dataset and seed; what is done already is not done again."""
    parser = argparse.ArgumentParser(prog="weft ablate", description=__doc__)
    parser.add_argument("data", nargs="+", metavar="DIR", help="folders of shards to be compared (of two recipes, say)")
    parser.add_argument("--held-out", required=True, metavar="DIR", help="shards that no run sees")
    parser.add_argument("--tokens", type=int, required=True, help="of each run")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR")
    parser.add_argument("--preset", default="llava15")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--shots", type=numbers, default="0,1,2,4")
    parser.add_argument("--queries", type=int, default=32)
    parser.add_argument("--held-out-tokens", type=int, default=20_000)
    add_model_options(parser)
    options = parser.parse_args(argv)
    with told():
        from vlm.ablate import Plan, ablate, steps_of, table
        from vlm.config import load_preset
        from vlm.train.loop import Options
        from vlm.train.processes import world

        preset = load_preset(options.preset, size=options.size, overrides=options.overrides)
        plan = Plan(
            datasets=tuple(options.data),
            held_out=options.held_out,
            tokens=options.tokens,
            seeds=options.seeds,
            held_out_tokens=options.held_out_tokens,
            shots=options.shots,
            queries=options.queries,
        )
        run = Options(
            data=plan.datasets[:1],
            out=options.out,
            precision=options.precision,
            gradient_checkpointing=options.gradient_checkpointing,
            compile=options.compile,
            every=options.every,
            blind_every=0,
            checkpoint_every=options.checkpoint_every,
            keep=1,
            threads=options.threads,
            cache_dir=options.cache_dir,
        )
        print(
            f"{len(plan.datasets)} datasets x {plan.seeds} seeds, {steps_of(preset, plan.tokens)} steps each",
            flush=True,
        )
        options.out.mkdir(parents=True, exist_ok=True)
        with world("ddp", 600, options.device) as where:
            print(table(ablate(preset, plan, run, where)))
    return 0
