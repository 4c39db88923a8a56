"""weft stages: print the flow, from the one tuple that says it."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from pipeline.flow import FLOW


def main(argv: Sequence[str] | None = None) -> int:
    """Print each step with its stages, tables and recipe sections."""
    argparse.ArgumentParser(prog="weft stages", description=__doc__).parse_args(argv)
    for step in FLOW:
        print(f"{step.name}\n    {step.doc}")
        print(f"    stages:   {', '.join(step.stages)}")
        print(f"    writes:   {', '.join(table.name for table in step.tables) or 'tars, indexes, manifest'}")
        print(f"    after:    {', '.join(step.after) or 'the archives'}")
        print(f"    sections: {', '.join(step.sections) or 'none: its rows belong to every recipe'}")
    return 0
