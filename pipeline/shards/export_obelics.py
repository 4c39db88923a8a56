"""Shards as Parquet files of OBELICS's schema: addresses of images, not their bytes; one file a shard.

`images`, `metadata`, `general_metadata`, `texts`, in that order; the two in the middle are JSON, as in the release
(arXiv:2306.16527, dataset card). Texts that stand together are one, joined by an empty line. Keys of OBELICS come
first in the metadata; what only our documents know (hashes, scores, language) stands behind them under our names.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from posixpath import basename
from typing import Any
from urllib.parse import urlsplit

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.shards.place import Place
from pipeline.shards.recut import Source, begin

SCHEMA = pa.schema(
    [
        ("images", pa.list_(pa.string())),
        ("metadata", pa.string()),
        ("general_metadata", pa.string()),
        ("texts", pa.list_(pa.string())),
    ]
)
_ROWS = 1_000


def export(place: Place, out: Path) -> tuple[int, int, int]:
    """Write the files; how many there are, and documents and images in them.

    Args:
        place: the shards.
        out: a folder that is empty or not there.

    Raises:
        OutputError: the folder holds something.
        InputError: an index does not fit its shard.
    """
    begin(out)
    source = Source(place.root)
    count = source.manifest["num_shards"]
    documents = images = 0
    by_shard: dict[str, list[Any]] = {entry["name"]: [] for entry in source.manifest["shards"]}
    for at in source.locations():
        by_shard[at.shard].append(at)
    for number, places in enumerate(by_shard.values()):
        path = out / f"train-{number:05d}-of-{count:05d}.parquet"
        with pq.ParquetWriter(path, SCHEMA, compression="zstd") as file:
            for start in range(0, max(1, len(places)), _ROWS):
                rows = [row(source.read_json(at)) for at in places[start : start + _ROWS]]
                documents += len(rows)
                images += sum(name is not None for made in rows for name in made["images"])
                file.write_table(pa.Table.from_pylist(rows, schema=SCHEMA))
    source.close()
    return count, documents, images


def row(document: dict[str, Any]) -> dict[str, Any]:
    """The document as a row of OBELICS."""
    page = document["general_metadata"]
    nodes = list(_merged(document))
    names = ("url", "warc_filename", "warc_record_offset", "warc_record_length")
    return {
        "images": [facts and facts["url"] for _, facts in nodes],
        "metadata": json.dumps([facts and _image(facts, page["url"]) for _, facts in nodes], ensure_ascii=False),
        "general_metadata": json.dumps({name: page[name] for name in names} | page, ensure_ascii=False),
        "texts": [text for text, _ in nodes],
    }


def _merged(document: dict[str, Any]) -> Iterator[tuple[str | None, dict[str, Any] | None]]:
    """(text, None) or (None, facts of an image), texts that stand together as one."""
    held: list[str] = []
    for text, facts in zip(document["texts"], document["metadata"], strict=True):
        if text is not None:
            held.append(text)
            continue
        if held:
            yield "\n\n".join(held), None
            held = []
        yield None, facts
    if held:
        yield "\n\n".join(held), None


def _image(facts: dict[str, Any], page: str) -> dict[str, Any]:
    first = {
        "document_url": page,
        "unformatted_src": facts["url"],
        "src": facts["url"],
        "formatted_filename": basename(urlsplit(facts["url"]).path).rpartition(".")[0] or None,
        "alt_text": facts["alt"],
        "rendered_width": None,
        "rendered_height": None,
        "original_width": facts["original_width"],
        "original_height": facts["original_height"],
        "format": facts["original_format"],
    }
    return first | {name: value for name, value in facts.items() if name not in ("url", "alt", "format", *first)}
