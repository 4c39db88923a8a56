"""Two runs beside each other, from their `report.json`: totals, funnel, distributions, recipes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from schemas.errors import InputError

TOTALS = {"documents": "", "images": "", "words": "", "tokens": "", "bytes": "B", "shards": "", "seconds": "s"}
"""With their units."""
UNIQUE = {"by_url": "by URL", "by_bytes": "by bytes", "by_phash": "by perceptual hash"}


def read(folder: Path) -> dict[str, Any]:
    """What `report.json` of a run's folder holds.

    Raises:
        InputError: there is none, or it was written by a version that has not the figures.
    """
    path = folder / "report" / "report.json"
    if not path.is_file():
        raise InputError(f"{folder} has no report (no report/report.json); run weft report {folder} first")
    try:
        facts: dict[str, Any] = json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise InputError(f"{path} is not JSON: {error}; run weft report {folder} again") from error
    if missing := {"totals", "steps", "recipe", "distributions", "duplicates"} - facts.keys():
        raise InputError(f"{path} lacks {', '.join(sorted(missing))}; run weft report {folder} again")
    return facts


def compare(mine: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """Rows of name, unit, here, there, change, by section; change is a share of there, None where that is nothing."""
    return {
        "names": [_name(mine), _name(other)],
        "totals": [
            _row(name, mine["totals"].get(name), other["totals"].get(name), unit) for name, unit in TOTALS.items()
        ]
        + [
            _row(f"unique images {UNIQUE[name]}", value, other["totals"]["unique_images"].get(name))
            for name, value in mine["totals"]["unique_images"].items()
        ],
        "means": [
            _row(f"{facts['label']}, {which}", facts[which], _of(other, section, name, which), _unit(facts))
            for section in ("documents", "images", "clip")
            for name, facts in mine["distributions"][section].items()
            for which in ("median", "mean")
            if facts["number"]
        ],
        "steps": _steps(mine["steps"], other["steps"]),
        "recipe": _recipes(mine["recipe"]["sections"], other["recipe"]["sections"]),
    }


def _steps(mine: list[dict[str, Any]], other: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """By step and unit: what came out, and each reason; reasons of either side."""
    theirs = {(entry["step"], entry["unit"]): entry for entry in other}
    found = []
    for entry in mine:
        match = theirs.get((entry["step"], entry["unit"]), {"in": None, "out": None, "dropped": {}})
        reasons = sorted({*entry["dropped"], *match["dropped"]})
        rows = [_row("in", entry["in"], match["in"]), _row("out", entry["out"], match["out"])]
        rows += [_row(reason, entry["dropped"].get(reason, 0), match["dropped"].get(reason, 0)) for reason in reasons]
        found.append({"step": entry["step"], "unit": entry["unit"], "rows": rows})
    return found


def _recipes(mine: dict[str, Any], other: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Keys whose values differ: (section.key, here, there)."""
    flat = [
        {f"{section}.{key}": value for section, body in sections.items() for key, value in body.items()}
        for sections in (mine, other)
    ]
    keys = sorted({*flat[0], *flat[1]})
    said = [
        (key, *(json.dumps(side[key], ensure_ascii=False) if key in side else "(default)" for side in flat))
        for key in keys
    ]
    return [(key, here, there) for key, here, there in said if here != there]


def _of(facts: dict[str, Any], section: str, name: str, which: str) -> float | None:
    value: float | None = facts["distributions"].get(section, {}).get(name, {}).get(which)
    return value


def _name(facts: dict[str, Any]) -> str:
    return f"{facts['recipe']['name']}@{facts['recipe']['fingerprint']}"


def _unit(facts: dict[str, Any]) -> str:
    """The unit where the label does not say it."""
    return "" if facts["unit"] in facts["label"].lower() else str(facts["unit"])


def _row(name: str, here: float | None, there: float | None, unit: str = "") -> dict[str, Any]:
    change = (here - there) / there if here is not None and there else None
    return {"name": name, "unit": unit, "here": here, "there": there, "change": change}
