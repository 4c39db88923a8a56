"""What a task does with a slice of URLs: asks them, puts what comes into the image store, writes a row for each.

Nobody can say which of many URLs that are asked at once a dead worker died of. A slice on which workers die again and
again is asked one URL at a time, each noted first; the one that it was becomes `crashed`.
"""

from __future__ import annotations

import datetime
import platform
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from pipeline import tombstones
from pipeline.fetch import Answer, Start, fetch
from pipeline.fetch.plan import Plan
from pipeline.fetch.robots_table import FolderTable
from pipeline.journal import Journal
from pipeline.slices import SEVERAL, Process, Work
from pipeline.store import StoreWriter
from schemas.image import ATTEMPTS, LEDGER
from schemas.reasons import FetchStatus

ROWS_AT_ONCE = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """One round of fetching, as its tasks must know it."""

    number: int
    plan: Plan
    prefix: str
    """Folder of the store's tars, relative to the output folder."""
    root: str
    """Output folder: its tombstones count, and tasks and runs share the robots.txt under it."""
    ends_at: float
    """Seconds since the epoch after which no request is begun."""
    failed_since: float = 0.0
    """Seconds since the epoch; hosts that could not be reached before are asked again."""


def fetch_slice(this: Round) -> Process:
    """The work on a slice of rows (url, task, start, redirects) of one task."""

    pace: dict[str, float] = {}  # of the task, over all its slices

    def process(work: Work) -> None:
        rows = list(work.rows())
        task = rows[0]["task"] if rows else 0
        starts = [Start(row["url"], row["start"] or row["url"], row["redirects"] or 0) for row in rows]
        keep(_answers(this, task, starts, work.journal, pace), work, this.number, this.prefix, this.root)

    return process


def keep(answers: Iterable[Answer], work: Work, number: int, prefix: str, root: str) -> None:
    """Write the answers' bytes into the store, their rows into the ledger and the log; note what they were."""
    rows: list[dict[str, Any]] = []
    log: list[dict[str, Any]] = []
    statuses: Counter[str] = Counter()

    def write() -> None:
        work.out.write(LEDGER, rows)
        work.out.write(ATTEMPTS, log)
        rows.clear()
        log.clear()

    forgotten = tombstones.load(root)
    store = StoreWriter(str(work.out.folder.path / "data"), work.slice)
    with store:
        for answer in answers:
            if forgotten.has_file(answer.sha256) or forgotten.has_url(answer.final_url):
                answer = without_bytes(answer)
            rows.append(ledger_row(answer, number, store, prefix))
            log += attempt_rows(answer, number)
            statuses[str(answer.status)] += 1
            if len(rows) >= ROWS_AT_ONCE:
                write()
        write()
        for path, _ in store.close():
            work.out.add(work.out.folder.path / "data" / path, table="store", rows=0)
    work.extra |= {"statuses": dict(sorted(statuses.items())), "machine": platform.node()}


def without_bytes(answer: Answer) -> Answer:
    """The answer of a URL whose bytes, or the address they came from, were to be forgotten."""
    return replace(answer, status=FetchStatus.FORGOTTEN, data=None, sha256=None, final_url=None, detail=None, log=())


def ledger_row(answer: Answer, number: int, store: StoreWriter, prefix: str) -> dict[str, Any]:
    """The ledger row of an answer; its bytes are in the store afterwards."""
    address = None
    if answer.status == FetchStatus.OK and answer.data is not None and answer.sha256 is not None:
        address = store.append(answer.data, name=answer.sha256)
    return {
        "url": answer.url,
        "round": number,
        "status": str(answer.status),
        "http_status": answer.http_status,
        "attempts": answer.attempts,
        "final_url": answer.final_url,
        "redirects": answer.redirects,
        "content_type": answer.content_type,
        "headers": [{"name": name, "value": value} for name, value in sorted(answer.headers.items())],
        "num_bytes": answer.num_bytes,
        "seconds": answer.seconds,
        "fetched_at": answer.fetched_at,
        "sha256": answer.sha256,
        "store_file": f"{prefix}/{address.file}" if address else None,
        "store_offset": address.offset if address else None,
        "store_length": address.length if address else None,
        "detail": answer.detail,
    }


def attempt_rows(answer: Answer, number: int) -> list[dict[str, Any]]:
    """The log of an answer."""
    return [
        {
            "url": answer.url,
            "round": number,
            "number": n,
            "asked": each.asked,
            "status": str(each.status),
            "http_status": each.http_status,
            "num_bytes": each.num_bytes,
            "seconds": each.seconds,
            "ended_at": each.ended_at,
            "detail": each.detail,
        }
        for n, each in enumerate(answer.log)
    ]


def _answers(this: Round, task: int, starts: list[Start], journal: Journal, pace: dict[str, float]) -> Iterator[Answer]:
    """One answer for each URL."""
    config = this.plan.config
    robots = FolderTable(f"{this.root}/04_images/robots", failed_since=this.failed_since)
    left = this.ends_at - time.time()
    if left <= 0:
        for start in starts:
            yield _deferred(start)
        return
    is_suspect = SEVERAL in journal.blamed
    for asked in [[start] for start in starts] if is_suspect else [starts]:
        name = asked[0].url if is_suspect else SEVERAL
        if is_suspect and (why := journal.blamed.get(name)):
            yield _no_answer(asked[0].url, FetchStatus.CRASHED, f"a worker died on it: {why}")
            continue
        journal.note(name)
        budget = max(0.0, this.ends_at - time.time())

        def share(group: str) -> int:
            return this.plan.share(task, group)

        for answer in fetch(asked, config, robots=robots, budget_s=budget, share=share, pace=pace):
            journal.note(name)
            yield answer
    journal.rest()


def _deferred(start: Start) -> Answer:
    """Nothing is lost of where a redirect had led to."""
    place = {"final_url": start.current, "redirects": start.redirects} if start.redirects else {}
    return _no_answer(start.url, FetchStatus.DEFERRED, "the round was over before its turn", **place)


def _no_answer(url: str, status: FetchStatus, detail: str, **more: Any) -> Answer:
    return Answer(url=url, status=status, detail=detail, fetched_at=datetime.datetime.now(datetime.UTC), **more)
