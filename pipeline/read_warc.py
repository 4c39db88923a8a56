"""Stage read_warc: the records of one archive as drafts of pages; everything else is counted by what it was."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from pipeline.archive.record import Page, Skipped
from pipeline.draft import Draft
from pipeline.journal import Journal
from schemas.reasons import RecordReason

MAX_TROUBLES = 1_000
"""Damaged and crashed records that are listed one by one."""

_CRAWL = re.compile(r"CC-MAIN-\d{4}-\d{2}(?!\d)")
_TROUBLE = (RecordReason.DAMAGED, RecordReason.NOT_AN_ARCHIVE, RecordReason.BAD_HEADER, RecordReason.BAD_ENCODING)


@dataclass(slots=True)
class Tally:
    """What was met in one archive: a row of INPUTS in the making."""

    warc_filename: str
    num_bytes: int = 0
    num_records: int = 0
    num_pages: int = 0
    counts: Counter[tuple[str, int | None, str | None, str | None]] = field(default_factory=Counter)
    troubles: list[dict[str, Any]] = field(default_factory=list)

    def count(self, record: Page | Skipped) -> None:
        """Count a record."""
        reason = str(record.reason) if isinstance(record, Skipped) else None
        self.num_records += 1
        self.num_pages += reason is None
        self.num_bytes += record.length
        self.counts[record.record_type, record.status, record.content_type, reason] += 1
        if isinstance(record, Skipped) and record.reason in _TROUBLE:
            self.trouble(record.offset, str(record.reason))

    def trouble(self, offset: int, reason: str) -> None:
        """List a record that was damaged, or on which a worker died."""
        if len(self.troubles) < MAX_TROUBLES:
            self.troubles.append({"offset": offset, "reason": reason})

    def row(self) -> dict[str, Any]:
        """The row of INPUTS."""
        names = ("record_type", "status", "content_type", "drop_reason", "records")
        order = sorted(self.counts.items(), key=lambda item: tuple(str(part) for part in item[0]))
        counts = [dict(zip(names, (*key, number), strict=True)) for key, number in order]
        return {
            "warc_filename": self.warc_filename,
            "num_bytes": self.num_bytes,
            "num_records": self.num_records,
            "num_pages": self.num_pages,
            "counts": counts,
            "troubles": self.troubles,
        }


def drafts(records: Iterator[Page | Skipped], tally: Tally, journal: Journal) -> Iterator[Draft]:
    """A draft for each page, noted in the journal before it is handed on; one that a worker died on has its reason."""
    crawl = crawl_of(tally.warc_filename)
    for record in records:
        tally.count(record)
        if isinstance(record, Skipped):
            continue
        name = str(record.offset)
        draft = Draft(page=record, warc_filename=tally.warc_filename, crawl=crawl, drop_reason=journal.blamed.get(name))
        if draft.drop_reason is not None:
            tally.trouble(record.offset, str(draft.drop_reason))
        journal.note(name)
        yield draft
        journal.rest()


def crawl_of(warc_filename: str) -> str | None:
    """The crawl that a file name of Common Crawl says, or None.

    Names of its files hold only dates (CC-MAIN-20240518041007-...); the folder of a *.paths list has the crawl.
    """
    found = _CRAWL.search(warc_filename)
    return found[0] if found else None
