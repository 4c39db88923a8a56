import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.components import components

pytestmark = pytest.mark.spark


def groups_of(spark, edges, small=0):
    rows = components(spark.createDataFrame(edges, "a string, b string"), small).collect()
    return {row["id"]: row["group"] for row in rows}


def by_union_find(edges):
    parent = {}

    def find(x):
        parent.setdefault(x, x)
        while parent[x] != x:
            x = parent[x]
        return x

    for a, b in edges:
        if a != b:
            low, high = sorted((find(a), find(b)))
            parent[high] = low
    return {x: find(x) for x in parent}


def test_no_edges_no_groups(spark):
    assert groups_of(spark, []) == {}


def test_a_long_chain_is_one_group(spark):
    names = [f"{n:03d}" for n in range(60)]
    found = groups_of(spark, list(zip(names[1:], names, strict=False)))
    assert found == dict.fromkeys(names, "000")


def test_loops_and_repeats_change_nothing(spark):
    assert groups_of(spark, [("b", "a"), ("a", "b"), ("c", "c"), ("e", "d")]) == {
        "a": "a",
        "b": "a",
        "d": "d",
        "e": "d",
    }


@settings(max_examples=3, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.sampled_from("abcdefghij"), st.sampled_from("abcdefghij")), max_size=14))
def test_groups_are_those_of_union_find(spark, edges):
    assert groups_of(spark, edges) == by_union_find(edges)


@settings(max_examples=3, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.sampled_from("abcdefghij"), st.sampled_from("abcdefghij")), max_size=14))
def test_few_edges_are_joined_in_one_task_to_the_same_groups(spark, edges):
    assert groups_of(spark, edges, small=100) == by_union_find(edges)
