from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from demo.dice import Dice, digest


def test_the_same_key_gives_the_same_choices_on_every_machine() -> None:
    dice = Dice("page", 1, 2)
    assert [dice.below(1000) for _ in range(4)] == [586, 167, 55, 66]
    assert digest("a", 1) == "8181c16b4ad83cc1"
    assert digest("a", 1, size=4) != digest("a", 2, size=4)


def test_keys_of_other_parts_are_other_keys() -> None:
    assert digest("a", "bc") != digest("ab", "c")


@given(st.integers(0, 10**6), st.lists(st.integers(), max_size=30), st.integers(0, 40))
def test_some_takes_different_positions(key: int, items: list[int], count: int) -> None:
    taken = Dice(key).some(list(enumerate(items)), count)
    assert len(taken) == min(count, len(items))
    assert len({position for position, _ in taken}) == len(taken)
    assert all(items[position] == value for position, value in taken)


@given(st.integers(0, 10**6), st.integers(-50, 50), st.integers(0, 50))
def test_between_includes_both_ends_and_nothing_beyond(key: int, low: int, width: int) -> None:
    assert low <= Dice(key).between(low, low + width) <= low + width


def test_between_reaches_both_ends() -> None:
    dice = Dice("ends")
    assert {dice.between(3, 5) for _ in range(200)} == {3, 4, 5}
    assert not Dice("x").chance(0.0)
    assert Dice("x").chance(1.0)
    assert Dice("y").pick("ab") in "ab"
    assert 2.0 <= Dice("z").uniform(2.0, 3.0) < 3.0
