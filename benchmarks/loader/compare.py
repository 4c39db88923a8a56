"""The loader beside its peers, each in its own environment, in turn, repeated: `python benchmarks/loader/compare.py`.

Environments: benchmarks/peers/NAME.txt. `run.py` puts the table below its own.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
PEERS = ("webdataset", "megatron-energon", "mosaicml-streaming", "litdata")
MODES = {
    "null": ("weft", *PEERS),
    "step": ("weft", *PEERS),
    "packed": PEERS,
    "bytes": ("weft", "webdataset", "megatron-energon"),
}
SETTINGS: dict[str, Any] = {"documents": 300, "repeats": 2, "seconds": 5.0}
Runs = dict[tuple[str, str], list[dict[str, Any]]]
"""Facts of the repeats, by loader and mode."""
PACKED = "-packed"
"""Ends the name of a peer's folder that holds our packs."""


def python_of(name: str) -> str:
    """The interpreter of a loader's environment."""
    if name == "weft":
        return sys.executable
    command = [sys.executable, str(ROOT / "benchmarks/peers/environment.py"), name]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def measure(name: str, mode: str, data: Path, work: Path, seconds: float) -> dict[str, Any]:
    """One run of one.py; {} with the error printed where the peer fails."""
    if mode == "packed":
        data, folder, mode = work / "packed", f"{name}{PACKED}", "step"
    else:
        folder = name
    return run_one(name, mode, data, work / folder, seconds)


def run_one(name: str, mode: str, data: Path, folder: Path, seconds: float) -> dict[str, Any]:
    """The facts that one.py prints, or {}."""
    command = [
        python_of(name),
        str(ROOT / "benchmarks/loader/one.py"),
        name,
        mode,
        str(data),
        str(folder),
        str(seconds),
    ]
    env = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore"}
    done = subprocess.run(command, capture_output=True, text=True, env=env, timeout=600, check=False)
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if not lines:
        print(name, mode, "failed:", done.stderr[-600:])
        return {}
    facts: dict[str, Any] = json.loads(lines[-1])
    return facts


def version_of(name: str) -> str:
    """The pinned version."""
    if name == "weft":
        return "this commit"
    pins = (ROOT / f"benchmarks/peers/{name}.txt").read_text().splitlines()
    return next(line.split("==")[1] for line in pins if line.startswith(f"{name}=="))


def measure_all(documents: int, repeats: int, seconds: float) -> Runs:
    """The facts of every loader in every mode, in turn."""
    sys.path.insert(0, str(ROOT))
    from benchmarks.loader.data import as_packed, whole

    work = Path(tempfile.gettempdir()) / f"weft-loader-benchmark-{documents}"
    data = whole(work / "shards", documents, 4)
    packed = as_packed(work / "packed", data, seq_len=2048, image_tokens=64)
    for name in PEERS[1:]:
        for shards, folder in ((data, work / name), (packed, work / f"{name}{PACKED}")):
            if not folder.exists():
                print("prepare", name, run_one(name, "prepare", shards, folder, 0))
    runs: Runs = {}
    for _ in range(repeats):
        for mode, of in MODES.items():
            for name in of:
                facts = measure(name, mode, data, work, seconds)
                if facts:
                    runs.setdefault((name, mode), []).append(facts)
    return runs


def median(runs: Runs, name: str, mode: str, above: str, below: str) -> float | None:
    """Of the ratio of two facts; None where the loader did not run."""
    values = [r[above] / r[below] for r in runs.get((name, mode), []) if r[below]]
    return statistics.median(values) if values else None


COLUMNS = {
    "CPU-s per 1,000 useful tokens, null step": ("null", "cpu_s", "useful", 1e3),
    "images per 1,000 useful tokens": ("null", "images", "useful", 1e3),
    "CPU-ms an image": ("null", "cpu_s", "images", 1e3),
    "useful tokens/s, step of 20 ms a row": ("step", "useful", "wall_s", 1),
    "the same, given our packs": ("packed", "useful", "wall_s", 1),
    "bytes only, MB per CPU-s": ("bytes", "useful", "cpu_s", 1e-6),
}


def table(runs: Runs) -> list[str]:
    """Lines of Markdown."""
    repeats = max(map(len, runs.values()), default=0)
    head = [
        f"Medians of {repeats}. Same decode function for all (Pillow, 500 px to 384 px); peers pad or cut a document "
        "to 2,048 tokens.",
        "",
        "| loader | " + " | ".join(COLUMNS) + " |",
        "|---" * (len(COLUMNS) + 1) + "|",
    ]
    for name in ("weft", *PEERS):
        values = [(median(runs, name, *of), scale) for *of, scale in COLUMNS.values()]
        cells = [f"{value * scale:,.4g}" if value is not None else "-" for value, scale in values]
        head.append(f"| {name} {version_of(name)} | " + " | ".join(cells) + " |")
    return head


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__)
    for name, value in SETTINGS.items():
        options.add_argument(f"--{name}", type=type(value), default=value)
    print("\n".join(table(measure_all(**vars(options.parse_args())))))


if __name__ == "__main__":
    main()
