import heapq
import itertools
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.fetch.config import Config, HostLimit
from pipeline.fetch.schedule import Schedule, group_of


def simulate(schedule, durations, until=float("inf")):
    """Run all jobs under a clock that jumps; (start, group, job) of each, and how many ran at once in each group."""
    now, running, starts = 0.0, [], []
    active, most = {}, {}
    while now < until:
        while (taken := schedule.take(now)) is not None:
            group, job = taken
            starts.append((now, group, job))
            active[group] = active.get(group, 0) + 1
            most[group] = max(most.get(group, 0), active[group])
            heapq.heappush(running, (now + durations(job), len(starts), group))
        times = [running[0][0]] if running else []
        if (at := schedule.next_time()) is not None:
            times.append(max(at, now))
        if not times:
            break
        now = min(times)
        while running and running[0][0] <= now:
            group = heapq.heappop(running)[2]
            active[group] -= 1
            schedule.done(group, now=now)
    return starts, most


def test_a_group_keeps_its_rate_and_its_places():
    schedule = Schedule(lambda _: HostLimit(concurrency=3, rate=5.0))
    for i in range(100):
        schedule.add("a", i, now=0.0)
    starts, most = simulate(schedule, lambda _: 1.0)
    times = [t for t, _, _ in starts]
    assert [job for _, _, job in starts] == list(range(100))
    assert most == {"a": 3}
    assert all(b - a >= 0.2 - 1e-9 for a, b in itertools.pairwise(times))


@pytest.mark.parametrize("size", [50_000, pytest.param(500_000, marks=pytest.mark.slow)])
def test_one_huge_group_keeps_nobody_waiting(size):
    """20,000 URLs on 1,000 hosts end as if the one host with up to half of a million were not there."""
    dice, limit = random.Random(3), HostLimit(concurrency=4, rate=10.0)

    def run(with_huge):
        schedule = Schedule(lambda _: limit)
        jobs = [(f"h{i % 1000}", i) for i in range(20_000)]
        if with_huge:
            jobs += [("huge", -i) for i in range(1, size + 1)]
            dice.shuffle(jobs)
        for group, job in jobs:
            schedule.add(group, job, now=0.0)
        starts, most = simulate(schedule, lambda _: 0.3, until=60.0)
        return starts, most

    alone, _ = run(with_huge=False)
    beside, most = run(with_huge=True)
    others = [start for start in beside if start[1] != "huge"]
    assert len(others) == len(alone) == 20_000
    assert max(t for t, _, _ in others) == pytest.approx(max(t for t, _, _ in alone))
    huge = [t for t, group, _ in beside if group == "huge"]
    assert len(huge) <= 60 * 10 + 1
    assert most["huge"] <= 4


def test_groups_without_a_rate_take_turns():
    schedule = Schedule(lambda _: HostLimit(concurrency=1, rate=0.0))
    for i in range(4):
        schedule.add("a", f"a{i}", now=0.0)
    for i in range(4):
        schedule.add("b", f"b{i}", now=0.0)
    starts, _ = simulate(schedule, lambda _: 1.0)
    assert [(t, job) for t, _, job in starts[:4]] == [(0.0, "a0"), (0.0, "b0"), (1.0, "a1"), (1.0, "b1")]


def test_a_job_waits_for_its_time_and_others_pass_it():
    schedule = Schedule(lambda _: HostLimit(concurrency=1, rate=0.0))
    schedule.add("a", "later", now=0.0, not_before=5.0)
    schedule.add("a", "now", now=0.0)
    starts, _ = simulate(schedule, lambda _: 1.0)
    assert [(t, job) for t, _, job in starts] == [(0.0, "now"), (5.0, "later")]


def test_a_pause_holds_the_whole_group_and_no_other():
    schedule = Schedule(lambda _: HostLimit(concurrency=2, rate=0.0))
    for group in "ab":
        for i in range(3):
            schedule.add(group, i, now=0.0)
    assert schedule.take(0.0) == ("a", 0)
    schedule.pause("a", until=9.0, now=0.0)
    schedule.done("a", now=0.0)
    starts, _ = simulate(schedule, lambda _: 0.1)
    assert min(t for t, group, _ in starts if group == "a") == 9.0
    assert max(t for t, group, _ in starts if group == "b") < 1.0


def test_what_has_not_begun_is_given_back_in_order():
    schedule = Schedule(lambda _: HostLimit(concurrency=1, rate=0.0))
    for i in range(3):
        schedule.add("a", i, now=0.0)
    schedule.add("a", "later", now=0.0, not_before=9.0)
    schedule.take(0.0)
    assert schedule.drain() == [1, 2, "later"]
    assert len(schedule) == 0
    schedule.done("a", now=1.0)
    assert schedule.take(1.0) is None
    assert schedule.next_time() is None


@pytest.mark.parametrize(
    ("url", "group"),
    [
        ("https://images.a.co.uk/x.jpg", "a.co.uk"),
        ("https://me.github.io/x.jpg", "me.github.io"),
        ("https://i0.wp.com/x.jpg", "wp.com"),
        ("https://deep.cdn.example/x.jpg", "cdn.example"),
        ("http://127.0.0.1:8000/x", "127.0.0.1"),
        ("http://localhost/x", "localhost"),
        ("http://[broken/x", ""),
    ],
)
def test_a_group_is_a_registrable_domain_or_one_of_the_recipe(url, group):
    config = Config(limits={"cdn.example": HostLimit()})
    assert group_of(url, config) == group


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.floats(0, 5), st.floats(0.01, 3)), max_size=40),
    st.integers(1, 3),
    st.sampled_from([0.0, 1.0, 7.0]),
)
def test_every_job_starts_once_and_no_limit_is_passed(jobs, concurrency, rate):
    schedule = Schedule(lambda _: HostLimit(concurrency=concurrency, rate=rate))
    for i, (group, not_before, _) in enumerate(jobs):
        schedule.add(group, i, now=0.0, not_before=not_before)
    starts, most = simulate(schedule, lambda job: jobs[job][2])
    assert sorted(job for _, _, job in starts) == list(range(len(jobs)))
    assert all(t >= jobs[job][1] for t, _, job in starts)
    assert all(n <= concurrency for n in most.values())
    if rate:
        for name in "abc":
            times = [t for t, group, _ in starts if group == name]
            assert all(b - a >= 1 / rate - 1e-9 for a, b in itertools.pairwise(times))
