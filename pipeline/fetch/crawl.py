"""The run of one `fetch`: jobs from URL to answer through robots.txt, redirects and retries.

Each request takes a turn of its host group, also one for robots.txt, a redirect's target or a retry: no
group is ever asked faster than its limit says.
"""

from __future__ import annotations

import asyncio
import datetime
import hashlib
import random
import time
from collections.abc import Callable, Sequence

from pipeline.fetch import opt_out
from pipeline.fetch import robots as robots_txt
from pipeline.fetch.addresses import PrivateAddressError, check_host
from pipeline.fetch.answers import RETRIED, Answer, detail_of
from pipeline.fetch.block_lists import Registry
from pipeline.fetch.config import Config, HostLimit
from pipeline.fetch.connection import Headers
from pipeline.fetch.job import Job, Start, attempt_of
from pipeline.fetch.meter import Meter, RequestMeter
from pipeline.fetch.pool import Pool
from pipeline.fetch.proxies import from_environment
from pipeline.fetch.request import Limits, Outcome, judge_bytes, request, retry_after
from pipeline.fetch.schedule import Schedule, group_of_host
from pipeline.fetch.target import target_of
from schemas.reasons import FetchStatus

HASHED = (FetchStatus.OK, FetchStatus.BLOCKED_BY_LIST)
"""Statuses of which the SHA-256 is told."""
LUMPS = 64
"""Part of the bytes that may be held at which the loop is told that they are gone."""
LEAST_ATTEMPT_S = 0.5
"""A retry with less than this left of the deadline is not begun."""
_UNREACHED = {502: FetchStatus.CONNECT, 504: FetchStatus.TIMEOUT}
"""What a proxy says of a host that it did not reach (RFC 9110, 15.6): not asked, but nobody forbade it."""


class Crawl:
    """See `client.fetch`.

    Args:
        config: section [fetch].
        table: robots.txt of hosts.
        registry: who objects to URLs and bytes.
        budget_s: seconds after which nothing is begun.
        share: into how many parts the limit of a group is divided, one of which is this caller's; 0 for a group that
            is others' alone: a redirect to it is deferred, with its target.
        pace: when host groups may next be asked, from one crawl of a task to its next one.
    """

    def __init__(
        self,
        config: Config,
        table: robots_txt.Table,
        *,
        registry: Registry | None = None,
        budget_s: float | None = None,
        share: Callable[[str], int] = lambda _group: 1,
        pace: dict[str, float] | None = None,
    ) -> None:
        self._config, self._table, self._registry, self._budget_s = config, table, registry, budget_s
        self._share = share
        self._schedule: Schedule[Job] = Schedule(self._limit_of, pace)
        self._parked: dict[str, list[Job]] = {}
        self._rules: dict[str, robots_txt.Entry | robots_txt.Robots] = {}
        self._running: set[asyncio.Task[None]] = set()
        self._error: BaseException | None = None
        self._stopped = False
        self._untold = 0
        self._loop: asyncio.AbstractEventLoop | None = None

    async def run(self, urls: Sequence[str | Start], emit: Callable[[Answer], None]) -> None:
        """Ask everything; returns when each URL has had its answer given to `emit`, in the event loop's thread."""
        self._emit = emit
        self._loop = asyncio.get_running_loop()
        self._wake = asyncio.Event()
        self._meter = Meter(self._config.max_held_bytes)
        end = None if self._budget_s is None else self._loop.time() + self._budget_s
        async with Pool(self._config, from_environment()) as pool:
            for each in urls:
                start = Start(each, each, 0) if isinstance(each, str) else each
                self._admit(Job(url=start.url, current=start.current, hops=start.redirects))
            try:
                while not self._stopped and (self._running or len(self._schedule)):
                    self._start_what_may(pool)
                    await self._sleep(end)
                    if end is not None and self._loop.time() >= end:
                        self._defer()
                        end = None
            finally:
                for task in self._running:
                    task.cancel()
                await asyncio.gather(*self._running, return_exceptions=True)
        if self._error is not None:
            raise self._error

    def taken(self, num_bytes: int) -> None:
        """The caller is done with an answer of this many bytes. From the caller's thread.

        Told to the loop in lumps: each telling wakes it by a system call, which costs as much as the answer's own.
        """
        self._untold += num_bytes
        if self._untold * LUMPS >= self._config.max_held_bytes:
            self._call(self._give, self._untold)
            self._untold = 0

    def stop(self) -> None:
        """Drop everything. From any thread; nothing happens where the run is over."""
        self._stopped = True
        self._call(self._give, 0)

    def _call(self, function: Callable[[int], None], argument: int) -> None:
        try:
            if self._loop is not None:
                self._loop.call_soon_threadsafe(function, argument)
        except RuntimeError:  # the loop has ended
            return

    def _give(self, num_bytes: int) -> None:
        self._meter.give(num_bytes)
        self._wake.set()

    def _now(self) -> float:
        assert self._loop is not None
        return self._loop.time()

    def _start_what_may(self, pool: Pool) -> None:
        while len(self._running) < self._config.concurrency and self._meter.held < self._meter.limit:
            taken = self._schedule.take(self._now())
            if taken is None:
                return
            task = asyncio.create_task(self._turn(pool, *taken))
            self._running.add(task)
            task.add_done_callback(self._ended)

    async def _sleep(self, end: float | None) -> None:
        """Until something ended, a group's turn comes, or the round is over."""
        times = [] if end is None else [end]
        next_time = self._schedule.next_time()
        if next_time is not None and len(self._running) < self._config.concurrency:
            times.append(next_time if self._meter.held < self._meter.limit else self._now() + 1)
        try:
            async with asyncio.timeout_at(min(times) if times else None):
                await self._wake.wait()
        except TimeoutError:
            pass
        self._wake.clear()

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        self._wake.set()
        if not task.cancelled() and task.exception() is not None:
            self._error, self._stopped = task.exception(), True

    async def _turn(self, pool: Pool, group: str, job: Job) -> None:
        config = self._config
        assert job.target is not None
        if job.robots_of is None:
            limits = Limits(seconds=config.deadline_s - job.seconds, max_bytes=config.max_bytes)
        else:
            limits = Limits(seconds=config.deadline_s, max_bytes=robots_txt.MAX_BYTES, cut=True)
        meter, kept = RequestMeter(self._meter), 0
        try:
            outcome = await request(
                pool,
                job.current,
                job.target,
                limits=limits,
                refuse=self._objection if job.robots_of is None else _no_objection,
                meter=meter,
            )
            self._schedule.done(group, now=self._now())
            job.seconds += outcome.seconds
            job.log.append(attempt_of(job.current, outcome))
            job.last = outcome
            kept = self._next(group, job, outcome)
        finally:
            meter.close(kept)

    def _objection(self, headers: Headers) -> str | None:
        return opt_out.objection(
            headers.all("x-robots-tag"),
            headers.get("tdm-reservation"),
            agent=self._config.agent,
            directives=self._config.opt_out_directives,
        )

    def _next(self, group: str, job: Job, outcome: Outcome) -> int:
        """What follows a request; returns the bytes that the caller will hold."""
        if outcome.location is not None:
            self._redirect(job, outcome.location)
        elif self._retry(group, job, outcome):
            pass
        elif job.robots_of is not None:
            self._robots_known(job.robots_of, outcome)
        else:
            return self._answer(job, outcome)
        return 0

    def _redirect(self, job: Job, target: str) -> None:
        job.visited.add(job.current)
        job.current, job.target, job.hops = target, None, job.hops + 1
        limit = self._config.max_redirects if job.robots_of is None else robots_txt.MAX_REDIRECTS
        if job.hops > limit or target in job.visited:
            self._refuse(job, FetchStatus.REDIRECT_LOOP, f"{job.hops} redirects, the last to {target}")
        else:
            self._admit(job, first=True)

    def _limit_of(self, group: str) -> HostLimit:
        """Our part of a group's limit. A robots.txt may lead to a group of others: one request at a time."""
        limit, share = self._config.limit_of(group), self._share(group)
        return limit.divided(share) if share else HostLimit(concurrency=1, rate=min(limit.rate or 1.0, 1.0))

    def _retry(self, group: str, job: Job, outcome: Outcome) -> bool:
        config = self._config
        if outcome.status not in RETRIED or job.retried >= config.retries:
            return False
        if outcome.status in (FetchStatus.HTTP_5XX, FetchStatus.DNS) and not outcome.passing:
            return False
        if job.robots_of is None and config.deadline_s - job.seconds < LEAST_ATTEMPT_S:
            return False
        now = self._now()
        asked = retry_after(outcome.headers.get("retry-after", ""))
        if asked is not None and asked > config.max_retry_after_s:
            return False
        wait = config.backoff_s * 2**job.retried * random.uniform(0.5, 1.5) if asked is None else asked
        job.retried += 1
        self._schedule.add(group, job, now=now, not_before=now + wait)
        if asked is not None:
            self._schedule.pause(group, until=now + asked, now=now)
        return True

    def _admit(self, job: Job, *, first: bool = False) -> None:
        """Queue a job that may be asked, park it until its robots.txt is known, or refuse it."""
        try:
            target = job.target = job.target or target_of(job.current)
            if not self._config.allow_private:
                check_host(target.host)
        except PrivateAddressError as error:
            return self._refuse(job, FetchStatus.PRIVATE_ADDRESS, str(error))
        except ValueError as error:
            return self._refuse(job, FetchStatus.PROTOCOL, detail_of(error))
        if self._registry and job.robots_of is None and (why := self._registry.blocks_url(job.current)):
            return self._refuse(job, FetchStatus.BLOCKED_BY_LIST, why)
        if self._config.respect_robots and job.robots_of is None:
            origin = target.origin
            rules = self._rules_of(origin)
            if rules is None:
                return self._park(job, origin)
            if isinstance(rules, robots_txt.Entry):
                return self._refuse(job, rules.failure or FetchStatus.ROBOTS, rules.detail)
            if not rules.allows(job.current):
                return self._refuse(job, FetchStatus.ROBOTS, "robots.txt")
        group = group_of_host(target.host, self._config)
        if job.robots_of is None and not self._share(group):
            return self._defer_to_others(job)
        self._schedule.add(group, job, now=self._now(), first=first)
        self._wake.set()
        return None

    def _rules_of(self, origin: str) -> robots_txt.Entry | robots_txt.Robots | None:
        known = self._rules.get(origin)
        if known is None:
            entry = self._table.get(origin)
            if entry is not None and entry.is_fresh(time.time()):
                known = self._learn(origin, entry)
        return known

    def _learn(self, origin: str, entry: robots_txt.Entry) -> robots_txt.Entry | robots_txt.Robots:
        rules = entry if entry.text is None else robots_txt.parse(entry.text, self._config.agent)
        self._rules[origin] = rules
        return rules

    def _park(self, job: Job, origin: str) -> None:
        waiting = self._parked.setdefault(origin, [])
        waiting.append(job)
        if len(waiting) == 1:
            url = origin + "/robots.txt"
            self._admit(Job(url=url, current=url, robots_of=origin), first=True)

    def _robots_known(self, origin: str, outcome: Outcome) -> None:
        now = time.time()
        status, detail = outcome.status, f"robots.txt: {outcome.detail or outcome.code}"
        if status is FetchStatus.OK:
            entry = robots_txt.Entry(fetched_at=now, text=outcome.body.decode("utf-8", "replace"))
        elif outcome.code is None:
            entry = robots_txt.Entry(fetched_at=now, failure=status, detail=detail)
        elif outcome.by_proxy and outcome.code in _UNREACHED:
            entry = robots_txt.Entry(fetched_at=now, failure=_UNREACHED[outcome.code], detail=detail)
        elif status is FetchStatus.HTTP_5XX:
            entry = robots_txt.Entry(fetched_at=now, failure=FetchStatus.ROBOTS, detail=detail)
        elif status in (FetchStatus.TIMEOUT, FetchStatus.TRUNCATED):
            entry = robots_txt.Entry(fetched_at=now, failure=FetchStatus.TIMEOUT, detail=detail)
        else:
            entry = robots_txt.Entry(fetched_at=now, text="")
        self._table.put(origin, entry)
        self._learn(origin, entry)
        for job in self._parked.pop(origin, []):
            self._admit(job, first=job.hops > 0)

    def _refuse(self, job: Job, status: FetchStatus, detail: str | None) -> None:
        """End a job without a request, or without a further one."""
        if job.robots_of is not None:
            outcome = Outcome(status=status, detail=detail)
            if status is FetchStatus.REDIRECT_LOOP:  # RFC 9309, 2.3.1.2: as if there were no file
                outcome = Outcome(status=FetchStatus.HTTP_4XX, code=404, detail=detail)
            self._robots_known(job.robots_of, outcome)
            return
        last = job.last or Outcome(status=status)
        self._answer(
            job,
            Outcome(status=status, code=last.code, headers=last.headers, detail=detail, seconds=last.seconds),
        )

    def _defer(self) -> None:
        """The round is over: what has not begun is left for the next one."""
        jobs = [*self._schedule.drain(), *(job for parked in self._parked.values() for job in parked)]
        self._parked.clear()
        for job in jobs:
            if job.robots_of is None:
                self._answer(job, Outcome(status=FetchStatus.DEFERRED, detail="the round is over"))

    def _defer_to_others(self, job: Job) -> None:
        last = job.last or Outcome(status=FetchStatus.DEFERRED)
        detail = "redirected to a host that another task asks"
        self._answer(job, Outcome(status=FetchStatus.DEFERRED, code=last.code, headers=last.headers, detail=detail))

    def _answer(self, job: Job, outcome: Outcome) -> int:
        status, detail = outcome.status, outcome.detail
        config = self._config
        if status is FetchStatus.OK:
            status, detail = judge_bytes(outcome.body, min_bytes=config.min_bytes, max_pixels=config.max_pixels)
        if status is FetchStatus.OK and self._registry and (why := self._registry.blocks_bytes(outcome.body)):
            status, detail = FetchStatus.BLOCKED_BY_LIST, why
        data = outcome.body if status is FetchStatus.OK else None
        digest = hashlib.sha256(outcome.body).hexdigest() if status in HASHED and outcome.body else None
        self._emit(
            Answer(
                url=job.url,
                status=status,
                http_status=outcome.code,
                attempts=job.retried + 1 if job.last is not None else 0,
                final_url=job.current if job.last is not None or job.hops else None,
                redirects=job.hops,
                log=tuple(job.log),
                content_type=outcome.content_type,
                headers=outcome.headers,
                num_bytes=len(outcome.body),
                seconds=round(job.seconds, 3),
                fetched_at=datetime.datetime.now(datetime.UTC),
                sha256=digest,
                data=data,
                detail=detail,
            )
        )
        return len(data) if data else 0


def _no_objection(_headers: Headers) -> None:
    return None
