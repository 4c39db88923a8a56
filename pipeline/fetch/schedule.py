"""Whose turn it is: jobs of many host groups, each group under its own limits. Knows no clock and no network.

The caller says what time it is, so that the same code is tested under a simulated clock with half of a
million URLs of one group.
"""

from __future__ import annotations

import heapq
import itertools
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from filters.page_urls import site_of_host
from pipeline.fetch.config import Config, HostLimit
from pipeline.fetch.target import target_of

JobT = TypeVar("JobT")


def group_of(url: str, config: Config) -> str:
    """The host group of a URL, "" for one that cannot be asked."""
    try:
        return group_of_host(target_of(url).host, config)
    except ValueError:
        return ""


def group_of_host(host: str, config: Config) -> str:
    """The host group of a host: a domain of `config.limits`, else the registrable domain, else the host."""
    if config.limits:
        labels = host.split(".")
        for i in range(len(labels)):
            domain = ".".join(labels[i:])
            if domain in config.limits:
                return domain
    return site_of_host(host)


@dataclass(slots=True)
class _Group(Generic[JobT]):
    limit: HostLimit
    ready: deque[JobT] = field(default_factory=deque)
    later: list[tuple[float, int, JobT]] = field(default_factory=list)
    active: int = 0
    next_at: float = 0.0
    ticket: int = -1
    """The valid entry of this group in the heap; older ones are passed over."""


class Schedule(Generic[JobT]):
    """Jobs in the order in which their groups may start them.

    Args:
        limit_of: the limit of a group.
        pace: when a group may next be asked, as an earlier schedule of the same caller left it; kept up to date.
    """

    def __init__(self, limit_of: Callable[[str], HostLimit], pace: dict[str, float] | None = None) -> None:
        self._limit_of = limit_of
        self._pace = {} if pace is None else pace
        self._groups: dict[str, _Group[JobT]] = {}
        self._heap: list[tuple[float, int, str]] = []
        self._tickets = itertools.count()
        self._waiting = 0

    def __len__(self) -> int:
        return self._waiting

    def add(self, group: str, job: JobT, *, now: float, not_before: float = 0.0, first: bool = False) -> None:
        """Queue a job: last of its group, or first, or not before a time."""
        state = self._groups.get(group)
        if state is None:
            state = self._groups[group] = _Group(self._limit_of(group), next_at=self._pace.pop(group, 0.0))
        self._waiting += 1
        if not_before > now:
            heapq.heappush(state.later, (not_before, next(self._tickets), job))
        elif first:
            state.ready.appendleft(job)
        else:
            state.ready.append(job)
        self._enter(group, state, now)

    def take(self, now: float) -> tuple[str, JobT] | None:
        """A job that may start now, with its group; its place must be given back by `done`."""
        while self._heap and self._heap[0][0] <= now:
            _, ticket, group = heapq.heappop(self._heap)
            state = self._groups.get(group)
            if state is None or ticket != state.ticket:
                continue
            while state.later and state.later[0][0] <= now:
                state.ready.append(heapq.heappop(state.later)[2])
            job = state.ready.popleft()
            state.active += 1
            self._waiting -= 1
            if state.limit.rate:
                state.next_at = self._pace[group] = max(now, state.next_at) + 1 / state.limit.rate
            self._enter(group, state, now)
            return group, job
        return None

    def done(self, group: str, *, now: float) -> None:
        """A job of the group has ended."""
        state = self._groups[group]
        state.active -= 1
        if not state.active and not state.ready and not state.later and state.next_at <= now:
            del self._groups[group]
            self._pace.pop(group, None)
            return
        self._enter(group, state, now)

    def pause(self, group: str, *, until: float, now: float) -> None:
        """Start no job of the group before a time, as its server asked; the group must have a job."""
        state = self._groups[group]
        state.next_at = self._pace[group] = max(state.next_at, until)
        self._enter(group, state, now)

    def next_time(self) -> float | None:
        """When `take` may next give a job, if no place comes free before; None if it waits for places
        only."""
        while self._heap and self._heap[0][1] != self._ticket_of(self._heap[0][2]):
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def drain(self) -> list[JobT]:
        """All jobs that have not started, taken out: the round is over."""
        left: list[JobT] = []
        for state in self._groups.values():
            left.extend(state.ready)
            left.extend(job for _, _, job in sorted(state.later, key=lambda entry: entry[:2]))
            state.ready.clear()
            state.later.clear()
            state.ticket = -1
        self._heap.clear()
        self._waiting = 0
        return left

    def _ticket_of(self, group: str) -> int:
        state = self._groups.get(group)
        return state.ticket if state else -1

    def _enter(self, group: str, state: _Group[JobT], now: float) -> None:
        """Give the group its place in the heap, or none while it may start nothing."""
        state.ticket = -1
        if state.active >= state.limit.concurrency or not (state.ready or state.later):
            return
        at = max(state.next_at, now if state.ready else state.later[0][0])
        state.ticket = next(self._tickets)
        heapq.heappush(self._heap, (at, state.ticket, group))
