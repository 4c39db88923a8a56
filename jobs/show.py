"""weft show: a few documents of the shards, in the terminal, as a reader of the page would meet them."""

from __future__ import annotations

import argparse
import json
import random
import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from jobs.arguments import local, whole
from schemas.errors import InputError

WIDTH = 100


def main(argv: Sequence[str] | None = None) -> int:
    """Print documents drawn at random, or those whose ids are given."""
    options = argparse.ArgumentParser(prog="weft show", description=__doc__)
    options.add_argument(
        "folder", type=local("DIR"), metavar="DIR", help="output folder of weft run, or a folder of shards"
    )
    options.add_argument("ids", nargs="*", metavar="ID", help="document ids, or the beginnings of some")
    options.add_argument("-n", type=whole("-n"), default=3, help="how many at random (default 3)")
    options.add_argument("--seed", type=int, default=0, help="which ones (default 0)")
    options.add_argument("--json", action="store_true", help="the JSON as it stands in the shard")
    arguments = options.parse_args(argv)
    for document in choose(shards_of(arguments.folder), arguments.ids, arguments.n, arguments.seed):
        print(json.dumps(document, ensure_ascii=False, indent=1) if arguments.json else as_text(document))
    return 0


def shards_of(folder: Path) -> Path:
    """The folder that holds the manifest.

    Raises:
        InputError: there is none.
    """
    for path in (folder, folder / "shards"):
        if (path / "manifest.json").is_file():
            return path
    raise InputError(f"{folder} holds no shards (no manifest.json); has weft run finished?")


def choose(shards: Path, beginnings: Sequence[str], number: int, seed: int) -> Iterator[dict[str, Any]]:
    """Documents whose ids begin so, or `number` at random; read by index, tars are not scanned.

    Raises:
        InputError: there is none, or an index or tar is damaged.
    """
    found = []
    for path in sorted(shards.glob("weft-*.idx.parquet")):
        try:
            rows = pq.read_table(path, columns=["key", "members"]).to_pylist()
        except (pa.ArrowException, OSError) as error:
            raise InputError(f"{path} is damaged: {error}; weft reindex {shards} writes it anew") from error
        for row in rows:
            if not beginnings or row["key"].startswith(tuple(beginnings)):
                found.append((path.name.removesuffix(".idx.parquet"), row["key"], row["members"][0]))
    if not found:
        raise InputError(f"{shards} holds no {'such document' if beginnings else 'documents: weft report says why'}")
    picked = found if beginnings else random.Random(seed).sample(found, min(number, len(found)))
    for shard, key, member in picked:
        try:
            with (shards / f"{shard}.tar").open("rb") as tar:
                tar.seek(member["offset"])
                document = json.loads(tar.read(member["length"]))
        except (OSError, ValueError) as error:
            raise InputError(f"{shards}/{shard}.tar is damaged: {error}; weft verify says more") from error
        yield document | {"key": key}


def as_text(document: dict[str, Any]) -> str:
    """The document as lines: a head, then texts and images in page order."""
    page = document["general_metadata"]
    lines = [
        "=" * WIDTH,
        page["title"] or "(no title)",
        f"{page['url']}  {page['language']} {page['language_score']}  {page['num_words']:,} words",
        f"{document['key']}  {page['warc_filename']} at {page['warc_record_offset']:,}",
        "",
    ]
    for role, text, name, image in zip(
        document["roles"], document["texts"], document["images"], document["metadata"], strict=True
    ):
        lines += _image(name, image) if image else _text(role, text)
    return "\n".join(lines)


def _text(role: str, text: str) -> list[str]:
    mark = {"list_item": "* ", "quote": "> ", "caption": "  ^ "}.get(role, "")
    if role.startswith("heading"):
        return ["", "#" * int(role[-1]) + " " + text]
    if role in ("code", "table"):
        return ["    " + line for line in text.splitlines()]
    return [
        line
        for paragraph in text.splitlines()
        for line in textwrap.wrap(paragraph, WIDTH, initial_indent=mark, subsequent_indent=" " * len(mark))
    ]


def _image(name: str, image: dict[str, Any]) -> list[str]:
    score = f", CLIP {image['clip_score']}" if image["clip_score"] is not None else ""
    return [
        f"  [{name}  {image['width']} x {image['height']}{score}]  {image['alt'] or ''}",
        f"  {image['url']}",
    ]
