"""Limits of host groups across tasks, under a simulated clock."""

import heapq
import itertools
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.fetch import Config, HostLimit
from pipeline.fetch.plan import PIECE_S, Plan
from pipeline.fetch.schedule import Schedule

LATENCY_S = 0.3


def slices_of(jobs, plan):
    """Task -> its slices in order; as `fetch_images._sliced` makes them."""
    seen, of_task = Counter(), {}
    for group, url in jobs:
        task = plan.task_of(group, url)
        turn = seen[task, group] // plan.piece(group)
        seen[task, group] += 1
        of_task.setdefault(task, []).append((turn, group, url))
    most = plan.config.slice_urls
    found = {}
    for task, rows in of_task.items():
        rows.sort(key=lambda row: row[0])
        found[task] = [rows[i : i + most] for i in range(0, len(rows), most)]
    return found


def simulate(jobs, plan, until):
    """(time, group) of each request that begins before `until`, over all tasks, each with its own schedule."""
    starts = []
    for task, slices in slices_of(jobs, plan).items():
        now, pace = 0.0, {}
        for rows in slices:
            if now >= until:
                break

            def limit_of(group, task=task):
                share = plan.share(task, group)
                assert share > 0
                return plan.config.limit_of(group).divided(share)

            schedule = Schedule(limit_of, pace)
            for _, group, url in rows:
                schedule.add(group, url, now=now)
            running = []
            while now < until and (running or len(schedule)):
                while len(running) < plan.config.concurrency and (taken := schedule.take(now)) is not None:
                    starts.append((now, taken[0]))
                    heapq.heappush(running, (now + LATENCY_S, len(starts), taken[0]))
                times = [running[0][0]] if running else []
                if len(running) < plan.config.concurrency and (at := schedule.next_time()) is not None:
                    times.append(max(at, now))
                now = min(times)
                while running and running[0][0] <= now:
                    schedule.done(heapq.heappop(running)[2], now=now)
    return starts


@pytest.mark.parametrize("size", [20_000, pytest.param(500_000, marks=pytest.mark.slow)])
@pytest.mark.parametrize("tasks", [1, 7])
def test_one_huge_group_keeps_nobody_waiting_and_never_passes_its_limit(size, tasks):
    """20,000 URLs on 1,000 hosts end as if the one host with up to half of a million were not there."""
    plan = Plan(Config(host=HostLimit(concurrency=4, rate=10.0)), tasks)
    others = [(f"h{i % 1000}", f"u{i}") for i in range(20_000)]
    huge = [("huge", f"v{i}") for i in range(size)]
    mixed = [job for pair in itertools.zip_longest(others, huge) for job in pair if job is not None]
    alone = [at for at, _ in simulate(others, plan, until=1e9)]
    beside = simulate(mixed, plan, until=1.5 * max(alone))
    ends = [at for at, group in beside if group != "huge"]
    assert len(ends) == len(alone) == 20_000
    assert max(ends) <= max(alone) + 2 * PIECE_S
    times = sorted(at for at, group in beside if group == "huge")
    assert len(times) > 10 * PIECE_S / 2  # it is asked all the while
    assert all(b - a >= 0.1 - 1e-9 for a, b in itertools.pairwise(times))


@given(st.integers(1, 9), st.integers(1, 300), st.sampled_from([0.0, 3.0, 40.0]), st.integers(1, 64))
def test_a_group_that_several_tasks_ask_stays_within_its_limit(tasks, concurrency, rate, places):
    limit = HostLimit(concurrency=concurrency, rate=rate)
    plan = Plan(Config(limits={"cdn": limit}, concurrency=places, slice_urls=50), tasks)
    shares = [plan.share(task, "cdn") for task in range(tasks)]
    asking = [limit.divided(share) for share in shares if share]
    assert len(asking) == plan.parts("cdn") == max(shares)
    assert sum(part.concurrency for part in asking) <= max(concurrency, 1)
    assert sum(part.rate for part in asking) <= rate + 1e-9
    found = {plan.task_of("cdn", f"u{i}") for i in range(200)}
    assert found <= {task for task in range(tasks) if shares[task]}


def test_a_group_within_the_places_of_a_task_is_in_one_task_alone():
    plan = Plan(Config(), 50)
    assert len({plan.task_of("a.example", f"u{i}") for i in range(100)}) == 1
    assert sum(plan.share(task, "a.example") > 0 for task in range(50)) == 1


def test_the_piece_of_a_group_takes_some_seconds():
    limits = {
        "slow": HostLimit(rate=0.1),
        "fast": HostLimit(concurrency=500, rate=0.0),
        "b": HostLimit(concurrency=2, rate=100.0),
    }
    plan = Plan(Config(limits=limits), 4)
    assert [plan.piece(group) for group in ("other", "slow", "fast", "b")] == [40, 1, 1000, 20]
