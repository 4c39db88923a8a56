"""The order of documents: a pure function of (seed, epoch, lane), the same on every machine and NumPy version.

In each epoch the shards are permuted, the documents of each shard are permuted, and the long row that results is cut
into as many equal ranges as there are lanes. So lanes have the same number of documents (give or take one), fewer
shards than lanes or empty shards need no special case, and no shuffle buffer has to be saved: shards are cut by hash of
the document id, so a shard is a random sample already (DESIGN section 4) and only its place is left to shuffle.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from functools import lru_cache

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]


def permutation(n: int, *key: object) -> Ints:
    """0..n-1 in an order that only `key` decides: sorted by splitmix64 of (key + i), ties by i.

    NumPy's own generators may change their streams between versions (NEP 19); a resumed run must not.
    Source of the mixing constants: Steele, Lea, Flood 2014, "Fast splittable pseudorandom number generators".
    """
    start = int.from_bytes(hashlib.sha256(repr(key).encode()).digest()[:8], "little")
    golden = np.uint64(0x9E3779B97F4A7C15)
    x = (np.arange(1, n + 1, dtype=np.uint64) * golden) + np.uint64(start)  # wraps, as it should
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.argsort(x ^ (x >> np.uint64(31)), kind="stable").astype(np.int64)


class EpochOrder:
    """Where each position of an epoch of one dataset lies, and which positions belong to a lane."""

    def __init__(self, counts: Ints, *, seed: int, dataset: str, lanes: int) -> None:
        """`counts` are the documents of each shard; `dataset` is the fingerprint of its manifest."""
        self._counts, self._seed, self._dataset, self._lanes = counts, seed, dataset, lanes
        self.num_documents = int(counts.sum())
        # Memory: lanes are at most an epoch or two apart; an epoch of 100,000 shards is 8 MB.
        self._epoch = lru_cache(maxsize=4)(self._order_of)
        self._rows = lru_cache(maxsize=2 * lanes + 4)(self._rows_of)

    def _order_of(self, epoch: int) -> tuple[list[int], list[int]]:
        shards = permutation(len(self._counts), "shards", self._seed, self._dataset, epoch)
        return shards.tolist(), np.cumsum(self._counts[shards]).tolist()

    def _rows_of(self, epoch: int, shard: int) -> npt.NDArray[np.int32]:
        rows = permutation(int(self._counts[shard]), "rows", self._seed, self._dataset, epoch, shard)
        return rows.astype(np.int32)

    def lane_range(self, lane: int, epoch: int) -> tuple[int, int]:
        """Positions [start, stop) of a lane. Lanes turn with the epoch: where there are fewer documents than lanes all
        lanes get some in time.
        """
        turned = (lane + epoch) % self._lanes
        n = self.num_documents
        return turned * n // self._lanes, (turned + 1) * n // self._lanes

    def at(self, epoch: int, position: int) -> tuple[int, int]:
        """(shard, row) of a position of an epoch."""
        shards, ends = self._epoch(epoch)
        k = bisect_right(ends, position)
        return shards[k], int(self._rows(epoch, shards[k])[position - (ends[k - 1] if k else 0)])
