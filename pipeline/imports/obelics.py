"""OBELICS's Parquet files: pointers to the WARC records that its documents came from, or the documents as published.

Only the pointers allow a fair comparison of extraction, on the same pages (arXiv:2306.16527; columns `images`, `texts`,
`metadata` and `general_metadata`, the last two JSON). As published, texts are split where OBELICS joined paragraphs,
and images are addresses: the release has no bytes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from filters.extract.urls import resolve
from pipeline.imports.corpus import Imported, Rejected, Tally
from schemas.errors import InputError

_END = "END_OF_DOCUMENT_TOKEN_TO_BE_REPLACED"
_POINTERS = pa.schema(
    [
        ("warc_filename", pa.string()),
        ("warc_record_offset", pa.int64()),
        ("warc_record_length", pa.int64()),
        ("url", pa.string()),
    ]
)


def write_pointers(path: Path, source: Path) -> Tally:
    """The pointers of a file as a Parquet that `weft run --in` takes; what was met."""
    tally, rows = Tally(), []
    for number, row in enumerate(_rows(source, ["general_metadata"])):
        facts = _json(row["general_metadata"], dict)
        try:
            values = [facts[name] for name in _POINTERS.names]
        except KeyError as error:
            tally.trouble("rejected", f"{source.name} row {number:,}: no {error.args[0]} in general_metadata")
            continue
        kinds = [isinstance(value, kind) for value, kind in zip(values, (str, int, int, str), strict=True)]
        if not all(kinds) or values[1] < 0 or values[2] < 1:
            tally.trouble("rejected", f"{source.name} row {number:,}: {values!r:.200} is no pointer")
            continue
        tally.counts["documents"] += 1
        rows.append(dict(zip(_POINTERS.names, values, strict=True)))
    draft = path.with_name(f".{path.name}.part")
    pq.write_table(pa.Table.from_pylist(rows, schema=_POINTERS), draft, compression="zstd")
    draft.replace(path)
    return tally


def documents(source: Path) -> Iterator[Imported | Rejected]:
    """The documents of a file as published."""
    for number, row in enumerate(_rows(source, ["images", "texts", "metadata", "general_metadata"])):
        where = f"{source.name} row {number:,}"
        facts, metadata = _json(row["general_metadata"], dict), _json(row["metadata"], list)
        texts, images = row["texts"] or [], row["images"] or []
        if not isinstance(facts.get("url"), str):
            yield Rejected(where, "no url in general_metadata")
        elif len(texts) != len(images):
            yield Rejected(where, f"{len(texts)} texts beside {len(images)} images")
        else:
            yield _document(facts["url"], texts, images, metadata)


def _document(url: str, texts: list[str | None], images: list[str | None], metadata: list[Any]) -> Imported:
    nodes: list[dict[str, Any]] = []
    missing = []
    for place, (text, image) in enumerate(zip(texts, images, strict=True)):
        if image is not None:
            known = metadata[place] if place < len(metadata) and isinstance(metadata[place], dict) else {}
            alt = known.get("alt_text")
            if (address := resolve(url, image)) is None:
                missing.append(image)
            else:
                nodes.append({"image_url": address, "alt": alt if isinstance(alt, str) else None})
        for paragraph in (text or "").replace(_END, "").split("\n\n"):
            if paragraph.strip():
                nodes.append({"text": paragraph.strip(), "role": "paragraph"})
    return Imported(url=url, nodes=nodes, missing=missing)


def _rows(source: Path, columns: list[str]) -> Iterator[dict[str, Any]]:
    try:
        with pq.ParquetFile(source) as file:
            if lacks := [name for name in columns if name not in file.schema_arrow.names]:
                raise InputError(f"{source} has no column {', '.join(lacks)}: it is no file of OBELICS")
            for batch in file.iter_batches(1_024, columns=columns):
                yield from batch.to_pylist()
    except (OSError, pa.ArrowException) as error:
        raise InputError(f"{source} is no readable Parquet: {error}") from error


def _json(value: Any, kind: type) -> Any:
    """The value, read where it is JSON; an empty one where it is of another kind."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            value = None
    return value if isinstance(value, kind) else kind()
