"""Files measured and scored, one slice in this process; how files are spread over slices, on Spark."""

from __future__ import annotations

import hashlib

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from demo.pages import make_page
from filters import clip
from filters.images.heads import Config as Head
from filters.images.measures import measure
from filters.nsfw import Config
from pipeline.commits import StepFolder
from pipeline.measure_images import Models, by_prefix, measure_slice
from pipeline.slices import Guard, _do
from pipeline.store import StoreWriter

JPEG = next(p.data for p in make_page(3, 0).images.values() if p.content_type == "image/jpeg")
RUBBISH = b"this was said to be an image" * 10


@pytest.fixture
def measured(tmp_path):
    """Measure files (bytes) in one slice; rows by SHA-256."""

    def run(config, *files, notes="", heads=()):
        store = StoreWriter(str(tmp_path), "s")
        rows = []
        for data in files:
            sha256 = hashlib.sha256(data).hexdigest()
            at = store.append(data, name=sha256)
            rows.append(
                {"sha256": sha256, **dict(zip(("store_file", "store_offset", "store_length"), at, strict=True))}
            )
        store.close()
        folder = StepFolder(tmp_path / "step")
        journal = folder.path / "_journal" / "s.log"
        journal.parent.mkdir(parents=True)
        journal.write_text(notes)
        batch = pa.RecordBatch.from_pylist(rows)
        assert (
            _do(folder, "s", iter([batch]), measure_slice(Models(nsfw=config, heads=heads), str(tmp_path)), Guard())
            is None
        )
        found = pa.concat_tables([pq.read_table(path) for path in folder.files("files")]).to_pylist()
        return [next(row for row in found if row["sha256"] == wanted["sha256"]) for wanted in rows]

    return run


def test_a_picture_has_measures_and_rubbish_a_failure(measured):
    good, bad = measured(Config(model="none"), JPEG, RUBBISH)
    expected = measure(JPEG)
    assert {name: good[name] for name in ("format", "width", "height", "phash", "entropy")} == {
        name: getattr(expected, name) for name in ("format", "width", "height", "phash", "entropy")
    }
    assert (good["failure"], good["nsfw_score"], good["store_length"]) == (None, None, len(JPEG))
    assert bad["failure"] == "decode_error"
    assert bad["width"] is None


def test_with_a_model_every_readable_picture_is_scored_and_nothing_else(measured):
    pytest.importorskip("onnxruntime")
    good, bad = measured(Config(), JPEG, RUBBISH)
    assert 0 <= good["nsfw_score"] <= 1
    assert good["num_faces"] is not None
    assert (bad["nsfw_score"], bad["num_faces"]) == (None, None)


def test_a_head_over_demo_embeddings_scores_what_can_be_read(measured, tmp_path):
    torch = pytest.importorskip("torch")
    width = clip.load_cached(clip.Config(model="demo", allow_demo_model=True)).embed_texts([""]).shape[1]
    torch.save({"weight": torch.zeros(1, width), "bias": torch.tensor([2.0])}, tmp_path / "head.pt")
    head = Head(path=str(tmp_path / "head.pt"), clip_model="demo", answer="sigmoid")
    good, bad = measured(Config(model="none"), JPEG, RUBBISH, heads=(("aesthetic", head),))
    assert good["aesthetic_score"] == 0.8808
    assert (bad["aesthetic_score"], good["nsfw_head_score"], good["nsfw_score"]) == (None, None, None)


def test_a_file_that_a_worker_died_on_is_a_row(measured):
    name = hashlib.sha256(JPEG).hexdigest()
    notes = f"attempt 1\nrecord {name}\nFatal Python error: Segmentation fault\n"
    (row,) = measured(Config(model="none"), JPEG, notes=notes)
    assert (row["failure"], row["width"]) == ("crashed", None)


def test_slices_are_equal_ranges_of_the_digest_and_stand_together_in_order(spark):
    digests = [hashlib.sha256(bytes([n])).hexdigest() for n in range(40)] + ["0" * 64, "f" * 64]
    frame = by_prefix(spark.createDataFrame([(name,) for name in digests], "sha256 string"), "r0007", 4, 1)
    rows = [(row["slice"], row["sha256"]) for row in frame.collect()]
    assert rows == sorted((f"r0007-{int(name[:8], 16) * 4 >> 32:06d}", name) for name in digests)
