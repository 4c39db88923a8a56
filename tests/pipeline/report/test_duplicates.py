import random

from hypothesis import given
from hypothesis import strategies as st

from pipeline.report.duplicates import curve


def test_the_curve_ends_at_the_share_of_different_pictures():
    assert curve({1: 3, 2: 1})[-1] == [5.0, 0.8]
    assert curve({}) == []


@given(st.dictionaries(st.integers(1, 50), st.integers(1, 20), min_size=1, max_size=6))
def test_more_of_the_same_dataset_never_has_a_larger_share_of_new_pictures(spectrum):
    shares = [share for _, share in curve(spectrum)]
    assert shares == sorted(shares, reverse=True)
    assert shares[0] <= 1 + 1e-6


def test_the_curve_is_what_drawing_would_give():
    spectrum = {1: 200, 4: 100, 30: 10}
    pictures = [(size, i) for size, number in spectrum.items() for i in range(number) for _ in range(size)]
    dice = random.Random(3)
    shares = []
    for _ in range(200):
        part = [p for p in pictures if dice.random() < 0.3]
        shares.append(len(set(part)) / len(part))
    expected = next(share for images, share in curve(spectrum) if images == 0.3 * len(pictures))
    assert abs(sum(shares) / len(shares) - expected) < 0.01
