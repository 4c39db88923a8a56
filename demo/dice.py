"""Choices that come out the same everywhere: a small random source keyed by what is being decided.

Only `random.Random(int).random()` is used, whose sequence Python promises to keep between versions; `choice`,
`sample` and `shuffle` carry no such promise, so their few lines are here.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from random import Random
from typing import TypeVar

T = TypeVar("T")


def digest(*key: object, size: int = 8) -> str:
    """`2 * size` hex digits that depend on `key` (its parts as strings) alone."""
    return blake2b("\x1f".join(map(str, key)).encode(), digest_size=size).hexdigest()


class Dice:
    """A sequence of choices that depends on its key alone."""

    __slots__ = ("_next",)

    def __init__(self, *key: object) -> None:
        self._next = Random(int(digest(*key), 16)).random

    def below(self, n: int) -> int:
        """An integer from 0 to n - 1."""
        return int(self._next() * n)

    def between(self, low: int, high: int) -> int:
        """An integer from `low` to `high`, both included."""
        return low + int(self._next() * (high - low + 1))

    def uniform(self, low: float, high: float) -> float:
        """A number from `low` up to `high`."""
        return low + self._next() * (high - low)

    def chance(self, share: float) -> bool:
        """True in `share` of the cases."""
        return self._next() < share

    def pick(self, items: Sequence[T]) -> T:
        """One of `items`."""
        return items[int(self._next() * len(items))]

    def some(self, items: Sequence[T], count: int) -> list[T]:
        """`count` different positions of `items` in an order of their own (all of them if there are fewer)."""
        pool = list(items)
        count = min(count, len(pool))
        for i in range(count):
            j = i + int(self._next() * (len(pool) - i))
            pool[i], pool[j] = pool[j], pool[i]
        return pool[:count]
