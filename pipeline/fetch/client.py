"""`fetch`: many URLs in, one answer each out, as they come.

An event loop in a thread of its own asks; the caller's thread takes. What stands between them is bounded in
bytes: a slow caller slows the reading down, and time spent waiting for the caller counts against no URL's
deadline.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator, Sequence

from pipeline.fetch.answers import Answer
from pipeline.fetch.block_lists import Registry, read_lists
from pipeline.fetch.config import Config
from pipeline.fetch.crawl import Crawl
from pipeline.fetch.hand_over import HandOver
from pipeline.fetch.job import Start
from pipeline.fetch.robots import MemoryTable, Table
from schemas.reasons import FetchStatus


def fetch(
    urls: Sequence[str | Start],
    config: Config,
    *,
    robots: Table | None = None,
    registry: Registry | None = None,
    budget_s: float | None = None,
    share: Callable[[str], int] = lambda _group: 1,
    pace: dict[str, float] | None = None,
) -> Iterator[Answer]:
    """One answer for each URL of `urls`, in the order in which they come.

    Args:
        urls: absolute URLs, each asked once for each time it is given; or where to go on with one.
        config: section [fetch].
        robots: where robots.txt is kept between calls (`robots_table.FolderTable`); default: nowhere.
        registry: who objects to URLs and bytes; default: the files of `config.block_lists`.
        budget_s: seconds after which no request is begun; URLs that were not reached are `deferred`.
        share: into how many parts the limit of a host group is divided at this time, one of which is ours; 0 where
            the group is others' alone, and a redirect to it is deferred.
        pace: when host groups may next be asked; the same dictionary, given to calls one after the other, lets the
            limits hold from one to the next.

    Raises:
        ConfigError: the public web would be asked without a contact, or a block list cannot be read.
    """
    config.check_contact()
    registry = registry or read_lists(config.block_lists)
    if config.engine == "img2dataset":
        from pipeline.fetch.img2dataset_engine import fetch as by_img2dataset

        return by_img2dataset([each if isinstance(each, str) else each.url for each in urls], config, registry)
    table = robots or MemoryTable()
    return _answers(urls, Crawl(config, table, registry=registry, budget_s=budget_s, share=share, pace=pace))


def _answers(urls: Sequence[str | Start], crawl: Crawl) -> Iterator[Answer]:
    hand_over = HandOver()

    def work() -> None:
        try:
            with asyncio.Runner(loop_factory=_loop_factory()) as runner:
                runner.run(crawl.run(urls, hand_over.emit))
                hand_over.end(None)  # what goes wrong with closing the loop takes no answer back
        except BaseException as error:  # noqa: BLE001 - raised again in the caller's thread
            hand_over.end(error)

    thread = threading.Thread(target=work, name="fetch", daemon=True)
    thread.start()
    try:
        while (lump := hand_over.lumps.get()) is not None:
            if isinstance(lump, BaseException):
                raise lump
            lump.reverse()
            while lump:
                held = len(lump[-1].data) if lump[-1].status is FetchStatus.OK and lump[-1].data else 0
                yield lump.pop()  # nothing here keeps it alive
                crawl.taken(held)
    finally:
        crawl.stop()
        thread.join()


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """uvloop's where it is installed (it has no wheels for some systems): a third less CPU a request."""
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop
