"""weft status: what is done in an output folder, and what is next."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from jobs.arguments import local
from jobs.open_run import open_run
from pipeline.books import was_checked


def main(argv: Sequence[str] | None = None) -> int:
    """Print a line a step."""
    options = argparse.ArgumentParser(prog="weft status", description=__doc__)
    options.add_argument("folder", type=local("DIR"), metavar="DIR", help="output folder of weft run")
    run = open_run(options.parse_args(argv).folder)
    print(f"recipe {run.recipe.stamp}, {len(run.inputs)} slice(s) of input")
    waiting = None
    for step in run.steps:
        folder = run.where(step.name)
        finished = run.finished(step.name)
        slices = run.slices(step.name) or (folder.planned() or {}).get("slices")
        count = sum(1 for commit in run.commits(step.name) if not commit.slice.startswith("done-"))
        of = f" of {len(slices):,}" if slices else ""
        if finished is not None:
            state = f"done, {count:,} slice(s), {finished.cost.seconds:,.1f} s"
        elif count:
            state = f"begun, {count:,}{of} slice(s) committed"
        else:
            state = "not begun"
        if finished is None and waiting is None:
            waiting = step.name
        print(f"  {step.name:24} {state}")
    if waiting is None and not was_checked(run):
        waiting = "books and report"
    print(f"next: {waiting}; the same weft run command goes on there" if waiting else "complete")
    return 0
