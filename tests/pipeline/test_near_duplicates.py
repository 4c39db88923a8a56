"""Candidates, verification and groups, on hand-made signatures."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from filters import minhash
from pipeline.near_duplicates import _agreeing, _bands, _similar, edges


def signature(*values):
    return np.array(values, "<u4").tobytes()


def config(threshold, verify="estimated", **more):
    return minhash.Config(width=1, num_perm=8, bands=2, rows=2, threshold=threshold, verify=verify, **more)


def test_without_rows_there_are_no_bands_and_no_pairs():
    empty = pa.RecordBatch.from_pydict({"id": pa.array([], pa.string()), "signature": pa.array([], pa.binary())})
    assert _bands(empty, 2, 2).num_rows == 0
    pairs = empty.append_column("hub", pa.array([], pa.string()))
    assert _agreeing(pairs, _similar(config(0.5))).schema.names == ["id", "hub"]


@given(st.integers(0, 8), st.integers(0, 8))
def test_a_pair_is_an_edge_exactly_where_the_share_of_equal_positions_reaches_the_threshold(same, wanted):
    pair = {
        "id": ["a"],
        "hub": ["b"],
        "compared": [signature(*range(8))],
        "hub_compared": [signature(*[n if n < same else 99 for n in range(8)])],
    }
    assert _agreeing(pa.RecordBatch.from_pydict(pair), _similar(config(wanted / 8))).num_rows == (same >= wanted)


@given(st.sets(st.integers(0, 9), min_size=1), st.sets(st.integers(0, 9), min_size=1))
def test_exact_verification_is_the_jaccard_of_the_sets(a, b):
    similar = _similar(config(0.5, verify="exact", keep_shingles=True))
    expected = len(a & b) / len(a | b) >= 0.5
    assert similar([signature(*sorted(a))], [signature(*sorted(b))]).tolist() == [expected]


@given(st.sets(st.integers(0, 40), min_size=1), st.sets(st.integers(0, 40), min_size=1), st.integers(1, 50))
def test_sketches_are_compared_as_far_as_both_are_known(a, b, size):
    similar = _similar(config(0.5, verify="sketch", sketch_size=size))
    expected = minhash.sketched_jaccard(np.array(sorted(a), "<u4"), np.array(sorted(b), "<u4"), size) >= 0.5
    assert similar([signature(*sorted(a))], [signature(*sorted(b))]).tolist() == [expected]
    stored = [[signature(*sorted(part)[:size])] for part in (a, b)]
    assert similar(*stored).tolist() == [expected]


def test_the_bands_alone_make_the_edges_where_the_threshold_is_zero(spark):
    rows = [
        ("a", signature(1, 2, 3, 4, 0, 0, 0, 0)),
        ("b", signature(1, 2, 9, 9, 5, 5, 5, 5)),
        ("c", signature(8, 8, 9, 9, 6, 6, 6, 6)),
        ("d", signature(7, 7, 7, 7, 0, 0, 0, 0)),
    ]
    frame = spark.createDataFrame(
        [(name, value, value) for name, value in rows], "id string, signature binary, compared binary"
    )
    assert sorted(map(tuple, edges(frame, config(0.0)).select("a", "b").collect())) == [("b", "a"), ("c", "b")]
    assert edges(frame, config(0.5)).count() == 0
