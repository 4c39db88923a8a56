"""Embeddings of files by the demo's model, one slice in this process."""

from __future__ import annotations

import hashlib

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from demo.pages import make_page
from filters.clip import Config, load_cached
from pipeline.commits import StepFolder
from pipeline.embed import CLIP_SIDE, embed_slice, make
from pipeline.slices import Guard, _do
from pipeline.store import StoreWriter

JPEGS = [p.data for p in make_page(3, 0).images.values() if p.content_type == "image/jpeg"][:2]
RUBBISH = b"this was said to be an image" * 10


def test_each_file_has_a_row_a_picture_a_unit_vector_and_rubbish_none(tmp_path):
    pytest.importorskip("open_clip")
    from filters.images.decode import decode

    config = Config(model="demo", allow_demo_model=True)
    store = StoreWriter(str(tmp_path), "s")
    rows = []
    for data in (*JPEGS, RUBBISH):
        at = store.append(data, name=hashlib.sha256(data).hexdigest())
        address = dict(zip(("store_file", "store_offset", "store_length"), at, strict=True))
        rows.append({"sha256": hashlib.sha256(data).hexdigest(), **address})
    store.close()
    folder = StepFolder(tmp_path / "step")
    process = embed_slice(config, str(tmp_path))
    guard = Guard(worker_bytes=16 << 30)
    assert _do(folder, "s", iter([pa.RecordBatch.from_pylist(rows)]), process, guard) is None
    table = pa.concat_tables([pq.read_table(path) for path in folder.files("embeddings")])
    found = dict(zip(table.column("sha256").to_pylist(), table.column("embedding").to_pylist(), strict=True))
    assert set(found) == {row["sha256"] for row in rows}
    assert found[rows[-1]["sha256"]] == []
    images = [decode(data, draft_side=CLIP_SIDE).image for data in JPEGS]
    expected = load_cached(config).embed_images(images)
    for row, vector in zip(rows, expected, strict=False):
        assert np.array_equal(np.array(found[row["sha256"]], np.float32), vector)
        assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-5)


def test_without_a_model_nothing_is_embedded_and_spark_is_not_even_asked(run_of):
    make(run_of("clip.model=none"))
