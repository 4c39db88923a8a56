"""All benchmarks, or those that are named, one after the other; what `make bench` runs.

    python benchmarks/run.py [NAME ...] [--quick] [--list]

Each is a command of its own that prints its table; what it printed is also kept in build/bench/NAME.txt. `--quick`
measures less: enough to see that everything works, too little to quote. What cannot run here (no ../shared, no nginx,
no GPU) is named at the end with the reason. The exit code is 1 where one failed.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent


@dataclass(frozen=True, slots=True)
class Benchmark:
    """A script below this folder, its arguments, and what it cannot do without."""

    what: str
    script: str
    arguments: tuple[str, ...] = ()
    quick: tuple[str, ...] = ()
    needs: str = ""
    """A path beside the checkout, or a program."""

    def missing(self) -> str | None:
        """Why it cannot run here, or None."""
        if not (HERE / self.script).exists():
            return f"benchmarks/{self.script} is not there"
        if self.needs.startswith("../"):
            return None if (ROOT / self.needs).exists() else f"needs {self.needs}"
        return None if not self.needs or shutil.which(self.needs) else f"needs {self.needs}"


BENCHMARKS = {
    "trainer": Benchmark(
        "packing, summary tokens, frozen or full: time, memory and loss in miniature",
        "trainer/run.py",
        quick=("--steps", "5", "--pages", "120"),
    ),
    "pipeline": Benchmark("speed and memory of every step, beside datatrove", "pipeline/run.py", (), ("--quick",)),
    "report": Benchmark(
        "the report of made-up tables", "report/run.py", ("--documents", "1000000"), ("--documents", "20000")
    ),
    "extraction": Benchmark(
        "quality and speed of extraction beside seven extractors",
        "extraction/run.py",
        quick=("--repeat", "1"),
        needs="../shared/gold",
    ),
    "text": Benchmark(
        "measures of text beside datatrove's filters",
        "text/run.py",
        quick=("--documents", "60", "--repeat", "1"),
        needs="../shared/corpus",
    ),
    "recipes": Benchmark("all recipes on one crawl", "recipes/run.py", quick=("--recipes", "weft", "--no-docs")),
    "minhash": Benchmark("signatures beside datasketch's; planted pairs", "text/minhash.py", quick=("--pairs", "200")),
    "near_duplicates": Benchmark(
        "the near-duplicate step at 250,000 and 1,000,000 documents, groups beside datasketch's",
        "text/near_duplicates.py",
        quick=("--sizes", "2000", "8000", "--one-text", "4000", "--groups", "4000"),
    ),
    "images": Benchmark("measures of images beside Pillow + imagehash", "images/measures.py", quick=("--repeat", "1")),
    "near": Benchmark("near-duplicate search over 1,000,000 hashes", "images/near.py", quick=("--images", "20000")),
    "fetch": Benchmark(
        "fetching beside img2dataset", "images/fetch.py", ("speed",), ("speed", "--images", "500"), needs="nginx"
    ),
    "models": Benchmark("what scoring costs", "models/run.py", quick=("--pages", "10")),
    "loader": Benchmark("every promise of the loader, beside its peers", "loader/run.py", quick=("--quick",)),
    "gpu": Benchmark(
        "decoding and the kernel on a GPU", "loader/gpu.py", quick=("--images", "256"), needs="nvidia-smi"
    ),
}


def run(name: str, *, quick: bool) -> str | None:
    """Run one and show what it prints; why it did not run or end well, or None."""
    benchmark = BENCHMARKS[name]
    reason = benchmark.missing()
    if reason:
        return f"skipped: {reason}"
    print(f"\n== {name}: {benchmark.what}", flush=True)
    kept = ROOT / "build/bench" / f"{name}.txt"
    kept.parent.mkdir(parents=True, exist_ok=True)
    arguments = benchmark.quick if quick and benchmark.quick else benchmark.arguments
    command = [sys.executable, str(HERE / benchmark.script), *arguments]
    around = os.environ | {"PYTHONUNBUFFERED": "1", "PYTHONPATH": str(ROOT)}
    started = time.monotonic()
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", cwd=ROOT, env=around
    )
    assert process.stdout is not None
    with kept.open("w", encoding="utf-8") as out:
        for line in process.stdout:
            print(line, end="", flush=True)
            out.write(line)
    code = process.wait()
    print(f"== {name}: {time.monotonic() - started:.0f} s", flush=True)
    return f"failed with exit code {code}; see build/bench/{name}.txt" if code else None


def main() -> int:
    """Run what is named, or all; what did not run comes last."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("names", nargs="*", metavar="NAME", help=f"of: {', '.join(BENCHMARKS)}; none: all")
    options.add_argument("--quick", action="store_true", help="measure less")
    options.add_argument("--list", action="store_true", help="say what there is and what can run here")
    arguments = options.parse_args()
    unknown = [name for name in arguments.names if name not in BENCHMARKS]
    if unknown:
        options.error(f"no benchmark {', '.join(unknown)}; there are {', '.join(BENCHMARKS)}")
    if arguments.list:
        for name, benchmark in BENCHMARKS.items():
            print(f"{name:12}{benchmark.what}{f' ({reason})' if (reason := benchmark.missing()) else ''}")
        return 0
    outcomes = {name: run(name, quick=arguments.quick) for name in arguments.names or BENCHMARKS}
    print()
    for name, reason in outcomes.items():
        print(f"{name:12}{reason or 'done'}")
    return int(any(reason and reason.startswith("failed") for reason in outcomes.values()))


if __name__ == "__main__":
    sys.exit(main())
