"""Signatures estimate Jaccard similarity without bias, hashes tell same from different."""

from __future__ import annotations

import math
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters import minhash
from filters.minhash import Config, band_hashes, chance, estimate_jaccard, signature
from filters.text import words
from schemas.errors import ConfigError


def pair(rng, size, jaccard):
    """Two sets of hashes of that Jaccard similarity, of `size` together."""
    shared = round(size * jaccard)
    values = rng.integers(0, 1 << 64, size=size, dtype=np.uint64)
    middle = shared + (size - shared) // 2
    return values[:middle], np.concatenate((values[:shared], values[middle:])), shared / size


@pytest.mark.parametrize("jaccard", [0.1, 0.5, 0.8, 0.95])
def test_estimates_are_unbiased_and_vary_as_theory_says(jaccard):
    rng = np.random.default_rng(20)
    num_perm, pairs = 64, 1_500
    errors = []
    for _ in range(pairs):
        a, b, true = pair(rng, 200, jaccard)
        errors.append(estimate_jaccard(signature(a, num_perm), signature(b, num_perm)) - true)
    sigma = math.sqrt(true * (1 - true) / num_perm)
    assert abs(np.mean(errors)) < 4 * sigma / math.sqrt(pairs)
    # 200 shingles: sampling without replacement, within 15 % of the binomial variance
    assert np.std(errors) == pytest.approx(sigma, rel=0.15)


def test_estimates_have_mean_and_variance_of_datasketch():
    datasketch = pytest.importorskip("datasketch")
    rng = np.random.default_rng(21)
    ours, theirs = [], []
    for _ in range(400):
        a, b, _ = pair(rng, 150, 0.7)
        ours.append(estimate_jaccard(signature(a, 64), signature(b, 64)))
        sketches = []
        for values in (a, b):
            sketch = datasketch.MinHash(64)
            sketch.update_batch([value.tobytes() for value in values])
            sketches.append(sketch)
        theirs.append(sketches[0].jaccard(sketches[1]))
    error = math.sqrt((np.var(ours) + np.var(theirs)) / 400)
    assert abs(np.mean(ours) - np.mean(theirs)) < 4 * error
    assert np.std(ours) == pytest.approx(np.std(theirs), rel=0.2)


def test_structured_hashes_estimate_as_well_as_random_ones():
    # small consecutive numbers, as a weak word hash would give
    errors = []
    for start in range(0, 200_000, 1_000):
        a = np.arange(start, start + 150, dtype=np.uint64)
        errors.append(estimate_jaccard(signature(a, 128), signature(a + np.uint64(50), 128)) - 0.5)
    assert abs(np.mean(errors)) < 4 * math.sqrt(0.25 / 128 / len(errors))


@pytest.mark.parametrize("jaccard", [0.6, 0.72, 0.8, 0.9])
def test_bands_find_as_many_pairs_as_the_curve_says(jaccard):
    rng = np.random.default_rng(22)
    pairs, bands, rows = 800, 14, 8
    hits = expected = 0.0
    for _ in range(pairs):
        a, b, true = pair(rng, 400, jaccard)
        both = band_hashes(np.stack((signature(a, 112), signature(b, 112))), bands, rows)
        hits += bool((both[0] == both[1]).any())
        expected += chance(true, bands, rows)
    rate = expected / pairs
    assert abs(hits / pairs - rate) < 3.5 * math.sqrt(max(rate * (1 - rate), 1e-4) / pairs)


@given(st.lists(st.integers(0, 2**64 - 1), max_size=40))
def test_order_and_repeats_do_not_matter(values):
    hashes = np.array(values, dtype=np.uint64)
    again = np.concatenate((hashes[::-1], hashes))
    assert np.array_equal(signature(hashes, 16), signature(again, 16))


def test_more_permutations_begin_with_the_same_ones():
    hashes = words.word_hashes(["a", "b", "c"])
    assert np.array_equal(signature(hashes, 128)[:16], signature(hashes, 16))


def test_a_signature_of_many_shingles_is_that_of_its_blocks():
    hashes = minhash.mix(np.arange(30_000, dtype=np.uint64))
    parts = [signature(part, 32) for part in np.array_split(hashes, 7)]
    assert np.array_equal(signature(hashes, 32), np.min(parts, axis=0))


def test_an_empty_document_has_a_signature_of_ones():
    assert signature(np.zeros(0, dtype=np.uint64), 4).tolist() == [0xFFFFFFFF] * 4
    assert minhash.signatures([], 4).shape == (0, 4)


def test_signatures_are_fixed_for_ever():
    assert signature(words.word_hashes(["a", "b"]), 4).tolist() == [1580057199, 1938972262, 1921705026, 105188994]


def test_shingles_are_runs_of_words():
    hashes = words.word_hashes(["a", "b", "c", "d", "a", "b", "c"])
    found = minhash.shingles(hashes, 3)
    assert found.size == 5
    assert found[0] == found[4]
    assert minhash.shingles(hashes[:2], 3).size == 1
    assert minhash.shingles(hashes[:0], 3).size == 0


def test_bands_are_told_apart():
    same = band_hashes(np.zeros((1, 8), dtype=np.uint32), 4, 2)
    assert same.dtype == np.int64
    assert np.unique(same).size == 4


def test_bands_longer_than_the_signature_are_refused():
    with pytest.raises(ValueError, match="4 bands of 4"):
        band_hashes(np.zeros((1, 8), dtype=np.uint32), 4, 4)


@pytest.mark.parametrize(
    ("a", "b", "same"),
    [
        ("Hello,  World!", "hello world", True),
        ("ﬁne ＡＢＣ", "fine abc", True),
        ("Straße", "STRASSE", True),
        ("a b", "ab", False),
        ("1 000", "1000", False),
        ("日本語", "日本", False),
        ("दिन", "दान", False),  # vowel signs are no letters
        ("हिन्दी, भाषा।", "हिन्दी भाषा", True),
        ("ที่", "ทู่", False),
        ("* * *", "→", False),
        ("***", "***", True),
    ],
)
def test_the_same_text_in_other_dress_has_the_same_hash(a, b, same):
    assert (minhash.text_hash(a) == minhash.text_hash(b)) is same
    assert (minhash.node_hash(a) == minhash.node_hash(b)) is same


@given(st.text(max_size=60))
def test_hashes_take_any_text_and_fit_their_columns(text):
    assert len(minhash.text_hash(text)) == 32
    assert -(1 << 63) <= minhash.node_hash(text) < 1 << 63
    assert minhash.text_hash(minhash.normalise(text)) == minhash.text_hash(text)


@pytest.mark.parametrize("name", minhash.PRESETS)
def test_presets_fit_their_permutations(name):
    preset = minhash.PRESETS[name]
    assert preset.bands * preset.rows <= preset.num_perm


@pytest.mark.parametrize("bad", [{"width": 0}, {"bands": 20, "rows": 8}, {"threshold": 1.5}])
def test_settings_that_make_no_sense_are_refused(bad):
    with pytest.raises(ConfigError):
        Config(**bad)


def subsets(rng, shingles, jaccard):
    """Two sorted sets of uint32 of so many values each, of about that Jaccard similarity, and which it is."""
    shared = round(2 * shingles * jaccard / (1 + jaccard))
    values = np.unique(rng.integers(0, 1 << 32, 2 * shingles - shared, dtype=np.uint32))
    rng.shuffle(values)
    middle = shared + (values.size - shared) // 2
    return np.sort(values[:middle]), np.sort(np.concatenate((values[:shared], values[middle:]))), shared / values.size


@given(st.sets(st.integers(0, 60)), st.sets(st.integers(0, 60)), st.integers(1, 64))
def test_a_sketch_of_all_values_is_exact_and_a_smaller_one_lies_between_none_and_all(a, b, size):
    one, other = (np.array(sorted(part), dtype=np.uint32) for part in (a, b))
    found = minhash.sketched_jaccard(one, other, size)
    assert found == minhash.sketched_jaccard(other, one, size)
    assert 0 <= found <= 1
    if max(len(a), len(b)) < size:
        assert found == minhash.jaccard(one, other)
    if a == b and len(a) > 1 < size:
        assert found == 1


@pytest.mark.parametrize(("shingles", "others"), [(2_000, 2_000), (5_000, 700)])
def test_sketches_of_long_documents_are_unbiased_and_vary_less_than_their_size_says(shingles, others):
    rng = np.random.default_rng(31)
    errors, bound = [], 0.0
    for _ in range(600):
        a, b, _ = subsets(rng, shingles, 0.7)
        b = b if others == shingles else np.sort(rng.choice(a, others, replace=False))
        true = minhash.jaccard(a, b)
        errors.append(minhash.sketched_jaccard(a, b, 256) - true)
        bound = math.sqrt(true * (1 - true) / 256)
    assert abs(np.mean(errors)) < 4 * bound / math.sqrt(600)
    assert 0.6 * bound < np.std(errors) < 1.05 * bound


def test_no_long_pair_a_tenth_below_the_threshold_passes_its_sketch():
    rng = np.random.default_rng(32)
    pairs = [subsets(rng, 2_000, 0.7) for _ in range(1_000)]
    assert max(minhash.sketched_jaccard(a, b, minhash.Config().sketch_size) for a, b, _ in pairs) < 0.8


def test_what_is_stored_of_the_shingles_is_all_or_the_smallest_or_nothing():
    hashes = words.word_hashes([f"w{n}" for n in range(700)])
    everything = minhash.shingle_set(hashes, Config())
    assert minhash.stored_shingles(hashes, Config()).tolist() == everything[:512].tolist()
    assert minhash.stored_shingles(hashes, Config(keep_shingles=True)).tolist() == everything.tolist()
    assert minhash.stored_shingles(hashes, Config(verify="estimated", sketch_size=0)) is None
    with pytest.raises(ConfigError, match="sketch_size"):
        Config(sketch_size=0)


def test_marks_without_end_are_normalised_in_no_long_time():
    start = time.process_time()
    assert minhash.text_hash("a" + "\u0301\u0327" * 200_000) == minhash.text_hash("a" + "\u0327\u0301" * 15)
    assert time.process_time() - start < 3
