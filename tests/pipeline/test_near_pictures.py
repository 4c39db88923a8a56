"""Groups of near hashes on Spark, against what a loop over all pairs says."""

from __future__ import annotations

import numpy as np
import pytest

from filters.images.pdq import distances, words
from pipeline.near_pictures import groups


def flip(value, *bits):
    for bit in bits:
        value ^= 1 << bit
    return value


def as_hex(values):
    return [f"{value:064x}" for value in values]


def by_a_loop(hashes, radius):
    """{hash: (leader, bits)}: in order, each that is near no leader leads; the others go to the nearest."""
    every = sorted(set(hashes))
    w = words(every)
    leads = []
    for n in range(len(every)):
        if not any(distances(w[n], w[k]) <= radius for k in leads):
            leads.append(n)
    found = {}
    for n, name in enumerate(every):
        bits, leader = min((int(distances(w[n], w[k])), k) for k in leads)
        found[name] = (every[leader], bits)
    return found


@pytest.fixture
def grouped(spark):
    def run(hashes, radius, **options):
        frame = spark.createDataFrame([(bytes.fromhex(h),) for h in hashes], "hash binary")
        return {r["hash"].hex(): (r["leader"].hex(), r["apart"]) for r in groups(frame, radius, **options).collect()}

    return run


@pytest.fixture(scope="module")
def crowded():
    """Ten strangers, each with near copies and copies of copies: chains over several radii."""
    dice = np.random.default_rng(3)
    found = []
    for _ in range(10):
        value = int.from_bytes(dice.bytes(32))
        for _ in range(8):
            found.append(value)
            value = flip(value, *(int(b) for b in dice.choice(256, 3, replace=False)))
    return as_hex(found)


@pytest.mark.parametrize("small", [10_000, 10])
def test_groups_are_those_of_all_pairs_whether_one_task_finds_the_leaders_or_rounds_do(grouped, crowded, small):
    assert grouped([*crowded, *crowded[:5]], 6, small=small) == by_a_loop(crowded, 6)


def test_a_chain_is_not_swallowed_whole(grouped):
    chain = as_hex(flip(0, *range(0, 5 * n)) for n in range(7))  # each 5 bits from the next, 30 from end to end
    found = grouped(chain, 5)
    assert all(bits <= 5 for _, bits in found.values())
    assert len({leader for leader, _ in found.values()}) >= 3


def test_the_radius_is_inclusive_and_0_groups_equal_hashes_only(grouped):
    a, b, c = as_hex([0, flip(0, 7), flip(0, *range(10, 20))])
    assert grouped([a, b, c], 0) == {a: (a, 0), b: (b, 0), c: (c, 0)}
    assert grouped([a, b, c], 10) == {a: (a, 0), b: (a, 1), c: (a, 10)}
    assert grouped([a, b, c], 9)[c] == (c, 0)


def test_nothing_and_one_hash_are_grouped(grouped, spark):
    assert groups(spark.createDataFrame([], "hash binary"), 16).collect() == []
    assert grouped(as_hex([5]), 16) == {as_hex([5])[0]: (as_hex([5])[0], 0)}
