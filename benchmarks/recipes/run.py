"""Runs every shipped recipe over one crawl and writes the table of docs/recipes.md.

    python benchmarks/recipes/run.py [--recipes weft,obelics] [--out DIR] [--keep] [--no-docs]

The crawl is ../shared/corpus, whose images ../shared/tools/tiny_internet.py serves; without it, the sample that
`weft demo` draws. All recipes run in one folder, as a curator who compares them would: an image URL is asked once
and a file measured once, whatever the number of recipes, so the seconds of the first include what the others find done;
the report is left out. Counts are taken from the shards. No CLIP model is named, so nothing falls for a score.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SHARED = Path(os.environ.get("WEFT_SHARED", ROOT.parent / "shared"))
PAGE = ROOT / "docs" / "recipes.md"
BEGIN, END = "<!-- table: benchmarks/recipes/run.py -->", "<!-- end of table -->"
RECIPES = ("weft", "obelics", "m3w", "mmc4", "mmc4_ff", "kosmos1", "omnicorpus", "mint1t")
SETTINGS = ("clip.model=none", "spark.driver_memory=2g")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What the shards of a recipe hold."""

    recipe: str
    documents: int
    images: int
    by_url: int
    by_hash: int
    by_bytes: int
    tokens: int
    strict: int | None
    num_bytes: int
    seconds: float

    @property
    def cells(self) -> list[str]:
        """As the table shows it."""

        def share(count: int) -> str:
            return f"{100 * count / self.images:.1f} %" if self.images else ""

        documents = max(1, self.documents)
        return [
            f"`{self.recipe}`",
            f"{self.documents:,}",
            f"{self.images:,}",
            f"{self.images / documents:.2f}",
            share(self.by_url),
            share(self.by_bytes),
            share(self.by_hash),
            f"{self.by_hash / documents:.2f}",
            f"{self.tokens:,}",
            f"{self.tokens / documents:,.0f}",
            "" if self.strict is None else f"{self.strict:,}",
            f"{self.num_bytes / 1e6:,.1f} MB",
            f"{self.seconds:,.0f}",
        ]


HEAD = (
    "recipe",
    "documents",
    "images",
    "images a document",
    "unique by URL",
    "unique by bytes",
    "unique by perceptual hash",
    "unique pictures a document",
    "tokens",
    "tokens a document",
    "strict tier",
    "shards",
    "seconds",
)


def main() -> int:
    """Run, measure, write."""
    options = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    options.add_argument("--recipes", default=",".join(RECIPES))
    options.add_argument("--out", type=Path, help="folder of the run (default: a temporary one)")
    options.add_argument("--keep", action="store_true", help="leave the folder as it is")
    options.add_argument("--no-docs", action="store_true", help="only print the table")
    options.add_argument("--master", default="local[*]")
    arguments = options.parse_args()
    out = arguments.out or Path(tempfile.mkdtemp(prefix="weft-recipes-"))
    available = {path.stem for path in (ROOT / "recipes").glob("*.toml")}
    names = [name for name in arguments.recipes.split(",") if name in available]
    rows = []
    with crawl(out) as (what, archives, environment):
        for name in names:
            rows.append(run(name, archives, out / "run", environment, arguments.master))
            print(json.dumps(asdict(rows[-1])), flush=True)
    table = "\n".join([f"Measured on {what}.\n", *markdown(rows)])
    print(table)
    if not arguments.no_docs:
        text = PAGE.read_text("utf-8")
        before, after = text.partition(BEGIN)[0], text.partition(END)[2]
        PAGE.write_text(f"{before}{BEGIN}\n\n{table}\n\n{END}{after}", "utf-8")
    if not arguments.keep and not arguments.out:
        shutil.rmtree(out)
    return 0


def markdown(rows: list[Row]) -> list[str]:
    """The rows as a table."""
    lines = [HEAD, tuple("---" for _ in HEAD), *(tuple(row.cells) for row in rows)]
    return ["| " + " | ".join(line) + " |" for line in lines]


def run(recipe: str, archives: list[str], out: Path, environment: dict[str, str], master: str) -> Row:
    """Run a recipe and count what its shards hold."""
    settings = [part for setting in SETTINGS for part in ("--set", setting)]
    command = [sys.executable, "-m", "jobs.cli", "run", "--recipe", recipe, "--out", str(out), "--master", master]
    command.append("--no-report")
    started = time.monotonic()
    log = out.parent / f"{recipe}.log"
    out.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as file:
        done = subprocess.run(
            [*command, *settings, "--in", *archives], cwd=ROOT, env=environment, stdout=file, stderr=file, check=False
        )
    if done.returncode:
        raise SystemExit(f"{recipe} ended with {done.returncode}:\n{log.read_text()[-3_000:]}")
    return count(recipe, out / "shards", time.monotonic() - started)


def count(recipe: str, shards: Path, seconds: float) -> Row:
    """Counts from the JSON of every document."""
    from pipeline.shards.forget_shards import documents_of

    manifest = json.loads((shards / "manifest.json").read_text())
    urls, files, pictures, tiers = set(), set(), set(), list[str]()
    for entry in manifest["shards"]:
        for document in documents_of(shards, entry["name"]):
            tiers.append(document["general_metadata"]["tier"])
            for facts in filter(None, document["metadata"]):
                urls.add(facts["url"])
                files.add(facts["original_sha256"])
                pictures.add(facts["phash"])
    totals = manifest["totals"]
    return Row(
        recipe=recipe,
        documents=totals["documents"],
        images=totals["images"],
        by_url=len(urls),
        by_bytes=len(files),
        by_hash=len(pictures),
        tokens=totals["tokens"],
        strict=tiers.count("strict") if any(tiers) else None,
        num_bytes=sum(entry["bytes"] for entry in manifest["shards"]),
        seconds=seconds,
    )


@contextlib.contextmanager
def crawl(out: Path) -> Iterator[tuple[str, list[str], dict[str, str]]]:
    """(what it is, archives, environment) of the crawl, its images served meanwhile."""
    environment = {**os.environ, "no_proxy": "127.0.0.1,localhost"}
    corpus = SHARED / "corpus"
    if not corpus.is_dir():
        from demo.crawl import write_crawl
        from demo.server import running

        made = write_crawl(out / "crawl", pages=60, seed=0, warcs=2)
        with running(made.folder) as proxy:
            environment |= {"http_proxy": proxy.url, "https_proxy": proxy.url}
            yield "the drawn sample of 60 pages", [str(path) for path in made.warcs], environment
        return
    out.mkdir(parents=True, exist_ok=True)
    ready = out / "ready.json"
    tool = SHARED / "tools" / "tiny_internet.py"
    command = [sys.executable, str(tool), "--corpus", str(corpus), "--ready", str(ready), "--work", str(out / "ca")]
    with subprocess.Popen([*command, "--seconds", "20000"], stdout=subprocess.DEVNULL) as server:
        try:
            while not (ready.exists() and ready.read_text()):
                if server.poll() is not None:
                    raise SystemExit("tiny_internet.py ended before it listened")
                time.sleep(0.05)
            environment |= json.loads(ready.read_text())["env"]
            archives = [str(path) for path in sorted((corpus / "pages").glob("*.warc.gz"))]
            yield "1,094 real pages of 8 sites (../shared/corpus), images served from loopback", archives, environment
        finally:
            server.terminate()


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    sys.exit(main())
