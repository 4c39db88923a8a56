"""weft import: a released corpus as archives that `weft run --in` reads, so that it goes through our filters."""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from jobs.arguments import local, writable
from pipeline.imports import img2dataset, mint1t, mmc4, obelics
from pipeline.imports.corpus import Tally, write_archive
from schemas.errors import ConfigError, InputError

_MORE = """
  obelics             pointers to the WARC records of its documents: the same pages, extracted anew
  obelics-documents   its documents as published
  mmc4                docs_shard_N_v2.jsonl, also .gz or .zip; --images names a folder of the images
  mint1t              tars of the PDF and ArXiv parts
  img2dataset         an output folder, or Parquet files of its shards

What was written before is left as it is; several commands can share the sources of a large corpus. Then:
  weft run --recipe weft --in OUT --out out/mine          (obelics: --in OUT/*.parquet)
"""
_ENDINGS = {
    "obelics": (".parquet",),
    "obelics-documents": (".parquet",),
    "mmc4": (".jsonl", ".jsonl.gz", ".zip"),
    "mint1t": (".tar", ".tar.gz"),
    "img2dataset": (".parquet",),
}
REPORT = "import.json"


def main(argv: Sequence[str] | None = None) -> int:
    """Write the archives; 1 where something was rejected or missing, which is named."""
    options = argparse.ArgumentParser(
        prog="weft import", description=__doc__, epilog=_MORE, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("kind", choices=sorted(_ENDINGS), help="what it is")
    options.add_argument("sources", nargs="+", type=local("PATH"), metavar="PATH", help="files, or folders of them")
    options.add_argument("--out", required=True, type=local("--out"), metavar="OUT", help="folder of the archives")
    options.add_argument("--images", type=local("--images"), metavar="DIR", help="mmc4: image files by image_name")
    arguments = options.parse_args(argv)
    if arguments.images and (arguments.kind != "mmc4" or not arguments.images.is_dir()):
        raise ConfigError("--images names a folder, and is for mmc4")
    plan = _plan(arguments.kind, arguments.sources, arguments.out)
    writable(arguments.out)
    total: Counter[str] = Counter()
    for source, target in plan.items():
        if target.exists():
            print(f"{target} is there already")
            continue
        tally = _write(arguments.kind, source, target, arguments.images)
        total.update(tally.counts)
        _note(arguments.out, source.name, tally)
        print(f"{target}: {_said(tally.counts)}")
        for trouble in tally.troubles:
            print(f"  {trouble}")
    print(f"all: {_said(total)}" if total else "nothing was left to do")
    return 1 if total["rejected"] or total["images_missing"] else 0


def _plan(kind: str, sources: Sequence[Path], out: Path) -> dict[Path, Path]:
    """The archive that is made of each source.

    Raises:
        InputError: a source is not there, holds nothing of the kind, or is called like another.
    """
    plan: dict[Path, Path] = {}
    for path in sources:
        if path.is_dir():
            found = sorted(file for file in path.rglob("*") if file.name.endswith(_ENDINGS[kind]) and file.is_file())
        else:
            found = [path] if path.is_file() else []
        if not found:
            raise InputError(f"{path} is not there, or holds no file that ends in {', '.join(_ENDINGS[kind])}")
        for file in found:
            ending = ".parquet" if kind == "obelics" else ".warc.gz"
            target = out / f"{file.name.partition('.')[0]}.{kind}{ending}"
            if file not in plan and target in plan.values():
                raise InputError(f"{file} would be called {target.name} like another source; import it into a folder")
            plan[file] = target
    return plan


def _write(kind: str, source: Path, target: Path, images: Path | None) -> Tally:
    if kind == "obelics":
        return obelics.write_pointers(target, source)
    if kind == "mmc4":
        return write_archive(target, mmc4.documents(source, images))
    others = {"obelics-documents": obelics, "mint1t": mint1t, "img2dataset": img2dataset}
    return write_archive(target, others[kind].documents(source))


def _note(out: Path, name: str, tally: Tally) -> None:
    """Keep what was met beside the archives."""
    path = out / REPORT
    known = json.loads(path.read_text("utf-8")) if path.exists() else {}
    known[name] = {**tally.counts, "troubles": tally.troubles}
    path.write_text(json.dumps(known, indent=1, ensure_ascii=False, sort_keys=True) + "\n", "utf-8")


def _said(counts: Counter[str]) -> str:
    return ", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in sorted(counts.items())) or "nothing"
