"""A URL on its way through robots.txt, redirects and retries."""

from __future__ import annotations

import datetime
from dataclasses import dataclass, field

from pipeline.fetch.answers import Attempt
from pipeline.fetch.request import Outcome
from pipeline.fetch.target import Target
from schemas.reasons import FetchStatus


@dataclass(frozen=True, slots=True)
class Start:
    """A URL that is asked at another place: where an earlier round was redirected to."""

    url: str
    current: str
    redirects: int


@dataclass(slots=True, kw_only=True)
class Job:
    """One URL on its way, or the robots.txt of an origin."""

    url: str
    current: str
    target: Target | None = None
    """Of `current`, when it was looked at."""
    robots_of: str | None = None
    """The origin, for a job that asks its robots.txt."""
    hops: int = 0
    retried: int = 0
    seconds: float = 0.0
    visited: set[str] = field(default_factory=set)
    last: Outcome | None = None
    log: list[Attempt] = field(default_factory=list)


def attempt_of(asked: str, outcome: Outcome) -> Attempt:
    """The log's entry of a request."""
    return Attempt(
        asked=asked,
        status=FetchStatus.HTTP_OTHER if outcome.location else outcome.status,
        http_status=outcome.code,
        num_bytes=len(outcome.body),
        seconds=round(outcome.seconds, 3),
        ended_at=datetime.datetime.now(datetime.UTC),
        detail=outcome.detail,
    )
