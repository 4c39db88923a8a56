"""What is kept of rounds of fetching beside the ledger: forecasts, what was left, how often it was opened again."""

from __future__ import annotations

import json
from typing import Any

from pipeline.commits import StepFolder, put_if_absent

STEP = "04_images/ledger"


def deferred(folder: StepFolder) -> int:
    """URLs that the last round did not reach, from its commit records alone."""
    rounds = [commit for name, commit in folder.commits().items() if _is_of_round(name)]
    last = max((commit.slice[:5] for commit in rounds), default="")
    return sum(commit.extra.get("statuses", {}).get("deferred", 0) for commit in rounds if commit.slice[:5] == last)


def editions(folder: StepFolder) -> int:
    """How often the step was opened again; part of what its rows depend on."""
    return sum(1 for _ in (folder.path / "_again").glob("*.json"))


def forecasts(folder: StepFolder) -> list[dict[str, Any]]:
    """What was said of each round before it began."""
    return [json.loads(path.read_bytes()) for path in sorted((folder.path / "_rounds").glob("*.json"))]


def _is_of_round(name: str) -> bool:
    return name[:1] == "r" and name[1:5].isdigit() and name[5:6] == "-"


def keep_forecast(folder: StepFolder, number: int, facts: dict[str, Any]) -> None:
    """Keep what is said of a round before it begins."""
    put_if_absent(folder.path / "_rounds" / f"{number:04d}.json", json.dumps(facts).encode())


def reopen(folder: StepFolder) -> None:
    """Let the step count as not done, and what depends on it."""
    put_if_absent(folder.path / "_again" / f"{editions(folder):04d}.json", b"{}")
