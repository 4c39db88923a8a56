import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vlm.loader.order import EpochOrder, permutation


@given(st.integers(0, 300), st.integers())
def test_a_permutation_has_every_number_once(n, key):
    assert sorted(permutation(n, key).tolist()) == list(range(n))


def test_a_permutation_is_the_same_on_every_machine():
    assert permutation(8, "rows", 7, "abc", 0).tolist() == [5, 7, 2, 6, 3, 4, 1, 0]


def test_keys_give_different_permutations():
    assert permutation(50, 1).tolist() != permutation(50, 2).tolist()


@given(st.lists(st.integers(0, 9), min_size=1, max_size=8), st.integers(1, 12), st.integers(0, 3))
def test_lanes_share_an_epoch_without_rest_and_within_one_document(counts, lanes, epoch):
    order = EpochOrder(np.array(counts, np.int64), seed=3, dataset="d", lanes=lanes)
    ranges = [order.lane_range(lane, epoch) for lane in range(lanes)]
    places = [order.at(epoch, p) for lo, hi in ranges for p in range(lo, hi)]
    assert sorted(places) == [(s, r) for s, n in enumerate(counts) for r in range(n)]
    sizes = [hi - lo for lo, hi in ranges]
    assert max(sizes) - min(sizes) <= 1


@pytest.mark.parametrize("epoch", [1, 2])
def test_another_epoch_has_another_order(epoch):
    order = EpochOrder(np.array([20, 30], np.int64), seed=3, dataset="d", lanes=4)
    assert [order.at(0, p) for p in range(50)] != [order.at(epoch, p) for p in range(50)]


def test_with_fewer_documents_than_lanes_every_lane_gets_some_in_time():
    order = EpochOrder(np.array([2], np.int64), seed=0, dataset="d", lanes=5)
    for lane in range(5):
        assert any(np.subtract(*order.lane_range(lane, epoch)[::-1]) > 0 for epoch in range(5))
