"""A Parquet of pointers (`warc_filename, warc_record_offset, warc_record_length`) as inputs, one for each archive.

Row groups are read one after the other; what stays in memory is 20 bytes a pointer and the names of the archives.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline.archive.config import Config
from pipeline.archive.inputs import InputFile, Pointers, resolve
from pipeline.archive.remote import filesystem, is_remote, local_path
from schemas.errors import InputError

COLUMNS = ("warc_filename", "warc_record_offset", "warc_record_length")
MAX_POINTERS = 50_000_000
"""More than this (about 1 GB in the driver) is refused with the advice to split the table."""
_ROWS = 1 << 16


def pointer_items(path: str, config: Config) -> list[InputFile]:
    """An entry for each archive that is pointed into, its pointers sorted by offset; equal offsets count once.

    Args:
        path: a Parquet file, or a folder of them whose name ends in `.parquet`; local or remote.
        config: `base`, where the archives are.

    Raises:
        InputError: it cannot be read, a column is absent or of another type, a value is null or negative, there are
            no rows or more than `MAX_POINTERS`, or a local archive that it names does not exist.
    """
    codes: dict[str, int] = {}
    parts = [_columns(batch, codes, path) for batch in _batches(path)]
    total = sum(len(part) for part in parts)
    if total == 0:
        raise InputError(f"{path} holds no pointers")
    table = np.concatenate(parts)
    table = table[np.lexsort((table["length"], table["offset"], table["file"]))]
    keep = np.ones(len(table), dtype=bool)
    keep[1:] = (table["file"][1:] != table["file"][:-1]) | (table["offset"][1:] != table["offset"][:-1])
    table = table[keep]
    return list(_items(table, list(codes), config, path))


def _items(table: Any, names: list[str], config: Config, path: str) -> Iterator[InputFile]:
    edges = np.flatnonzero(np.diff(table["file"])) + 1
    for group in np.split(table, edges):
        name = names[int(group["file"][0])]
        archive = resolve(name, config, path)
        if archive.size_bytes is None and not is_remote(archive.path):
            raise InputError(f"{path} points into {archive.path}, which does not exist; set read_warc.base?")
        pairs = np.stack([group["offset"], group["length"]], axis=1)
        pointers = Pointers(pairs.astype("<i8").tobytes())
        yield replace(archive, size_bytes=pointers.num_bytes, pointers=pointers)


def _batches(path: str) -> Iterator[pa.RecordBatch]:
    rows = 0
    for file in _files(path):
        try:
            with pq.ParquetFile(file) as table:
                names = set(table.schema_arrow.names)
                if missing := [name for name in COLUMNS if name not in names]:
                    raise InputError(f"{path} has no column {', '.join(missing)}; pointers need {', '.join(COLUMNS)}")
                rows += table.metadata.num_rows
                if rows > MAX_POINTERS:
                    raise InputError(f"{path} holds more than {MAX_POINTERS:,} pointers; split it into several runs")
                yield from table.iter_batches(batch_size=_ROWS, columns=list(COLUMNS))
        except (OSError, pa.ArrowException) as error:
            raise InputError(f"{path} is no readable Parquet: {error}") from error


def _files(path: str) -> list[Any]:
    if not is_remote(path):
        place = local_path(path)
        if not place.exists():
            raise InputError(f"{path} does not exist")
        return sorted(place.glob("*.parquet")) if place.is_dir() else [place]
    fs, place_there = filesystem(path)
    try:
        names = [place_there] if fs.isfile(place_there) else sorted(fs.glob(place_there.rstrip("/") + "/*.parquet"))
        return [fs.open(name, "rb") for name in names]
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error}") from error


def _columns(batch: pa.RecordBatch, codes: dict[str, int], path: str) -> Any:
    """The batch as packed rows of (file code, offset, length)."""
    if any(column.null_count for column in batch.columns):
        raise InputError(f"{path} has nulls in {', '.join(COLUMNS)}")
    try:
        names = pc.dictionary_encode(batch.column(0).cast(pa.string()))
        offsets = batch.column(1).cast(pa.int64()).to_numpy()
        lengths = batch.column(2).cast(pa.int64()).to_numpy()
    except pa.ArrowInvalid as error:
        raise InputError(f"{path}: pointers need a name and two whole numbers: {error}") from error
    if len(batch) and (offsets.min() < 0 or lengths.min() < 1):
        raise InputError(f"{path} has a negative offset or a length below 1")
    known = np.array([codes.setdefault(name, len(codes)) for name in names.dictionary.to_pylist()], dtype="<i4")
    rows = np.empty(len(batch), dtype=[("file", "<i4"), ("offset", "<i8"), ("length", "<i8")])
    rows["file"] = known[names.indices.to_numpy()]
    rows["offset"], rows["length"] = offsets, lengths
    return rows
