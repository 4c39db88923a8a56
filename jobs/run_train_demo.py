"""weft train-demo: a small model learns from generated pages on a CPU; then it is asked what images are worth to it.

The pages are of other seeds than the demo's, and the held-out ones of others again. It ends with an error where the
blind gap does not open, or the right image does not win clearly more often than by chance.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from statistics import mean

from jobs import evaluate, train
from jobs.arguments import local, whole
from jobs.draw_shards import draw_shards
from schemas.errors import WeftError

TRAIN_SEED, HELD_OUT_SEED = 5005, 6006
RECIPE = (
    "model.mapper=[{kind='linear', depth=2}, {kind='pool', pool='shuffle', k=4}, {kind='linear'}]",
    "stages=[{name='train', train=['vision', 'mapper', 'language'], view='pairs', steps=600, lr=1e-3, warmup=40,"
    " batch_size=4, seq_len=512}]",
)
"""The plain combination: patches, four of which become one token, in line; everything learns, from pairs."""


def main(argv: Sequence[str] | None = None) -> int:
    """Draw, train, evaluate, and say whether it learnt."""
    parser = argparse.ArgumentParser(prog="weft train-demo", description=__doc__)
    parser.add_argument("--out", type=local("--out"), default=Path("out/train-demo"), metavar="DIR")
    parser.add_argument("--pages", type=whole("--pages"), default=3000, help="to learn from (default 3,000)")
    parser.add_argument("--held-out-pages", type=whole("--held-out-pages"), default=600)
    parser.add_argument("--steps", type=whole("--steps"), default=600)
    parser.add_argument(
        "--seeds", type=whole("--seeds"), default=1, help="models; each begins otherwise and sees another order"
    )
    parser.add_argument("--preset", default="llava15")
    parser.add_argument("--size", default="demo")
    parser.add_argument("--queries", type=whole("--queries"), default=200)
    parser.add_argument("--set", dest="overrides", action="append", default=[], metavar="KEY=VALUE")
    options = parser.parse_args(argv)
    shards = {name: options.out / name for name in ("shards", "held-out")}
    for name, seed, pages in (
        ("shards", TRAIN_SEED, options.pages),
        ("held-out", HELD_OUT_SEED, options.held_out_pages),
    ):
        if not (shards[name] / "manifest.json").is_file():
            count = draw_shards(shards[name], pages=pages, seed=seed)
            print(f"{count} documents with images in English of {pages} generated pages: {shards[name]}")
    overrides = (*RECIPE, *options.overrides) if options.preset == "llava15" else options.overrides
    figures = []
    for seed in range(options.seeds):
        run = options.out / f"seed{seed}"
        command = [options.preset, "--size", options.size, "--data", str(shards["shards"]), "--out", str(run)]
        command += ["--steps", str(options.steps), "--seed", str(seed), "--every", "20", "--checkpoint-every", "200"]
        for override in overrides:
            command += ["--set", override]
        train.main(command)
        evaluate.main(
            [str(run), "--data", str(shards["held-out"]), "--queries", str(options.queries), "--shots", "0,1,2,4",
             "--gaps", "0,20", "--out", str(run / "evaluation.json")]
        )  # fmt: skip
        figures.append(json.loads((run / "evaluation.json").read_text("utf-8")))
    judge(figures)
    print(f"look at it:  weft generate {options.out / 'seed0'} @IMAGE.jpg")
    return 0


def judge(figures: Sequence[dict[str, float]]) -> None:
    """Print what the runs came to. Raises WeftError where a model did not learn from its images."""
    gaps = [run["blind_gap"] for run in figures]
    wins = [run["retrieval_1_of_2"] for run in figures]
    print(f"blind gap {mean(gaps):.3f} nats a token; the right image wins {mean(wins):.3f} (chance 0.5); of {len(wins)}"
          f" runs: {', '.join(f'{win:.3f}' for win in wins)}")  # fmt: skip
    if min(gaps) <= 0.01 or min(wins) <= 0.6:
        raise WeftError("the model did not learn from its images")
