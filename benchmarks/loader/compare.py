"""The loader beside its peers, each in its own environment, in turn, repeated: `python benchmarks/loader/compare.py`.

Writes a dated table beside this file. Environments: benchmarks/peers/NAME.txt.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
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


def main() -> None:
    """Run all, print and write the table."""
    sys.path.insert(0, str(ROOT))
    from benchmarks.loader.data import as_packed, whole

    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--documents", type=int, default=300)
    options.add_argument("--repeats", type=int, default=3)
    options.add_argument("--seconds", type=float, default=8)
    args = options.parse_args()
    work = Path(tempfile.gettempdir()) / f"weft-loader-benchmark-{args.documents}"
    data = whole(work / "shards", args.documents, 4)
    packed = as_packed(work / "packed", data, seq_len=2048, image_tokens=64)
    names = ("weft", *PEERS)
    for name in PEERS[1:]:
        for shards, folder in ((data, work / name), (packed, work / f"{name}{PACKED}")):
            if not folder.exists():
                print("prepare", name, run_one(name, "prepare", shards, folder, 0))
    runs: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for _ in range(args.repeats):
        for mode, of in MODES.items():
            for name in of:
                facts = measure(name, mode, data, work, args.seconds)
                if facts:
                    runs.setdefault((name, mode), []).append(facts)
    table = [report(runs, name) for name in names]
    command = f"--documents {args.documents} --repeats {args.repeats} --seconds {args.seconds:g}"
    head = [
        f"# The loader beside its peers, {datetime.date.today().isoformat()}",
        "",
        f"`python benchmarks/loader/compare.py {command}`, {os.cpu_count()} cores shared with other work "
        f"({platform.machine()}), Python {platform.python_version()}; medians of {args.repeats}. Same decode function "
        "for all (Pillow, 500 px to 384 px); peers pad or cut a document to 2,048 tokens.",
        "",
        "| loader | CPU-s per 1,000 useful tokens, null step | images per 1,000 useful tokens | CPU-ms an image "
        "| useful tokens/s, step of 20 ms a row | the same, given our packs | bytes only, MB per CPU-s |",
        "|---|---|---|---|---|---|---|",
    ]
    text = "\n".join([*head, *table, ""])
    print(text)
    (Path(__file__).parent / "results.md").write_text(text)


def report(runs: dict[tuple[str, str], list[dict[str, Any]]], name: str) -> str:
    """A line of the table."""

    def median(mode: str, above: str, below: str, scale: float) -> str:
        values = [r[above] / r[below] * scale for r in runs.get((name, mode), []) if r[below]]
        return f"{statistics.median(values):,.4g}" if values else "-"

    cells = [
        median("null", "cpu_s", "useful", 1e3),
        median("null", "images", "useful", 1e3),
        median("null", "cpu_s", "images", 1e3),
        median("step", "useful", "wall_s", 1),
        median("packed", "useful", "wall_s", 1),
        median("bytes", "useful", "cpu_s", 1e-6),
    ]
    return f"| {name} {version_of(name)} | " + " | ".join(cells) + " |"


if __name__ == "__main__":
    main()
