"""Near neighbours among 256-bit hashes: bit-sampling tables, exact distances, groups that no chain holds together.

A table is a fixed choice of bits (Indyk and Motwani 1998, "Approximate nearest neighbors", 3.1); hashes that agree in
all of them meet in a bucket, and those that meet are compared in full. How many tables of how many bits: the cheapest
that miss no more than `MISSED` of the pairs at the full radius; nearer pairs are missed less. Whole bands of a hash
would do the same worse: bits side by side are alike.

A group is a leader and the hashes within the radius of *it* that have no nearer leader: no hash is drawn into a group
by a chain of likenesses.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from filters.images.pdq import BITS, distances

Words = npt.NDArray[np.uint64]
Indices = npt.NDArray[np.int64]

MISSED = 0.003
"""Share of the pairs at exactly the radius that no table may bring together."""
MAX_BUCKET = 512
"""Hashes of a bucket that each other one is compared with: the first in the order of hashes. Only pictures that are all
alike fill a bucket so far, and they meet their leader among the first."""
BUCKET_PAIRS = 1 << 20
"""Comparisons of one bucket: of 20,000 hashes each is compared with the first 52 only, so that the pairs that one
picture in very many versions makes are no square of their number."""
_ROW_COST, _PAIR_COST = 4e-6, 8e-8  # seconds of a core: to bring a row to its bucket; to compare two hashes
_MEAN_BUCKET = 64  # hashes of a bucket on average, at most: pictures are less even than dice
_MAX_TABLE_BITS = 48  # with the table's number the key stays within 63 bits
_SEED = 256


@dataclass(frozen=True, slots=True)
class Tables:
    """How many tables, and bits of each."""

    number: int
    bits: int


def tables(count: int, radius: int) -> Tables:
    """The cheapest tables for `count` hashes; radius 0 to 255 bits. Few are all compared: one table of no bits."""
    if count <= MAX_BUCKET:
        return Tables(1, 0)
    found: list[tuple[float, Tables]] = []
    least = max(1, math.ceil(math.log2(max(1, count / _MEAN_BUCKET))))
    for bits in range(least, min(_MAX_TABLE_BITS, BITS - radius) + 1):
        meets = math.prod((BITS - radius - i) / (BITS - i) for i in range(bits))
        number = math.ceil(math.log(MISSED) / math.log1p(-meets)) if meets < 1 else 1
        cost = number * count * (_ROW_COST + count / 2 / 2**bits * _PAIR_COST)
        found.append((cost, Tables(number, bits)))
    return min(found, key=lambda choice: choice[0])[1]


def keys(hashes: Words, chosen: Tables) -> npt.NDArray[np.int64]:
    """int64 (hashes, tables): hashes with an equal key are to be compared."""
    bits = np.unpackbits(hashes.astype(">u8").view(np.uint8).reshape(-1, BITS // 8), axis=1)
    powers = 1 << np.arange(chosen.bits, dtype=np.int64)
    columns = [bits[:, picked].astype(np.int64) @ powers for picked in _picked(chosen)]
    number = np.arange(chosen.number, dtype=np.int64) << chosen.bits
    found: npt.NDArray[np.int64] = np.stack(columns, axis=1) | number
    return found


def pairs(buckets: Indices, hashes: Words, radius: int) -> tuple[Indices, Indices, npt.NDArray[np.uint16]]:
    """Pairs (a, b, bits apart) of rows of a bucket within `radius`, a before b in the order of hashes.

    Args:
        buckets: int64 (rows): the bucket of each row.
        hashes: uint64 (rows, 4).
        radius: bits, inclusive.
    """
    order = np.lexsort((hashes[:, 3], hashes[:, 2], hashes[:, 1], hashes[:, 0], buckets))
    ordered, sorted_hashes = buckets[order], hashes[order]
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]]) if ordered.size else np.zeros(0, np.int64)
    counts = np.diff(np.r_[starts, ordered.size])
    place = np.arange(ordered.size) - np.repeat(starts, counts)
    most = np.repeat(np.clip(BUCKET_PAIRS // np.maximum(counts, 1), 1, MAX_BUCKET), counts)
    first, second, apart = [], [], []
    later = np.arange(ordered.size)
    for number in range(MAX_BUCKET):
        # each row with the one at place `number` of its bucket: whole columns at a time, whatever the sizes of buckets
        later = later[(place[later] > number) & (most[later] > number)]
        if not later.size:
            break
        earlier = later - place[later] + number
        bits = distances(sorted_hashes[later], sorted_hashes[earlier])
        near = bits <= radius
        first.append(order[earlier[near]])
        second.append(order[later[near]])
        apart.append(bits[near])
    if not first:
        return np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, np.uint16)
    return np.concatenate(first), np.concatenate(second), np.concatenate(apart)


def leaders(first: Indices, second: Indices, nodes: int) -> npt.NDArray[np.bool_]:
    """Which of `nodes` lead: in order, each one that no leader before it is a neighbour of.

    Args:
        first: of each pair of neighbours the earlier node.
        second: the later one.
        nodes: how many there are, 0 to nodes - 1.
    """
    order = np.argsort(first, kind="stable")
    after, bounds = second[order], np.searchsorted(first[order], np.arange(nodes + 1))
    leads = np.ones(nodes, np.bool_)
    for node in range(nodes):
        if leads[node]:
            leads[after[bounds[node] : bounds[node + 1]]] = False
    return leads


class Lookup:
    """Known hashes, asked for the nearest within a radius of up to 31 bits: exact, a few microseconds.

    Two hashes up to 31 bits apart have one of sixteen 16-bit words within one bit of each other (pigeonhole): known
    hashes are found by the words and by each word with one bit turned.
    """

    def __init__(self, hashes: Words) -> None:
        self._hashes = hashes
        parts = hashes.astype(">u8").view(">u2").reshape(-1, 16).astype(np.int64) | (np.arange(16) << 16)
        order = np.argsort(parts, axis=None, kind="stable")
        self._parts, self._rows = parts.ravel()[order], order // 16

    def nearest(self, wanted: Words, radius: int) -> int | None:
        """Bits to the nearest known hash where that is `radius` (0 to 31) at most, None where there is none.

        Args:
            wanted: uint64 (4,).
            radius: bits, inclusive.
        """
        if not 0 <= radius <= MAX_RADIUS:
            raise ValueError(f"radius {radius}: want 0 to {MAX_RADIUS} bits")
        parts = wanted.astype(">u8").view(">u2").astype(np.int64) | (np.arange(16) << 16)
        asked = (parts[:, None] ^ np.r_[0, 1 << np.arange(16)]).ravel()
        low, high = np.searchsorted(self._parts, asked), np.searchsorted(self._parts, asked, "right")
        rows = [self._rows[a:b] for a, b in zip(low, high, strict=True) if a < b]
        if not rows:
            return None
        least = int(distances(self._hashes[np.unique(np.concatenate(rows))], wanted).min())
        return least if least <= radius else None


MAX_RADIUS = 31
"""Greatest radius of `Lookup`."""


@functools.lru_cache(maxsize=8)
def _picked(chosen: Tables) -> tuple[Indices, ...]:
    """The bits of each table, the same on every machine: PCG64's stream is part of NumPy's promise."""
    dice = np.random.Generator(np.random.PCG64(_SEED))
    return tuple(np.argsort(dice.random(BITS))[: chosen.bits] for _ in range(chosen.number))
