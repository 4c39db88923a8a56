"""How long the host groups will take at their limits, said before anything is asked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from pipeline.fetch.config import Config
from pipeline.fetch.plan import TYPICAL_S


class Forecast(NamedTuple):
    """The least time that a group needs."""

    seconds: float
    group: str
    num_urls: int


def forecast(urls_of_group: Mapping[str, int], config: Config, *, most: int = 10) -> list[Forecast]:
    """The slowest groups, longest first: what rate and places allow, without retries and failures.

    Args:
        urls_of_group: URLs to ask of each host group.
        config: section [fetch].
        most: how many groups to name.
    """
    found = []
    for group, count in urls_of_group.items():
        limit = config.limit_of(group)
        by_places = count * TYPICAL_S / limit.concurrency
        by_rate = count / limit.rate if limit.rate else 0.0
        found.append(Forecast(max(by_places, by_rate), group, count))
    return sorted(found, key=lambda each: (-each.seconds, each.group))[:most]


def sentence(slowest: list[Forecast]) -> str:
    """One line for a person: `slowest hosts at their limits: a.example 2.8 h (100,000 URLs), ...`."""
    if not slowest:
        return "nothing to ask"
    parts = [f"{each.group} {_span(each.seconds)} ({each.num_urls:,} URLs)" for each in slowest]
    return "slowest hosts at their limits: " + ", ".join(parts)


def _span(seconds: float) -> str:
    if seconds >= 5400:
        return f"{seconds / 3600:.1f} h"
    return f"{seconds / 60:.1f} min" if seconds >= 90 else f"{seconds:.0f} s"
