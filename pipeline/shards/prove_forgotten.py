"""Looks for what was to be forgotten in every file under a folder, by nothing but strings and hashes of bytes.

It knows nothing of how a takedown works: every string of every Parquet file, JSON and text, every member of every tar.
"""

from __future__ import annotations

import hashlib
import json
import re
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from filters.forgotten import Forgotten

_ESCAPED = re.compile(r"\\/|\\u002[fF]")


def remains(root: Path, forgotten: Forgotten) -> Iterator[tuple[str, str]]:
    """(file, what) for each file under `root` that still holds something; local folders only."""
    for path in sorted(path for path in root.rglob("*") if path.is_file()):
        where = path.relative_to(root).as_posix()
        if path.suffix == ".tar":
            yield from ((where, what) for what in _tar(path, forgotten))
        else:
            found = next((text for text in strings_of(path) if forgotten.mentions(text)), None)
            if found is not None:
                # The proof itself must not spread what it found.
                yield where, f"a string of {len(found):,} characters names what was to be forgotten"


def strings_of(path: Path) -> Iterator[str]:
    """Every string of a file: values of Parquet and JSON, lines of everything else."""
    if path.suffix == ".parquet":
        try:
            file = pq.ParquetFile(path)
        except (pa.ArrowException, OSError):
            yield path.read_bytes().decode("utf-8", "replace")
            return
        for batch in file.iter_batches(1_000):
            for column in batch.columns:
                yield from _values(column)
        return
    with path.open(encoding="utf-8", errors="replace") as lines:
        for line in lines:
            yield from (word.strip("'\"(),;") for word in line.split()) if "." in line else ()
            yield _ESCAPED.sub("/", line)


def _tar(path: Path, forgotten: Forgotten) -> Iterator[str]:
    try:
        with tarfile.open(path) as tar:
            for member in tar:
                file = tar.extractfile(member)
                data = file.read() if file else b""
                if forgotten.has_file(hashlib.sha256(data).hexdigest()):
                    yield f"{member.name} is a file that was to be forgotten"
                if member.name.endswith(".json"):
                    yield from (f"{member.name}: {what}" for what in _document(data, forgotten))
    except (tarfile.TarError, EOFError) as error:
        yield f"cannot be read to its end: {error}"


def _document(data: bytes, forgotten: Forgotten) -> Iterator[str]:
    try:
        document = json.loads(data)
    except ValueError:
        yield "is no JSON"
        return
    if any(forgotten.mentions(text) for text in _strings(document)):
        yield "names what was to be forgotten"
    for facts in document.get("metadata") or []:
        if facts and (forgotten.has_file(facts.get("original_sha256")) or forgotten.has_file(facts.get("sha256"))):
            yield "shows an image that was to be forgotten"


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for entry in value.values():
            yield from _strings(entry)
    elif isinstance(value, list):
        for entry in value:
            yield from _strings(entry)


def _values(column: pa.Array) -> Iterator[str]:
    """The strings of a column, however deep; dictionaries and repeats are given once a batch."""
    if pa.types.is_struct(column.type):
        for number in range(column.type.num_fields):
            yield from _values(column.field(number))
    elif pa.types.is_list(column.type) or pa.types.is_large_list(column.type):
        yield from _values(column.flatten())
    elif pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        yield from column.drop_null().unique().to_pylist()
