"""weft evaluate: held-out loss, blind gap, k-shot curve, retrieval by loss, needle; printed and as JSON."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from typing import Any

from jobs.arguments import local, location, new_file, whole
from jobs.train import numbers
from jobs.trainer_errors import told


def main(argv: Sequence[str] | None = None) -> int:
    """Measure a model on shards that it was not trained on."""
    parser = argparse.ArgumentParser(prog="weft evaluate", description=__doc__)
    parser.add_argument("model", type=local("model"), help="a run's folder, or an exported model")
    parser.add_argument("--data", required=True, type=location("--data"), metavar="DIR", help="held-out shards")
    parser.add_argument("--tokens", type=whole("--tokens"), default=20_000, help="targets of the held-out loss, about")
    parser.add_argument("--queries", type=whole("--queries", 2), default=64, help="pairs of each probe")
    parser.add_argument("--shots", type=numbers, default="0,1,2,4,8,16,32", help="default: 0,1,2,4,8,16,32")
    parser.add_argument(
        "--gaps", type=numbers, default="0,50,200", help="words between needle and question; default: 0,50,200"
    )
    parser.add_argument("--seq-len", type=whole("--seq-len"), default=1 << 16, help="longest prompt in tokens")
    parser.add_argument("--out", type=new_file("--out"), help="write the figures as JSON")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--cache-dir", metavar="DIR", help="keeps the files of URLs; token tables of read-only shards")
    options = parser.parse_args(argv)
    with told():
        from vlm.evaluate.heldout import held_out
        from vlm.evaluate.probes import Scorer, k_shot, needle, pairs_of, retrieval
        from vlm.saved import load_saved

        saved = load_saved(options.model, device=options.device)
        config = saved.loader_config([options.data], cache_dir=options.cache_dir)
        pairs = pairs_of(options.data, options.queries + max(options.shots) + 1)
        scorer = Scorer(saved.model, saved.tokenizer, saved.image, options.seq_len)
        some = {"queries": options.queries}
        figures: dict[str, Any] = {}
        _add(figures, held_out(saved.model, config, max_tokens=options.tokens).row())
        _add(figures, {"retrieval_1_of_2": retrieval(scorer, pairs[: options.queries])})
        _add(figures, {"k_shot": _each(options.shots, lambda k: k_shot(scorer, pairs, [k], **some))})
        _add(figures, {"needle": _each(options.gaps, lambda gap: needle(scorer, pairs, [gap], **some))})
        if options.out:
            options.out.write_text(json.dumps(figures, indent=1), "utf-8")
    return 0


def _add(figures: dict[str, Any], more: dict[str, Any]) -> None:
    """Keep figures, and print them as soon as they are there."""
    figures |= more
    for name, value in more.items():
        print(f"{name:20} {_shown(value)}", flush=True)


def _each(values: Sequence[int], probe: Callable[[int], dict[int, float]]) -> dict[int, float]:
    """A probe for each value; what the pairs or the model's positions are too few for is left out, and told."""
    from vlm.errors import DataError

    found: dict[int, float] = {}
    for value in values:
        try:
            found |= probe(value)
        except DataError as error:
            print(f"weft evaluate: {value} is left out: {error}", file=sys.stderr)
    return found


def _shown(value: object) -> str:
    if isinstance(value, dict):
        return "  ".join(f"{key}: {number:.4f}" for key, number in value.items())
    return f"{value:.4f}" if isinstance(value, float) else str(value)
