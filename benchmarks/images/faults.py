"""The corpus with a network that misbehaves: what does not depend on it must not change by a byte.

    python benchmarks/images/faults.py [--shared ../shared] [--per-mille 300] [--recipe weft] [--out DIR]

Runs a recipe twice over the corpus's pages, images served by `tiny_internet.py`, without faults and with. Duplicates by
site and corpus are off, because a picture that did not come is no repeat of another. Each document none of whose image
URLs misbehaves for good must be the same in both, JSON and images, `count_in_corpus` aside. Prints how many documents
were compared and in how many pictures are missing; ends with 1 where one differs that should not.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pyarrow.parquet as pq

ROOT = Path(__file__).resolve().parents[2]
FOR_A_WHILE = ("503_once", "429_once")
SETTINGS = (
    *("clip.model=none", "nsfw.model=none", "dedup_images.max_on_site=0", "dedup_images.max_in_corpus=0"),
    *("fetch.host.rate=0.0", "fetch.limits={}", "spark.driver_memory=2g"),
)
Document = tuple[dict[str, Any], dict[str, bytes]]


@contextmanager
def internet(shared: Path, work: Path, per_mille: int) -> Iterator[dict[str, str]]:
    """The environment of a client of `tiny_internet.py`."""
    ready = work / "ready.json"
    ready.unlink(missing_ok=True)
    command = [sys.executable, str(shared / "tools" / "tiny_internet.py"), "--corpus", str(shared / "corpus")]
    command += ["--ready", str(ready), "--work", str(work / "certificates"), "--faults", str(per_mille)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            while not ready.exists() or not ready.read_text():
                assert process.poll() is None, "tiny_internet.py has ended"
                time.sleep(0.1)
            yield {**os.environ, **json.loads(ready.read_text())["env"], "no_proxy": "127.0.0.1,localhost"}
        finally:
            process.kill()


def run(shared: Path, work: Path, recipe: str, per_mille: int) -> Path:
    """The output folder of a run."""
    out = work / f"faults-{per_mille}"
    command = [sys.executable, "-m", "jobs.cli", "run", "--recipe", recipe, "--in", str(shared / "corpus" / "pages")]
    command += ["--out", str(out), "--master", "local[2]", *(part for each in SETTINGS for part in ("--set", each))]
    with internet(shared, work, per_mille) as environment:
        subprocess.run(command, cwd=ROOT, env=environment, check=True)
    return out


def documents(out: Path) -> dict[str, Document]:
    """The JSON, without `count_in_corpus`, and the images of each document of the shards."""
    found: dict[str, Document] = {}
    for path in sorted((out / "shards").glob("*.tar")):
        with tarfile.open(path) as tar:
            for member in tar:
                key, _, name = member.name.partition(".")
                file = tar.extractfile(member)
                assert file is not None
                if name == "json":
                    found[key] = (json.loads(file.read()), {})
                    for image in found[key][0]["metadata"]:
                        if image:
                            image.pop("count_in_corpus")
                else:
                    found[key][1][name] = file.read()
    return found


def at_fault(shared: Path, per_mille: int) -> Any:
    """Whether a URL misbehaves for good, by the tool's own rule."""
    spec = importlib.util.spec_from_file_location("tiny_internet", shared / "tools" / "tiny_internet.py")
    assert spec is not None
    assert spec.loader is not None
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    server = tool.Server(None, per_mille, None, None, "", 0)

    def judge(url: str) -> bool:
        parts = urlsplit(url)
        fault = server.fault(parts.netloc.lower() + parts.path + ("?" + parts.query if parts.query else ""))
        return fault is not None and fault not in FOR_A_WHILE

    return judge


def urls_of_documents(out: Path) -> dict[str, set[str]]:
    """The image URLs of each document, as extracted."""
    found: dict[str, set[str]] = {}
    for path in out.glob("01_documents/*/data/documents-*.parquet"):
        for row in pq.read_table(path, columns=["id", "nodes"]).to_pylist():
            found.setdefault(row["id"], set()).update(n["image_url"] for n in row["nodes"] if n["image_url"])
    return found


def main() -> int:
    """Run both and compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, default=ROOT.parent / "shared")
    parser.add_argument("--per-mille", type=int, default=300)
    parser.add_argument("--recipe", default="weft")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        work = options.out or Path(name)
        work.mkdir(parents=True, exist_ok=True)
        outs = [run(options.shared, work, options.recipe, n) for n in (0, options.per_mille)]
        calm, rough = map(documents, outs)
        urls, is_at_fault = urls_of_documents(outs[0]), at_fault(options.shared, options.per_mille)
        untouched = {key for key in calm if not any(map(is_at_fault, urls[key]))}
        wrong = sorted(key for key in untouched if rough.get(key) != calm[key])
        shown = sum(1 for key in calm if key not in untouched)
        lost = sum(len(images) for _, images in calm.values()) - sum(len(images) for _, images in rough.values())
        print(f"{len(calm):,} documents without faults, {len(rough):,} with; {lost:,} images fewer")
        print(
            f"{len(untouched):,} have no URL at fault, {shown:,} have; {len(wrong)} differ that should not {wrong[:5]}"
        )
        for out in outs:
            facts = json.loads((out / "report" / "report.json").read_text())["fetch"]
            print(out.name, facts["by_status"], *facts["sentences"], sep="\n  ")
    return 1 if wrong or not untouched else 0


if __name__ == "__main__":
    sys.exit(main())
