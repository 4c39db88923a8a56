import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.report.distributions import shares


def test_concentration_of_hosts():
    found = shares([(6, 1), (2, 1), (1, 2)])
    assert found["count"] == 4
    assert found["share_of_top"] == {"1": 0.6, "10": 1.0, "100": 1.0, "1000": 1.0}
    assert found["hosts_of_half"] == 1


@pytest.mark.parametrize(("sizes", "half"), [([], 0), ([(1, 10)], 5), ([(1, 9)], 5), ([(10, 1), (1, 10)], 1)])
def test_how_many_hosts_hold_half(sizes, half):
    assert shares(sizes)["hosts_of_half"] == half


@given(st.lists(st.integers(1, 40), min_size=1, max_size=60))
def test_it_is_what_sorting_all_hosts_would_say(hosts):
    sizes = [(size, hosts.count(size)) for size in set(hosts)]
    ordered, total = sorted(hosts, reverse=True), sum(hosts)
    found = shares(sizes)
    assert found["share_of_top"]["10"] == pytest.approx(sum(ordered[:10]) / total)
    half = next(n for n in range(1, len(hosts) + 1) if sum(ordered[:n]) >= total / 2)
    assert found["hosts_of_half"] == half
