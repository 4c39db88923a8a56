"""The assignment against every way there is to assign."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.assignment import assign

cosine = st.integers(-10_000, 10_000).map(lambda whole: whole / 10_000)


@st.composite
def matrices(draw: st.DrawFn) -> list[list[float]]:
    width = draw(st.integers(1, 5))
    return draw(st.lists(st.lists(cosine, min_size=width, max_size=width), min_size=1, max_size=5))


def _ways(num_images: int, num_texts: int) -> list[dict[int, int]]:
    """All ways to give as many images as possible a text of their own."""
    if num_images <= num_texts:
        return [dict(enumerate(way)) for way in itertools.permutations(range(num_texts), num_images)]
    ways = itertools.permutations(range(num_images), num_texts)
    return [{image: text for text, image in enumerate(way)} for way in ways]


def test_a_greedy_choice_gives_way_to_the_better_sum() -> None:
    # Image 0 likes text 0 best, but the sum is larger when image 1 gets it: 0.8 + 0.7 over 0.9 + 0.1.
    assert assign([[0.9, 0.8], [0.7, 0.1]]) == [1, 0]


def test_each_text_serves_one_image_while_there_are_enough() -> None:
    assert assign([[0.9, 0.1, 0.2], [0.9, 0.1, 0.3]]) == [0, 2]


def test_images_left_over_take_the_text_most_like_them() -> None:
    assert assign([[0.2, 0.5], [0.1, 0.9], [0.3, 0.8]]) == [1, 1, 0]


def test_equal_similarities_keep_the_order_of_the_page() -> None:
    assert assign([[0.3] * 4] * 3) == [0, 1, 2]


def test_of_equal_images_left_over_the_first_is_assigned_and_all_take_the_same_text() -> None:
    assert assign([[0.4]] * 3) == [0, 0, 0]


def test_an_image_without_scores_gets_no_text_and_takes_none() -> None:
    assert assign([[0.0, 0.0], [0.1, 0.6], [0.5, 0.6]]) == [-1, 1, 0]


@pytest.mark.parametrize(("matrix", "expected"), [([], []), ([[]], [-1]), ([[], []], [-1, -1]), ([[0.0]], [-1])])
def test_nothing_scored_gives_no_text(matrix: list[list[float]], expected: list[int]) -> None:
    assert assign(matrix) == expected


def test_a_similarity_below_zero_is_still_a_score() -> None:
    assert assign([[-0.2]]) == [0]


@pytest.mark.parametrize("value", [1.0001, -1.5, float("nan"), float("inf")])
def test_a_value_that_is_no_cosine_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match="cosine"):
        assign([[0.1, value]])


def test_rows_of_different_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="inhomogeneous"):
        assign([[0.1, 0.2], [0.3]])


def test_the_largest_document_is_assigned_exactly() -> None:
    # 1,000 images (the format's limit) and 3,000 texts: the planted pairs are the only best ones.
    random = np.random.default_rng(0)
    planted = random.permutation(3000)[:1000]
    matrix = np.round(random.uniform(0.0, 0.2, (1000, 3000)), 4)
    matrix[np.arange(1000), planted] = 0.9
    assert assign(matrix.tolist()) == planted.tolist()


@given(matrix=matrices())
def test_it_is_the_best_of_all_ways_and_of_those_the_one_in_page_order(matrix: list[list[float]]) -> None:
    columns = assign(matrix)
    rows = [[round(value * 10_000) for value in row] for row in matrix]
    scored = [index for index, row in enumerate(rows) if any(row)]
    assert [index for index, column in enumerate(columns) if column == -1] == [
        index for index in range(len(rows)) if index not in scored
    ]
    kept = [rows[index] for index in scored]
    ways = _ways(len(kept), len(rows[0]))

    def gain(way: dict[int, int]) -> int:
        return sum(kept[image][text] for image, text in way.items())

    def place(way: dict[int, int]) -> int:
        return sum((len(kept) - image) * text for image, text in way.items())

    best = max(gain(way) for way in ways)
    first = min(place(way) for way in ways if gain(way) == best)
    allowed = [way for way in ways if gain(way) == best and place(way) == first]
    left_over = [row.index(max(row)) for row in kept]
    assert [columns[index] for index in scored] in [
        [way.get(image, left_over[image]) for image in range(len(kept))] for way in allowed
    ]
