"""Deduplication of documents on hand-made keys, hashes and signatures: every outcome is known before it is asked."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters import minhash
from pipeline.dedup_documents import Config, _agreeing, _bands, make, mark_exact, mark_near, repeated_nodes
from schemas.document import DOCUMENTS
from schemas.errors import ConfigError

T0 = datetime(2024, 5, 18, tzinfo=UTC)
FOUR = minhash.Config(width=1, num_perm=4, bands=2, rows=2, threshold=0.75)


def signature(*values):
    return np.array(values, "<u4").tobytes()


@pytest.fixture
def documents(spark):
    """Rows (id, key, text, day, ...) as the keys of 01: one archive, offsets in the order given."""

    def frame(*rows):
        made = [
            (name, "a.warc.gz", offset, f"http://x/{key}", "x.org", text, signed, T0 + timedelta(days=day))
            for offset, (name, key, text, day, signed) in enumerate(rows)
        ]
        return spark.createDataFrame(
            made,
            "id string, warc_filename string, warc_record_offset long, url_key string, site string,"
            " text_hash string, signature binary, fetched_at timestamp",
        )

    return frame


def decisions(frame):
    rows = frame.orderBy("warc_record_offset").collect()
    return [(row["id"], row["drop_reason"], row["duplicate_of"]) for row in rows]


def test_a_negative_number_of_repeats_is_refused():
    assert Config(max_paragraph_repeats=0).max_paragraph_repeats == 0
    with pytest.raises(ConfigError, match="must not be negative"):
        Config(max_paragraph_repeats=-1)


def test_same_record_then_same_url_then_same_text_and_the_latest_capture_wins(documents):
    frame = documents(
        ("r", "r", "t-r", 0, None),
        ("r", "r", "t-r", 0, None),  # the record once more: the later place goes, though the URL is the same too
        ("u1", "u", "t-1", 1, None),
        ("u2", "u", "t-2", 2, None),  # later capture of the same URL
        ("x2", "a", "t-x", 5, None),
        ("x1", "b", "t-x", 5, None),  # same text, same time: the smaller id stays
        ("y1", "u", "t-z", 0, None),  # dropped for its URL, so its text holds nobody back
        ("y2", "c", "t-z", 0, None),
    )
    assert decisions(mark_exact(frame)) == [
        ("r", None, None),
        ("r", "same_record", "r"),
        ("u1", "same_url", "u2"),
        ("u2", None, None),
        ("x2", "same_text", "x1"),
        ("x1", None, None),
        ("y1", "same_url", "u2"),
        ("y2", None, None),
    ]


def test_near_duplicates_share_a_band_and_agree_in_the_threshold_and_a_row_decided_before_stays_so(documents):
    frame = documents(
        ("a", "a", "1", 0, signature(1, 2, 3, 4)),
        ("b", "b", "2", 9, signature(1, 2, 3, 9)),  # shares the first band with a, agrees in 3 of 4
        ("c", "c", "3", 0, signature(1, 2, 8, 8)),  # shares a band, agrees in 2 of 4: below the threshold
        ("d", "d", "4", 0, signature(1, 7, 3, 9)),  # shares its second band with b only, of which b is the hub
        ("e", "e", "5", 0, None),  # no signature: nothing can be said
        ("f", "f", "6", 0, signature(5, 5, 6, 6)),
        ("f", "f", "6", 0, signature(5, 5, 6, 6)),
        ("g", "g", "7", 1, signature(5, 5, 6, 6)),
    )
    assert decisions(mark_near(mark_exact(frame), FOUR)) == [
        ("a", "near_duplicate", "b"),
        ("b", None, None),
        ("c", None, None),
        ("d", "near_duplicate", "b"),
        ("e", None, None),
        ("f", "near_duplicate", "g"),
        ("f", "same_record", "f"),
        ("g", None, None),
    ]


def test_many_rows_of_one_text_give_one_edge_each_to_the_smallest_id_and_leave_the_latest(documents, monkeypatch):
    seen = []
    from pipeline import dedup_documents

    real = dedup_documents.components
    monkeypatch.setattr(
        dedup_documents, "components", lambda edges: seen.append(sorted(map(tuple, edges.collect()))) or real(edges)
    )
    frame = documents(*[(f"d{n:02}", f"u{n}", f"t{n}", n, signature(1, 2, 3, 4)) for n in range(12)])
    found = decisions(mark_near(mark_exact(frame), FOUR))
    assert seen == [[(f"d{n:02}", "d00") for n in range(1, 12)]]
    assert [name for name, reason, _ in found if reason is None] == ["d11"]
    assert {of for _, reason, of in found if reason} == {"d11"}


@pytest.fixture
def pages(spark, row_of, node_of):
    """Documents from (site, [(text hash, role, drop reason)]), and their decisions: all kept but those named."""

    def frames(*described, dropped=()):
        rows = [
            row_of(
                DOCUMENTS,
                id=f"d{number}",
                warc_filename="a",
                warc_record_offset=number,
                site=site,
                nodes=[
                    node_of(image_url="http://x/i.jpg")
                    if digest is None
                    else node_of(text=str(digest), text_hash=digest, role=role, drop_reason=why)
                    for digest, role, why in nodes
                ],
            )
            for number, (site, nodes) in enumerate(described)
        ]
        documents = spark.createDataFrame(pa.Table.from_batches([DOCUMENTS.batch(rows)]))
        keys = [("a", n, "same_url" if n in dropped else None) for n in range(len(described))]
        schema = "warc_filename string, warc_record_offset long, drop_reason string"
        return documents, spark.createDataFrame(keys, schema)

    return frames


def own(number):
    return (1000 + number, "paragraph", None)


FOOTER, HEADING, IMAGE = (7, "paragraph", None), (8, "heading2", None), (None, "", None)


@pytest.mark.parametrize(("bound", "gone"), [(3, {}), (2, {0: [1], 1: [2], 2: [1]}), (0, {})])
def test_a_paragraph_goes_where_it_stands_on_its_site_more_often_than_the_bound(pages, bound, gone):
    documents, decided = pages(
        ("x.org", [own(0), FOOTER, HEADING]),
        ("x.org", [HEADING, own(1), FOOTER, IMAGE]),
        ("x.org", [own(2), FOOTER, HEADING]),
        ("y.org", [own(3), FOOTER]),  # another site
        ("x.org", [own(4), FOOTER]),  # dropped before: it counts for nothing
        ("x.org", [own(5), (7, "paragraph", "too_few_words")]),  # a node that was dropped before
        dropped=(4,),
    )
    found = repeated_nodes(documents, decided, bound).collect()
    assert {row["warc_record_offset"]: row["dropped_nodes"] for row in found} == gone


def test_a_document_that_would_lose_every_paragraph_keeps_them_and_headings_do_not_save_it(pages):
    twice = [FOOTER, (9, "list_item", None)]
    documents, decided = pages(
        ("x.org", [HEADING, *twice]),
        ("x.org", [HEADING, *twice]),
        ("x.org", [*twice, own(1), HEADING]),
    )
    found = repeated_nodes(documents, decided, 2).collect()
    assert [(row["warc_record_offset"], row["dropped_nodes"]) for row in found] == [(2, [0, 1])]


def test_the_step_writes_one_row_for_each_document_that_01_kept(spark, run_of, fill, row_of, node_of):
    run = run_of("dedup.max_paragraph_repeats=1", spark=spark)
    nodes = [node_of(text="own", text_hash=5), node_of(text="footer", text_hash=7)]
    rows = [
        row_of(DOCUMENTS, id=name, warc_filename="a", warc_record_offset=n, url_key=name, site="x", text_hash=name)
        | {"nodes": [nodes[0] | {"text_hash": n}, nodes[1]], "drop_reason": reason}
        for n, (name, reason) in enumerate([("d0", None), ("d1", None), ("d2", "language")])
    ]
    fill(run, "01_documents", (DOCUMENTS, rows))
    make(run)
    found = run.table("unique").orderBy("id").collect()
    assert [(row["id"], row["drop_reason"], row["dropped_nodes"]) for row in found] == [
        ("d0", None, [1]),
        ("d1", None, [1]),
    ]


def test_without_rows_there_are_no_bands_and_no_pairs():
    empty = pa.RecordBatch.from_pydict({"id": pa.array([], pa.string()), "signature": pa.array([], pa.binary())})
    assert _bands(empty, 2, 2).num_rows == 0
    pairs = empty.append_column("hub", pa.array([], pa.string()))
    assert _agreeing(pairs, 0.5).schema.names == ["id", "hub"]


@given(st.integers(0, 8), st.integers(0, 8))
def test_a_pair_is_an_edge_exactly_where_the_share_of_equal_positions_reaches_the_threshold(same, wanted):
    pair = {
        "id": ["a"],
        "hub": ["b"],
        "signature": [signature(*range(8))],
        "hub_signature": [signature(*[n if n < same else 99 for n in range(8)])],
    }
    assert _agreeing(pa.RecordBatch.from_pydict(pair), wanted / 8).num_rows == (same >= wanted)
