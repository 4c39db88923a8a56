"""Which task asks which URL, and in what order: so that limits hold without any talk between tasks.

A host group lives in one task, or, where its limit allows more requests than a task has places, in as many as that
needs, each with its part of the limit. A task's slices run one after the other. In each of them a group may have only
as many URLs as take some seconds at its limit: the first slices hold the first piece of every group, the next ones
what is left of the larger groups, and so on. A group of any size keeps the others waiting for one piece at most.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import xxhash

from pipeline.fetch.config import Config

PIECE_S = 5.0
"""Seconds for which a group is asked before the other groups of its task have their turn."""
TYPICAL_S = 0.5
"""Seconds of a request where only places limit a group: between a near CDN (0.1) and a far, slow host (1)."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The plan of one round."""

    config: Config
    tasks: int
    """Tasks that run at once."""

    def parts(self, group: str) -> int:
        """How many tasks ask a group, each with so large a part of its limit."""
        return max(1, min(self.tasks, math.ceil(self.config.limit_of(group).concurrency / self.config.concurrency)))

    def task_of(self, group: str, url: str) -> int:
        """The number of the task that asks a URL of a group."""
        return (_hash(group) + _hash(url) % self.parts(group)) % self.tasks

    def share(self, task: int, group: str) -> int:
        """Into how many parts the group's limit is divided, one of which is the task's; 0 where it has none."""
        parts = self.parts(group)
        return parts if (task - _hash(group)) % self.tasks < parts else 0

    def piece(self, group: str) -> int:
        """URLs of a group that one of its tasks asks before the other groups have their turn."""
        limit = self.config.limit_of(group).divided(self.parts(group))
        speed = limit.concurrency / TYPICAL_S
        if limit.rate:
            speed = min(speed, limit.rate)
        return max(1, min(self.config.slice_urls, int(speed * PIECE_S)))


def _hash(text: str) -> int:
    return xxhash.xxh64_intdigest(text.encode("utf-8", "surrogatepass"))
