import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.images.near import BUCKET_PAIRS, MAX_BUCKET, MAX_RADIUS, Lookup, Tables, keys, leaders, pairs, tables
from filters.images.pdq import distances

HASH = st.integers(0, 2**256 - 1)


def as_words(*values):
    data = b"".join(value.to_bytes(32, "big") for value in values)
    return np.frombuffer(data, ">u8").astype(np.uint64).reshape(-1, 4)


def flipped(value, bits):
    for bit in bits:
        value ^= 1 << bit
    return value


@pytest.mark.parametrize("count", [1, 1_000, 1_000_000, 10**9])
@pytest.mark.parametrize("radius", [0, 1, 16, 31])
def test_tables_miss_few_pairs_and_fill_no_bucket(count, radius):
    chosen = tables(count, radius)
    meet = np.prod([(256 - radius - i) / (256 - i) for i in range(chosen.bits)])
    assert (1 - meet) ** chosen.number <= 0.003 or meet == 1
    assert count / 2**chosen.bits <= (64 if count > MAX_BUCKET else MAX_BUCKET)
    assert (chosen.number << chosen.bits) < 2**63


def test_a_larger_set_does_not_cost_much_more_a_hash():
    few, many = tables(1_000_000, 16), tables(4_000_000, 16)
    assert many.number <= 1.3 * few.number


def test_equal_hashes_have_equal_keys_and_each_table_its_own():
    found = keys(as_words(7, 7, 2**255 + 1), Tables(5, 9))
    assert (found[0] == found[1]).all()
    assert [key >> 9 for key in found[0]] == [0, 1, 2, 3, 4]


def test_planted_neighbours_meet_as_often_as_promised():
    dice = np.random.default_rng(0)
    chosen = tables(100_000, 16)
    values = [int.from_bytes(dice.bytes(32)) for _ in range(2_000)]
    near = [flipped(v, map(int, dice.choice(256, 16, replace=False))) for v in values]
    meet = (keys(as_words(*values), chosen) == keys(as_words(*near), chosen)).any(axis=1)
    assert meet.mean() >= 0.99


def test_pairs_are_those_of_a_loop():
    dice = np.random.default_rng(1)
    hashes = as_words(*(flipped(0, map(int, dice.choice(256, 6, replace=False))) for _ in range(60)))
    buckets = dice.integers(0, 3, 60)
    first, second, apart = pairs(buckets, hashes, 10)
    found = {(min(a, b), max(a, b), int(d)) for a, b, d in zip(first, second, apart, strict=True)}
    expected = {
        (a, b, int(distances(hashes[a], hashes[b])))
        for a in range(60)
        for b in range(a + 1, 60)
        if buckets[a] == buckets[b] and distances(hashes[a], hashes[b]) <= 10
    }
    assert found == expected
    assert all(tuple(hashes[a]) <= tuple(hashes[b]) for a, b in zip(first, second, strict=True))


def test_a_bucket_that_is_too_full_is_compared_with_its_first_hashes():
    hashes = as_words(*range(MAX_BUCKET + 40))
    first, second, _ = pairs(np.zeros(len(hashes), np.int64), hashes, 256)
    assert first.max() == MAX_BUCKET - 1
    assert set(second) == set(range(1, len(hashes)))


def test_the_pairs_of_one_picture_in_very_many_versions_are_no_square_of_their_number():
    dice = np.random.default_rng(4)
    hashes = np.zeros((20_000, 4), np.uint64)
    hashes[np.arange(20_000), dice.integers(0, 4, 20_000)] = dice.integers(0, 1 << 16, 20_000, dtype=np.uint64)
    first, second, _ = pairs(np.zeros(20_000, np.int64), hashes, 32)
    assert len(first) <= BUCKET_PAIRS
    smallest = np.lexsort(hashes.T[::-1])[0]
    assert set(second) == set(range(20_000)) - {smallest}  # each but the first


def test_no_rows_have_no_pairs():
    assert [len(part) for part in pairs(np.zeros(0, np.int64), as_words(), 16)] == [0, 0, 0]


@pytest.mark.parametrize(
    ("edges", "expected"),
    [
        ([], [True, True, True, True]),
        ([(0, 1), (1, 2), (2, 3)], [True, False, True, False]),
        ([(0, 3), (1, 3)], [True, True, True, False]),
        ([(0, 1), (0, 2), (0, 3), (1, 2)], [True, False, False, False]),
    ],
)
def test_a_node_leads_unless_a_leader_before_it_is_near(edges, expected):
    first, second = np.array(edges, np.int64).reshape(-1, 2).T
    assert leaders(first, second, 4).tolist() == expected


@given(st.lists(HASH, min_size=1, max_size=20), st.integers(0, 19), st.sets(st.integers(0, 255), max_size=40))
def test_a_lookup_finds_the_nearest_known_hash_within_its_radius_always(known, which, bits):
    wanted = flipped(known[which % len(known)], bits)
    least = min((wanted ^ value).bit_count() for value in known)
    found = Lookup(as_words(*known)).nearest(as_words(wanted)[0], MAX_RADIUS)
    assert found == (least if least <= MAX_RADIUS else None)


def test_a_lookup_of_a_smaller_or_wrong_radius():
    lookup = Lookup(as_words(0))
    assert lookup.nearest(as_words(0b111)[0], 3) == 3
    assert lookup.nearest(as_words(0b111)[0], 2) is None
    with pytest.raises(ValueError, match="want 0 to 31"):
        lookup.nearest(as_words(0)[0], 32)
    assert Lookup(as_words()).nearest(as_words(0)[0], 31) is None
