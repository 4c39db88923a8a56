"""Deduplication of documents on hand-made keys, hashes and signatures: every outcome is known before it is asked."""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from filters import minhash
from filters.text import word_lists
from filters.text.measures import measure_document
from pipeline.dedup_documents import Config, make, mark_exact, mark_near
from schemas.document import DOCUMENTS
from schemas.errors import ConfigError

T0 = datetime(2024, 5, 18, tzinfo=UTC)
FOUR = minhash.Config(width=1, num_perm=4, bands=2, rows=2, threshold=0.75, verify="estimated")


def signature(*values):
    return np.array(values, "<u4").tobytes()


@pytest.fixture
def documents(spark):
    """Rows (id, key, text, day, ...) as the keys of 01: one archive, offsets in the order given."""

    def frame(*rows, words=None, shingles=None, earlier=()):
        made = [
            (
                name, "a.warc.gz", offset, f"http://x/{key}", "x.org", text, signed, (shingles or {}).get(name),
                T0 + timedelta(days=day), (words or {}).get(name, 9), name in earlier,
            )
            for offset, (name, key, text, day, signed) in enumerate(rows)
        ]  # fmt: skip
        return spark.createDataFrame(
            made,
            "id string, warc_filename string, warc_record_offset long, url_key string, site string, text_hash string,"
            " signature binary, shingles binary, fetched_at timestamp, num_words int, is_earlier boolean",
        )

    return frame


def decisions(frame):
    rows = frame.orderBy("warc_record_offset").collect()
    return [(row["id"], row["drop_reason"], row["duplicate_of"]) for row in rows]


def test_a_negative_number_of_repeats_is_refused():
    assert Config(max_paragraph_repeats=0).max_paragraph_repeats == 0
    with pytest.raises(ConfigError, match="must not be negative"):
        Config(max_paragraph_repeats=-1)
    with pytest.raises(ConfigError, match="max_lost_words=2, want 0 to 1"):
        Config(max_lost_words=2)


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
    from pipeline import near_duplicates

    real = near_duplicates.components
    monkeypatch.setattr(
        near_duplicates, "components", lambda edges: seen.append(sorted(map(tuple, edges.collect()))) or real(edges)
    )
    frame = documents(*[(f"d{n:02}", f"u{n}", f"t{n}", n, signature(1, 2, 3, 4)) for n in range(12)])
    found = decisions(mark_near(mark_exact(frame), FOUR))
    assert seen == [[(f"d{n:02}", "d00") for n in range(1, 12)]]
    assert [name for name, reason, _ in found if reason is None] == ["d11"]
    assert {of for _, reason, of in found if reason} == {"d11"}


def test_the_best_of_a_group_has_most_words_and_the_latest_is_chosen_by_default(documents):
    rows = [(name, name, name, day, signature(1, 2, 3, 4)) for name, day in (("a", 0), ("b", 9), ("c", 3))]
    marked = mark_exact(documents(*rows, words={"a": 70, "c": 70}))
    assert [name for name, why, _ in decisions(mark_near(marked, FOUR)) if why is None] == ["b"]
    assert [name for name, why, _ in decisions(mark_near(marked, FOUR, "best")) if why is None] == ["c"]


def test_exact_verification_looks_at_all_shingles_where_signatures_agree(documents):
    rows = [(name, name, name, 0, signature(1, 2, 3, 4)) for name in "abc"]
    sets = {"a": signature(*range(20)), "b": signature(*range(1, 20)), "c": signature(*range(12), 77)}
    marked = mark_exact(documents(*rows, shingles=sets))
    exact = replace(FOUR, verify="exact", keep_shingles=True)
    assert [why for _, why, _ in decisions(mark_near(marked, exact))] == [None, "near_duplicate", None]
    assert [why for _, why, _ in decisions(mark_near(marked, FOUR))] == [None, "near_duplicate", "near_duplicate"]


def test_what_an_earlier_run_put_out_stays_however_late_this_run_is(documents):
    frame = documents(
        ("e1", "u", "t-1", 0, signature(9, 9, 9, 9)),
        ("e2", "v", "t-2", 0, signature(1, 2, 3, 4)),
        ("n1", "u", "t-3", 5, signature(7, 7, 7, 7)),
        ("n2", "w", "t-2", 5, signature(6, 6, 6, 6)),
        ("n3", "x", "t-4", 5, signature(1, 2, 3, 4)),
        ("e1", "u", "t-1", 0, signature(9, 9, 9, 9)),  # the record itself, read again
        earlier=("e2",),
    )
    frame = frame.withColumn("is_earlier", frame["is_earlier"] | (frame["warc_record_offset"] == 0))
    assert decisions(mark_near(mark_exact(frame), FOUR))[2:] == [
        ("n1", "same_url", "e1"),
        ("n2", "same_text", "e2"),
        ("n3", "near_duplicate", "e2"),
        ("e1", "same_record", "e1"),
    ]


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


def test_a_page_that_lost_paragraphs_is_judged_again_from_what_is_stored(spark, run_of, fill, row_of, node_of):
    run = run_of("dedup.max_paragraph_repeats=1", "text.rules=none", "text.document.min_words=20", spark=spark)
    lists = word_lists.build({}, {})
    rows = []
    for number, own in enumerate(["word " * 25, "word " * 15]):
        texts = [own, "the same footer on all pages of this site"]
        whole, nodes = measure_document(texts, "xx", lists)
        made = [
            node_of(text=t, text_hash=n + 9 * number if n == 0 else 7, num_words=m.num_words, measures=asdict(m))
            for n, (t, m) in enumerate(zip(texts, nodes, strict=True))
        ]
        name = f"d{number}"
        rows.append(
            row_of(DOCUMENTS, id=name, warc_filename="a", warc_record_offset=number, url_key=name, site="x")
            | {"text_hash": name, "language": "xx", "measures": asdict(whole), "nodes": made}
        )
    fill(run, "01_documents", (DOCUMENTS, rows))
    make(run)
    found = run.table("unique").orderBy("id").collect()
    assert [(row["id"], row["drop_reason"], row["dropped_nodes"]) for row in found] == [
        ("d0", None, [1]),
        ("d1", "too_few_words", [1]),
    ]
