"""Tombstones of an output folder on disk: `tombstones/*.parquet`, added to and never changed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from filters.forgotten import Forgotten, digest, is_entry
from pipeline.commits import new_attempt
from schemas.errors import InputError
from schemas.tombstones import TOMBSTONES

FOLDER = "tombstones"


def load(root: str | Path) -> Forgotten:
    """What was to be forgotten under an output folder; read once a process."""
    files = sorted(path.name for path in (Path(root) / FOLDER).glob("*.parquet"))
    return _load(str(root), tuple(files))


def add(root: Path, digests: Iterable[tuple[str, bytes]]) -> int:
    """Keep tombstones on disk; how many."""
    kinds, values = zip(*sorted(set(digests)), strict=True) if digests else ((), ())
    folder = root / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    table = pa.table([pa.array(kinds, pa.string()), pa.array(values, pa.binary())], schema=TOMBSTONES.arrow)
    name = f"{new_attempt()}.parquet"
    pq.write_table(table, folder / f".{name}", compression="zstd")
    (folder / f".{name}").replace(folder / name)
    return len(table)


def read_file(path: Path) -> list[tuple[str, bytes]]:
    """The tombstones of one file."""
    table = pq.read_table(path)
    return list(zip(table["kind"].to_pylist(), table["digest"].to_pylist(), strict=True))


def read_list(path: Path, kind: str) -> Iterator[tuple[str, bytes]]:
    """The tombstones of a list, one entry a line; empty lines and lines that begin with # are passed over.

    Raises:
        InputError: it cannot be read, or holds a line of another kind; says which.
    """
    try:
        with path.open(encoding="utf-8-sig") as lines:
            for number, line in enumerate(lines, 1):
                entry = line.strip()
                if not entry or entry.startswith("#"):
                    continue
                if not is_entry(kind, entry):
                    raise InputError(f"{path}:{number}: {entry[:80]!r} is no {'SHA-256' if kind == 'hash' else kind}")
                yield kind, digest(kind, entry)
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read: {error}") from error


def read_any(paths: Iterable[Path]) -> Forgotten:
    """What lists and folders of tombstones hold; a list's first line tells what it lists.

    Raises:
        InputError: as `read_list`, or a path is not there.
    """
    found: list[tuple[str, bytes]] = []
    for path in paths:
        if path.is_dir():
            for file in sorted(path.glob("*.parquet")):
                found += read_file(file)
            continue
        try:
            with path.open(encoding="utf-8-sig") as lines:
                entries = (line.strip() for line in lines)
                first = next((entry for entry in entries if entry and not entry.startswith("#")), "")
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"{path} cannot be read: {error}") from error
        kind = next((kind for kind in ("hash", "host", "url") if is_entry(kind, first)), "url")
        found += read_list(path, kind)
    return Forgotten(found)


@lru_cache(maxsize=2)
def _load(root: str, names: tuple[str, ...]) -> Forgotten:
    found: list[tuple[str, bytes]] = []
    for name in names:
        found += read_file(Path(root) / FOLDER / name)
    return Forgotten(found)
