"""weft demo: the whole flow on a small crawl that is drawn by code, images served from loopback; no network."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import time
from collections.abc import Sequence
from pathlib import Path

from jobs import run
from jobs.arguments import local, whole, writable
from jobs.open_run import open_run
from pipeline.recipe import load
from schemas.errors import ConfigError


def main(argv: Sequence[str] | None = None) -> int:
    """Write the crawl, run the recipe, say what came out."""
    options = argparse.ArgumentParser(prog="weft demo", description=__doc__)
    options.add_argument(
        "--out", type=local("--out"), default=Path("out/demo"), metavar="DIR", help="default: out/demo"
    )
    options.add_argument(
        "--pages", type=whole("--pages"), default=60, help="pages of the crawl (default 60: one of every kind)"
    )
    options.add_argument("--seed", type=int, default=1, help="another seed is another crawl")
    options.add_argument("--recipe", default="tiny", help="default: tiny")
    options.add_argument("--master", default=None, help="Spark master (default: local[*])")
    options.add_argument("--set", dest="overrides", action="append", default=[], metavar="SECTION.KEY=VALUE")
    options.add_argument("--fresh", action="store_true", help="delete what an earlier demo left in DIR first")
    arguments = options.parse_args(argv)
    load(arguments.recipe, arguments.overrides)  # before a crawl is drawn for it
    from demo.crawl import write_crawl
    from demo.server import running

    if arguments.fresh and arguments.out.exists():
        if not (arguments.out / "crawl").is_dir():
            raise ConfigError(f"--fresh: {arguments.out} was not made by weft demo and is not deleted")
        shutil.rmtree(arguments.out)
    writable(arguments.out)
    started = time.monotonic()
    crawl = write_crawl(arguments.out / "crawl", pages=arguments.pages, seed=arguments.seed)
    print(
        f"sample crawl: {crawl.pages} pages in {len(crawl.warcs)} WARC files, {crawl.image_urls} image URLs,"
        f" drawn in {time.monotonic() - started:.1f} s: {crawl.folder}"
    )
    result = arguments.out / "run"
    command = ["--recipe", arguments.recipe, "--in", *map(str, crawl.warcs), "--out", str(result)]
    command += ["--master", arguments.master] if arguments.master else []
    for override in arguments.overrides:
        command += ["--set", override]
    with running(crawl.folder) as server:
        os.environ["http_proxy"] = os.environ["https_proxy"] = server.url
        code = run.main(command)
        asked = server.requests.total()
    print(f"the images' server on loopback answered {asked:,} requests")
    summarise(result)
    return code


def summarise(folder: Path) -> None:
    """What was written, where, how long each stage took, and the next command to try."""
    facts = json.loads((folder / "report" / "report.json").read_text("utf-8"))
    totals = facts["totals"]
    print(f"\nwritten to {folder}:")
    print(
        f"  {totals['documents']:,} documents with {totals['images']:,} images in {totals['shards']} shards,"
        f" {totals['words']:,} words, {totals['tokens']:,} tokens ({totals['tokenizer']})"
    )
    print(f"  languages: {', '.join(f'{name} {count}' for name, count in totals['languages'].items())}")
    print("\nseconds of each step:")
    for step in open_run(folder).steps:
        cost = next(cost for cost in facts["costs"] if cost["step"] == step.name)
        print(f"  {step.name:24}{cost['seconds']:8.1f}  {', '.join(step.stages)}")
    print("\nwhat became of the documents:")
    for entry in facts["steps"]:
        if entry["unit"] == "document":
            reasons = ", ".join(f"{reason} {count}" for reason, count in entry["dropped"].items())
            print(f"  {entry['step']:14}{entry['in']:5} in {entry['out']:5} out   {reasons}")
    weft = ".venv/bin/weft" if Path(".venv/bin/weft").exists() else "weft"
    print(f"\nlook at it:  {weft} show {folder}")
    print(f"             open {folder / 'report' / 'index.html'} in a browser")
    print(
        f"your own:    {weft} run --recipe weft --in PATHS --out out/mine --set fetch.contact=https://YOUR.SITE/about"
    )
