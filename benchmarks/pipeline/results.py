"""Results of a day: one JSON file that parts are added to, and the page drawn from it."""

from __future__ import annotations

import json
import os
import platform
import statistics
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any

Facts = dict[str, Any]

GIB = 1 << 30


def machine() -> str:
    """Cores and memory, as far as they matter to another reader."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / GIB
    return f"{os.cpu_count()} cores, {memory:.0f} GiB memory, {platform.machine()}, Python {platform.python_version()}"


def versions() -> dict[str, str]:
    """The packages that a step's speed depends on most."""
    return {name: metadata.version(name) for name in ("pyspark", "pyarrow", "selectolax", "fastwarc", "numpy")}


def keep(folder: Path, name: str, part: str, found: Facts) -> Facts:
    """Add a part to the day's file, draw its page; all of the day."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.json"
    facts: Facts = json.loads(path.read_text("utf-8")) if path.exists() else {}
    facts |= {"date": name, "machine": machine(), "versions": versions(), part: found}
    path.write_text(json.dumps(facts, indent=1) + "\n", "utf-8")
    lines = [f"# Pipeline, speed and memory, {name}", "", f"{facts['machine']}. {_listed(facts['versions'])}.", ""]
    lines += [draw(facts[title]) + "\n" for title, draw in PARTS.items() if title in facts]
    (folder / f"{name}.md").write_text("\n".join(lines), "utf-8")
    return facts


def steps_table(found: Facts) -> str:
    """A line a step: rows, rate, CPU seconds, of which Python workers."""
    lines = [
        "| step | input rows | rows / s | CPU-s / 1,000 rows | of it in Python tasks | largest task |",
        "|---" * 6 + "|",
    ]
    for step in found["steps"]:
        rows = step["rows"]
        if not rows:
            lines.append(f"| {step['step']} | 0 {step['unit']}s | | | | |")
            continue
        each = 1_000 / rows
        cpu = max(step["cpu_seconds"], step["cpu_seconds_in_workers"])
        lines.append(
            f"| {step['step']} | {rows:,} {step['unit']}s | {rows / step['seconds']:.1f}"
            f" | {cpu * each:.2f} | {step['cpu_seconds_in_workers'] * each:.2f}"
            f" | {step['worker_peak_bytes'] / GIB:.2f} GiB |"
        )
    return "\n".join(lines)


def _run(title: str, found: Facts) -> str:
    peaks = ", ".join(f"{kind} {size / GIB:.2f} GiB" for kind, size in found["peak_bytes"].items())
    took = f"In all {found['seconds']:,.0f} s, {found['cpu_seconds']:,.0f} CPU seconds."
    return (
        f"## {title}\n\n{_read(found)}; weft {found.get('commit', '')}; load before: {found['load_before']}. {took}\n\n"
        f"Peak resident memory (of one process; tree: all at once): {peaks}.\n\n{steps_table(found)}"
        + (f"\n\n{found['note']}" if "note" in found else "")
    )


def _read(found: Facts) -> str:
    pages = f"{found['pages']:,} pages of the {found['pages_from']}, repeated" if "pages" in found else "The corpus"
    if found["pages_from"] == "sample" and "pages" not in found:
        pages = "The sample"
    return f"{pages}, in {found['files']} WARC file(s), {found['bytes'] / 1e6:,.0f} MB"


def peer_table(found: Facts) -> str:
    """A line a whole command."""
    names = ("who", "tasks", "pages", "seconds", "CPU seconds", "pages / CPU-s")
    lines = ["## 01_documents beside datatrove, whole commands\n", _about(found), ""]
    lines += [f"| {' | '.join(names)} |", "|---" * len(names) + "|"]
    lines += [
        f"| {run['who']} | {run['tasks']} | {run['pages']:,} | {run['seconds']:,.0f} | {run['cpu_seconds']:,.0f}"
        f" | {run['pages'] / run['cpu_seconds']:.1f} |"
        for run in found["runs"]
    ]
    return "\n".join(lines)


def warm_table(found: Facts) -> str:
    """A line each side: what a page costs when all is loaded, and the ratio."""
    names = ("who", "pages", "CPU-s / 1,000 pages, by round", "pages / CPU-s", "ours by theirs")
    lines = ["## 01_documents beside datatrove, once all is loaded\n", _about(found), ""]
    lines += [f"| {' | '.join(names)} |", "|---" * len(names) + "|"]
    rates = {}
    for who in dict.fromkeys(run["who"] for run in found["rounds"]):
        rounds = [run for run in found["rounds"] if run["who"] == who]
        each = [1_000 * run["cpu_seconds"] / run["pages"] for run in rounds]
        rates[who] = 1_000 / statistics.median(each)
        by_round = ", ".join(f"{cost:.1f}" for cost in each)
        ratio = rates["weft"] / rates[who]
        lines.append(f"| {who} | {rounds[0]['pages']:,} | {by_round} | {rates[who]:.1f} | {ratio:.1f} |")
    lines.append(
        "\n`en` keeps English only, as FineWeb does, and measures nothing of the other pages; `all` measures every page"
        " whose language is sure. Ours measures every page. Target: 5."
    )
    return "\n".join(lines)


def _about(found: Facts) -> str:
    load = f"load before: {found['load_before']}"
    return f"{_listed(found['versions'])}; weft {found.get('commit', '')}; {load}. In turn, same pages."


def _listed(names: dict[str, str]) -> str:
    return ", ".join(f"{name} {version}" for name, version in names.items())


PARTS: dict[str, Callable[[Facts], str]] = {
    "documents": lambda found: _run("01_documents and 02_unique, many pages", found),
    "one_file": lambda found: _run("01_documents, one large WARC", found),
    "steps": lambda found: _run("Every step", found),
    "peer_warm": warm_table,
    "peer": peer_table,
}
