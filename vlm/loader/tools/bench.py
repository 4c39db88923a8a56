"""`weft loader bench DIR`: how fast this machine loads this dataset, and what a training step would wait."""

from __future__ import annotations

import argparse
import os
import resource
import time
from collections.abc import Sequence

from vlm.loader.loader import Loader, Stats
from vlm.loader.tools.options import add_options, config_of, guarded, say


def main(argv: Sequence[str] | None = None) -> int:
    """Exit code: 0, or 2 where the loader cannot start."""
    parser = argparse.ArgumentParser(prog="weft loader bench", description=__doc__)
    add_options(parser)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--step-ms", type=float, default=0.0, help="what a training step takes, slept")
    return guarded(_run, parser.parse_args(argv))


def _run(args: argparse.Namespace) -> int:
    began = time.perf_counter()
    loader = Loader(config_of(args))
    batches = iter(loader)
    next(batches)
    first = time.perf_counter() - began
    loader.stats = Stats()
    start, cpu = time.perf_counter(), os.times()
    while time.perf_counter() - start < args.seconds and next(batches, None):
        time.sleep(args.step_ms / 1000)
    wall, spent = time.perf_counter() - start, sum(os.times()[:2]) - sum(cpu[:2])
    loader.close()
    s = loader.stats
    say(f"decoder {loader.decoder.name} on {args.device}, {args.threads} threads, {os.cpu_count()} cores")
    say(f"first batch after {first:.2f} s; then {s.batches} batches in {wall:.1f} s")
    say(f"{s.useful_tokens / wall:,.0f} useful tokens/s (fill {s.fill:.3f}), {s.images / wall:,.0f} images/s")
    per_thousand = spent / max(s.useful_tokens, 1) * 1e6
    say(f"{per_thousand:,.3f} CPU-ms per 1,000 useful tokens; {s.wait_s / wall:.1%} of the time waited")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    say(f"peak memory {peak:,.0f} MB; faults {dict(loader.faults.by_kind)}")
    return 0
