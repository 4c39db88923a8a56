"""Documents compared by their images: hand-made sets and signatures, every outcome known before it is asked."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters import minhash
from pipeline.dedup_with_images import Config, _mixed, _signed, make, mark
from schemas.document import DOCUMENTS, UNIQUE
from schemas.errors import ConfigError
from schemas.image import REFERENCES

TEXT = minhash.Config(width=1, num_perm=8, bands=2, rows=4, threshold=0.8)


def signature(*values):
    return np.array(values, "<u4").tobytes()


@pytest.fixture
def marked(spark):
    """Decisions on (id, text signature, images, is earlier), ordered by id."""
    from pyspark.sql import functions as F

    def decide(*rows, **config):
        made = []
        for name, text, images, earlier in rows:
            hashes = pa.RecordBatch.from_pydict({"id": [name], "pictures": [sorted(images)]})
            (known,) = _signed(hashes, TEXT.num_perm).to_pylist()
            made.append(
                (name, text, known["num_images"], known["image_set"], known["image_signature"], earlier, 1, None)
            )
        frame = spark.createDataFrame(
            made,
            "id string, signature binary, num_images int, image_set string, image_signature binary,"
            " is_earlier boolean, num_words int, fetched_at timestamp",
        )
        order = [F.desc("is_earlier"), F.asc("id")]
        found = mark(frame, Config(**config), TEXT, order).orderBy("id").collect()
        return [(row["id"], row["drop_reason"], row["duplicate_of"]) for row in found]

    return decide


ONE, OTHER = signature(1, 2, 3, 4, 5, 6, 7, 8), signature(*range(50, 58))


def test_the_same_set_of_enough_images_is_one_document_and_the_earlier_run_s_stays(marked):
    rows = [
        ("a", ONE, "pq", False),
        ("b", OTHER, "qp", False),
        ("c", OTHER, "p", False),
        ("d", ONE, "p", False),
        ("e", OTHER, "pq", True),
    ]
    assert marked(*rows, min_same_images=2) == [
        ("a", "same_images", "e"),
        ("b", "same_images", "e"),
        ("c", None, None),
        ("d", None, None),
        ("e", None, None),
    ]
    assert all(reason is None for _, reason, _ in marked(*rows))


def test_text_and_images_count_together_and_a_translation_is_no_duplicate(marked):
    # 6 of 8 rows are of the text, 2 of the images; a band holds 3 of the text and 1 of the images.
    nearly = signature(1, 2, 3, 4, 99, 99, 7, 8)  # the first band agrees, 4 of 6 rows
    rows = [
        ("a", ONE, "pq", False),
        ("b", nearly, "pq", False),  # 4 + 2 of 8: the same article between other adverts
        ("c", OTHER, "pq", False),  # a translation
        ("d", nearly, "xyz", False),  # as near in text, other pictures
    ]
    assert marked(*rows, image_rows=1, threshold=0.75) == [
        ("a", None, None),
        ("b", "near_duplicate", "a"),
        ("c", None, None),
        ("d", None, None),
    ]


def test_documents_without_images_are_not_compared(marked):
    rows = [("a", ONE, "", False), ("b", ONE, "", False)]
    assert all(reason is None for _, reason, _ in marked(*rows, image_rows=1))


@given(st.lists(st.booleans(), min_size=4, max_size=4), st.lists(st.booleans(), min_size=4, max_size=4))
def test_the_share_of_equal_rows_is_the_weighted_one(text, images):
    def signed(flags, offset):
        return [signature(*range(8)), signature(*[n if n >= 4 or flags[n] else n + offset for n in range(8)])]

    batch = pa.RecordBatch.from_pydict(
        {"id": ["a", "b"], "signature": signed(text, 100), "image_signature": signed(images, 200)}
    )
    a, b = (np.frombuffer(value, "<u4") for value in _mixed(batch, 2, 4, 2).column("signature").to_pylist())
    assert int((a == b).sum()) == sum(text) + sum(images)
    assert a.size == 8


@pytest.mark.parametrize(
    ("config", "said"),
    [({"image_rows": 4}, "less than 4"), ({"image_rows": 3, "threshold": 0.75}, "images alone would reach")],
)
def test_images_alone_are_never_enough(config, said):
    with pytest.raises(ConfigError, match=said):
        Config(**config).check(TEXT)
    Config(image_rows=2).check(TEXT)


def test_values_out_of_range_are_refused():
    with pytest.raises(ConfigError, match="must not be negative"):
        Config(min_same_images=-1)
    with pytest.raises(ConfigError, match="want more than 0"):
        Config(threshold=0.0)


def test_the_step_writes_a_row_for_each_document_that_may_show_images(spark, run_of, fill, row_of):
    run = run_of("dedup_with_images.min_same_images=1", spark=spark)
    days = {"a": 1, "b": 2, "c": 3}
    captured = [
        row_of(DOCUMENTS, id=name, warc_record_offset=day, fetched_at=datetime(2024, 1, day, tzinfo=UTC))
        for name, day in days.items()
    ]
    fill(run, "01_documents", (DOCUMENTS, captured))
    fill(run, "02_unique", (UNIQUE, [row_of(UNIQUE, id=name) for name in days]))
    uses = [("a", 0, "p1"), ("a", 1, "p2"), ("b", 0, "p1"), ("b", 1, "p2"), ("c", 0, None)]
    references = [
        row_of(REFERENCES, id=i, node=n, url="u", picture=p, drop_reason=None if p else "x") for i, n, p in uses
    ]
    fill(run, "05_matches/references", (REFERENCES, references))
    make(run)
    found = run.table("duplicates").orderBy("id").collect()
    assert [(row["id"], row["num_images"], row["drop_reason"], row["duplicate_of"]) for row in found] == [
        ("a", 2, "same_images", "b"),  # the latest stays
        ("b", 2, None, None),
    ]
