"""Scores one extractor on the gold pages, in a process of its own; prints JSON. Called by `run.py`."""

from __future__ import annotations

import argparse
import hashlib
import importlib.metadata
import importlib.util
import json
import logging
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from benchmarks.extraction.extractors import EXTRACTORS


def load_scorer(gold: Path) -> ModuleType:
    """The scorer that comes with the gold pages."""
    spec = importlib.util.spec_from_file_location("extract_eval", gold.parent / "tools" / "extract_eval.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def half_of(name: str) -> str:
    """`tune` or `check`: which half of the gold a page is in, by the SHA-256 of its name."""
    return "tune" if hashlib.sha256(name.encode()).digest()[0] % 2 == 0 else "check"


def main() -> None:
    """Score, print."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("extractor", choices=EXTRACTORS)
    options.add_argument("--gold", type=Path, required=True)
    options.add_argument("--half", choices=("tune", "check", "all"), default="all")
    arguments = options.parse_args()
    logging.disable(logging.CRITICAL)
    scorer = load_scorer(arguments.gold)
    rows = scorer.rows
    if arguments.half != "all":
        scorer.rows = lambda *a: (row for row in rows(*a) if half_of(row["name"]) == arguments.half)
    result: dict[str, Any] = scorer.evaluate(arguments.gold, EXTRACTORS[arguments.extractor]())
    pages = sum(part["pages"] for part in result.values())
    seconds = sum(part["pages"] / part["pages_per_cpu_second"] for part in result.values())
    for part in result.values():
        part["worst"] = part["worst"][:10]
    print(json.dumps({"sets": result, "pages_per_cpu_second": pages / seconds, "versions": versions()}))


def versions() -> dict[str, str]:
    """Of what this process may have used."""
    found = {"python": sys.version.split()[0]}
    for name in ("selectolax", "trafilatura", "readability-lxml", "resiliparse", "beautifulsoup4", "lxml"):
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


if __name__ == "__main__":
    main()
