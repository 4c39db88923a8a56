"""Quality and speed of extraction on the gold pages, ours and the peers', in one run.

    python benchmarks/extraction/run.py [--gold ../shared/gold] [--repeat 3] [--keep]

Every extractor runs in a process of its own, one after the other, `--repeat` times round; peers in the environment
that `benchmarks/peers/extraction.txt` pins. Quality is that of the first round (it is the same in all), speed the
median of the rounds in pages per CPU second of the extractor alone. Ours is also scored on the two halves of the
gold: `tune`, on which its constants were tuned, and `check`. `--keep` writes the result, dated, into `results/`.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from benchmarks.extraction.extractors import EXTRACTORS  # noqa: E402
from benchmarks.peers.environment import python_of  # noqa: E402

TARGETS = {
    "readability text F1": 0.970,
    "readability image F1": 0.930,
    "readability placed": 0.975,
    "scrapinghub F1": 0.960,
    "trafilatura snippet F1": 0.940,
    "times trafilatura": 5.0,
}


def score(name: str, gold: Path, half: str = "all") -> dict[str, Any]:
    """One extractor, one round."""
    python = sys.executable if name == "weft" else str(python_of("extraction"))
    script = str(Path(__file__).with_name("score_one.py"))
    command = [python, "-W", "ignore", script, name, "--gold", str(gold), "--half", half]
    answer = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT)
    result: dict[str, Any] = json.loads(answer.stdout)
    return result


def figures(result: dict[str, Any]) -> dict[str, float]:
    """The columns of the table."""
    read, hub, traf = (result["sets"][name] for name in ("readability", "scrapinghub", "trafilatura"))
    return {
        "readability text F1": read["f1"],
        "readability image P": read["image_precision"],
        "readability image R": read["image_recall"],
        "readability image F1": read["image_f1"],
        "readability placed": read["placed"],
        "scrapinghub P": hub["precision"],
        "scrapinghub R": hub["recall"],
        "scrapinghub F1": hub["f1"],
        "trafilatura snippet F1": traf["f1"],
        "pages per CPU-s": result["pages_per_cpu_second"],
    }


def table(rows: dict[str, dict[str, float]]) -> str:
    """Markdown, a line an extractor."""
    columns = list(next(iter(rows.values())))
    lines = ["| extractor | " + " | ".join(columns) + " |", "|---" * (len(columns) + 1) + "|"]
    for name, row in rows.items():
        cells = [f"{row[c]:.0f}" if "CPU" in c else f"{row[c]:.3f}" for c in columns]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    """Run, print, keep."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--gold", type=Path, default=ROOT.parent / "shared" / "gold")
    options.add_argument("--repeat", type=int, default=3)
    options.add_argument("--keep", action="store_true")
    arguments = options.parse_args()
    rounds: dict[str, list[dict[str, Any]]] = {name: [] for name in EXTRACTORS}
    for _ in range(arguments.repeat):
        for name in EXTRACTORS:
            rounds[name].append(score(name, arguments.gold))
    rows = {name: figures(results[0]) for name, results in rounds.items()}
    for name, results in rounds.items():
        rows[name]["pages per CPU-s"] = statistics.median(r["pages_per_cpu_second"] for r in results)
    for half in ("tune", "check"):
        rows[f"weft, {half} half"] = figures(score("weft", arguments.gold, half))
    speed = {name: row["pages per CPU-s"] for name, row in rows.items()}
    reached = rows["weft"] | {"times trafilatura": speed["weft"] / speed["trafilatura"]}
    lines = [table(rows), "", "| target | | reached |", "|---|---|---|"]
    lines += [f"| {name} | {target} | {reached[name]:.3f} |" for name, target in TARGETS.items()]
    lines.append(f"\nOurs takes {speed['lexbor'] / speed['weft']:.1f} times as long as lexbor's parsing alone.")
    print("\n".join(lines))
    if arguments.keep:
        _keep(lines, rounds, rows)


def _keep(lines: list[str], rounds: dict[str, list[dict[str, Any]]], rows: dict[str, dict[str, float]]) -> None:
    day = datetime.now(UTC).date().isoformat()
    folder = Path(__file__).with_name("results")
    folder.mkdir(exist_ok=True)
    machine = f"{platform.machine()}, {platform.system()}, Python {platform.python_version()}"
    head = f"# Extraction on the gold pages, {day}\n\n{machine}; {len(rounds['weft'])} rounds.\n\n"
    (folder / f"{day}.md").write_text(head + "\n".join(lines) + "\n", encoding="utf-8")
    versions = rounds["trafilatura"][0]["versions"] | {"weft": rounds["weft"][0]["versions"]}
    kept = {"date": day, "machine": machine, "versions": versions, "rows": rows}
    (folder / f"{day}.json").write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
