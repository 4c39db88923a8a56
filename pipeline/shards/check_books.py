"""Holds the manifest against what else the output of a run says of its shards: commit records and the report."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pipeline.books import Entry, Join, check
from pipeline.commits import StepFolder
from pipeline.shards.manifest import COUNTED
from pipeline.shards.place import Place
from schemas.errors import BooksDoNotBalance


def check_books(place: Place, manifest: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """(file, what is wrong) of the records and the report beside the shards; nothing where there are none."""
    if not place.is_local:
        return
    yield from _records(place.folder / "_work", manifest)
    report = place.folder.parent / "report" / "report.json"
    if report.is_file():
        yield from (("report.json", detail) for detail in _report(report, manifest))


def _records(work: Path, manifest: dict[str, Any]) -> Iterator[tuple[str, str]]:
    commits = [commit for folder in work.glob("*") for commit in StepFolder(folder).commits().values()]
    recorded = [commit.extra["shard"] for commit in commits if "shard" in commit.extra]
    if recorded and sorted(recorded, key=str) != sorted(manifest["shards"], key=str):
        yield "manifest.json", "the run's commit records speak of other shards: is it the manifest of another run?"


def _report(path: Path, manifest: dict[str, Any]) -> Iterator[str]:
    try:
        facts = json.loads(path.read_text("utf-8"))
        entries = [
            Entry(step=e["step"], unit=e["unit"], count_in=e["in"], count_out=e["out"], dropped=dict(e["dropped"]))
            for e in facts["steps"]
        ]
        joins = [Join(name=j["name"], left=j["left"], right=j["right"]) for j in facts["joins"]]
        recipe, totals = facts["recipe"], facts["totals"]
    except (ValueError, KeyError, TypeError) as error:
        yield f"it cannot be read: {error!r}"
        return
    try:
        check(entries, joins)
    except BooksDoNotBalance as error:
        yield str(error)
    if recipe["fingerprint"] != manifest["recipe"]["fingerprint"]:
        yield f"it is of recipe {recipe['name']}@{recipe['fingerprint']}, the shards are not"
    for name in COUNTED:
        if totals[name] != manifest["totals"][name]:
            yield f"{name}: {totals[name]:,}, the manifest says {manifest['totals'][name]:,}"
    out = {entry.unit: entry.count_out for entry in entries if entry.step == "shards"}
    for unit, name in (("document", "documents"), ("reference", "images")):
        if unit in out and out[unit] != manifest["totals"][name]:
            yield f"{out[unit]:,} {unit}s go into the shards, the manifest says {manifest['totals'][name]:,}"
