"""Records by pointer: ranged reads, near ones in one request, the same `Page` and `Skipped` as from whole archives."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace

from pipeline.archive.config import Config
from pipeline.archive.members import Source
from pipeline.archive.record import Page, Skipped, Wanted
from pipeline.archive.records import read_records
from pipeline.archive.remote import is_remote, open_source
from schemas.reasons import RecordReason

Pointer = tuple[int, int]
"""Offset and length of a compressed member, in bytes."""


def read_pointers(
    path: str,
    pointers: Iterable[Pointer],
    config: Config,
    *,
    num_tasks: int = 1,
    wanted: Wanted | None = None,
) -> Iterator[Page | Skipped]:
    """One item a pointer, in order of offset: the record that stands there, or a `Skipped` that says why not.

    A range that holds no record is `DAMAGED`. Of a range that holds several, the first page counts.

    Args:
        path: the archive, local or remote.
        pointers: (offset, length) of compressed members; equal ones are read once.
        config: bounds of a request (`max_gap_bytes`, `max_range_bytes`), waits and ceiling.
        num_tasks: see `remote.open_source`.
        wanted: see `read_records`.
    """
    for group in coalesce(sorted(set(pointers)), config.max_gap_bytes, config.max_range_bytes):
        end = max(offset + length for offset, length in group)
        with closing(open_source(path, config, num_tasks=num_tasks, end=end if is_remote(path) else None)) as source:
            for offset, length in group:
                yield _read_one(_Section(source, offset, offset + length), offset, length, config, wanted)


def coalesce(pointers: Sequence[Pointer], max_gap: int, max_range: int) -> Iterator[list[Pointer]]:
    """Sorted pointers in groups that are read in one request.

    Within a group no gap is over `max_gap`, and the whole is no longer than `max_range` unless it is one pointer.
    """
    group: list[Pointer] = []
    end = 0
    for offset, length in pointers:
        if group and (offset - end > max_gap or max(end, offset + length) - group[0][0] > max_range):
            yield group
            group = []
        end = max(end, offset + length) if group else offset + length
        group.append((offset, length))
    if group:
        yield group


def _read_one(section: _Section, offset: int, length: int, config: Config, wanted: Wanted | None) -> Page | Skipped:
    first: Skipped | None = None
    for item in read_records(section, limits=config, start_offset=offset, wanted=wanted):
        if isinstance(item, Page):
            return replace(item, offset=offset, length=length)
        first = first or item
    if first is None or first.reason is RecordReason.NOT_AN_ARCHIVE:
        return Skipped(offset=offset, length=length, reason=RecordReason.DAMAGED, record_type="")
    return replace(first, offset=offset, length=length)


class _Section:
    """The bytes from `begin` to `end` of a source, under their own offsets."""

    def __init__(self, source: Source, begin: int, end: int) -> None:
        self._source, self._end = source, end
        self._at = begin

    def read(self, size: int, /) -> bytes:
        size = min(size, self._end - self._at)
        data = self._source.read(size) if size > 0 else b""
        self._at += len(data)
        return data

    def seek(self, offset: int, /) -> int:
        self._at = offset
        return self._source.seek(offset)

    def close(self) -> None:
        pass
