"""The shards of a few hand-made documents: what is written, what cannot be, and what the manifest says."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from pipeline.commits import Cost, StepFolder
from pipeline.slices import Guard, _do
from pipeline.store import StoreWriter
from pipeline.write_shards import Config, make, write_slice
from schemas.document import DECISIONS, DOCUMENTS, UNIQUE
from schemas.errors import ConfigError
from schemas.image import IMAGES, MATCHES
from schemas.shard import PAGE_FIELDS


def picture(kind="PNG", colour=(200, 30, 30)):
    out = io.BytesIO()
    Image.new("RGB", (160, 120), colour).save(out, kind)
    return out.getvalue()


GOOD, CUT = picture(), picture()[:60]
"""A PNG, and one whose picture data is missing: what was measured can still fail to be written anew."""


@pytest.mark.parametrize(
    "wrong", [{"target_bytes": (1 << 16) - 1}, {"max_side": 15}, {"max_side": 65_501}, {"quality": 0}, {"quality": 101}]
)
def test_settings_that_make_no_shard_are_refused(wrong):
    with pytest.raises(ConfigError, match=r"shard\."):
        Config(**wrong)


@pytest.fixture
def written(tmp_path, node_of):
    """Write documents ([bytes of images]) as one shard in this process; gives folder, commit's facts, JSONs, names."""

    def write(*documents, min_images=1):
        store = StoreWriter(str(tmp_path), "s")
        rows = []
        for number, images in enumerate(documents):
            nodes = [node_of(text=f"text {number}"), node_of(text="dropped", drop_reason="too_few_words")]
            matches = []
            for data in images:
                sha256 = hashlib.sha256(data).hexdigest()
                at = store.append(data, name=sha256)
                matches.append(
                    {
                        "node": len(nodes),
                        "sha256": sha256,
                        "store_file": at.file,
                        "store_offset": at.offset,
                        "store_length": at.length,
                        **dict.fromkeys(("similarity", "matched_node", "clip_score", "phash", "nsfw_score")),
                        "num_faces": 0,
                        "count_in_corpus": 1,
                        "text_rich": False,
                    }
                )
                nodes.append(node_of(image_url="http://x/i.png"))
            page = dict.fromkeys(PAGE_FIELDS) | {"fetched_at": datetime(2024, 5, 18, tzinfo=UTC)}
            page |= {"num_words": 2, "num_tokens": 3, "tier": ""}
            rows.append({**page, "id": f"{number:032x}", "nodes": nodes, "dropped_nodes": [], "matches": matches})
        store.close()
        schema = pa.Table.from_pylist(rows).schema
        shards = tmp_path / "shards"
        shards.mkdir()
        folder = StepFolder(tmp_path / "step")
        process = write_slice(Config(), min_images, "tiny@0", shards, str(tmp_path))
        batch = pa.RecordBatch.from_pylist(rows, schema=schema)
        assert _do(folder, "weft-000000", iter([batch]), process, Guard()) is None
        with tarfile.open(shards / "weft-000000.tar") as tar:
            members = {member.name: tar.extractfile(member).read() for member in tar}
        return folder.commits()["weft-000000"].extra, members

    return write


def test_images_are_written_as_jpeg_and_everything_is_counted(written):
    facts, members = written([GOOD, picture(colour=(3, 200, 90))], [GOOD])
    assert list(members) == [
        f"{0:032x}.json",
        f"{0:032x}.000.jpg",
        f"{0:032x}.001.jpg",
        f"{1:032x}.json",
        f"{1:032x}.000.jpg",
    ]
    assert Image.open(io.BytesIO(members[f"{0:032x}.000.jpg"])).format == "JPEG"
    document = json.loads(members[f"{0:032x}.json"])
    assert document["texts"] == ["text 0", None, None]
    assert [entry and entry["original_sha256"] for entry in document["metadata"]][1] == hashlib.sha256(GOOD).hexdigest()
    assert facts["totals"] == {"documents": 2, "images": 3, "words": 4, "tokens": 6, "texts": 2}
    assert facts["dropped"] == {"document": {}, "reference": {}, "node": {}}
    assert (facts["shard"]["documents"], facts["shard"]["images"]) == (2, 3)


def test_an_image_that_cannot_be_written_anew_is_counted_and_the_rest_of_its_document_stays(written):
    facts, members = written([CUT, GOOD])
    assert facts["dropped"]["reference"] == {"file:decode_error": 1}
    assert facts["totals"]["images"] == 1
    document = json.loads(members[f"{0:032x}.json"])
    assert document["images"] == [None, "000.jpg"]


def test_a_document_with_too_few_images_left_goes_with_everything_it_has(written):
    facts, members = written([CUT, GOOD], [GOOD, picture(colour=(9, 9, 250))], min_images=2)
    assert {name.partition(".")[0] for name in members} == {f"{1:032x}"}
    assert facts["dropped"] == {
        "document": {"no_images": 1},
        "reference": {"file:decode_error": 1, "document": 1},
        "node": {"document": 1},
    }
    assert facts["totals"]["documents"] == 1


def test_the_step_writes_every_shard_also_empty_ones_and_a_manifest_that_adds_up(spark, run_of, fill, row_of, node_of):
    run = run_of("shard.target_bytes=65536", spark=spark)
    prefix = run.where("04_images/ledger").data_prefix(run.folder)
    store = StoreWriter(str(run.folder / prefix), "s")
    sha256 = hashlib.sha256(GOOD).hexdigest()
    at = store.append(GOOD, name=sha256)
    store.close()
    address = {"store_file": f"{prefix}/{at.file}", "store_offset": at.offset, "store_length": at.length}
    documents, unique, decisions, matches = [], [], [], []
    ids = [f"{n:032x}" for n in range(3)]  # all in the first of the ranges: the other shards are empty
    for number, name in enumerate(ids):
        place = {"id": name, "warc_filename": "a", "warc_record_offset": number}
        nodes = [node_of(text="text"), node_of(image_url="u")]
        documents.append(row_of(DOCUMENTS, nodes=nodes, **place))
        unique.append(row_of(UNIQUE, **place))
        facts = {"num_images": 1, "num_texts": 1, "num_words": 4, "num_tokens": 5, "num_bytes": 60_000}
        decisions.append(row_of(DECISIONS, id=name, drop_reason="no_images" if number == 2 else None, **facts))
        matches.append(row_of(MATCHES, id=name, node=1, url="u", sha256=sha256, count_in_corpus=3))
    fill(run, "01_documents", (DOCUMENTS, documents))
    fill(run, "02_unique", (UNIQUE, unique))
    looks = {"width": 160, "height": 120, "phash": "0" * 16, "num_faces": 0}
    fill(run, "04_images/images", (IMAGES, [row_of(IMAGES, url="u", sha256=sha256, status="ok", **address, **looks)]))
    fill(run, "05_matches/matches", (MATCHES, matches))
    fill(run, "05_matches/decisions", (DECISIONS, decisions))
    make(run)
    run.finish("shards", Cost())
    shards = run.folder / "shards"
    manifest = json.loads((shards / "manifest.json").read_text())
    assert manifest["num_shards"] == 2  # 120,000 bytes over 65,536
    assert manifest["recipe"] == {"name": "tiny", "fingerprint": run.recipe.fingerprint}
    assert [entry["documents"] for entry in manifest["shards"]] == [2, 0]
    totals = {name: manifest["totals"][name] for name in ("documents", "images", "words", "tokens")}
    assert totals == {"documents": 2, "images": 2, "words": 8, "tokens": 10}
    for entry in manifest["shards"]:
        data = (shards / entry["name"]).read_bytes()
        assert (len(data), hashlib.sha256(data).hexdigest()) == (entry["bytes"], entry["sha256"])
    assert pq.read_table(shards / "weft-000000.idx.parquet").column("key").to_pylist() == ids[:2]
    assert pq.read_table(shards / "weft-000001.idx.parquet").num_rows == 0
    # Another recipe's shards give way before the first of its own is written.
    other = run_of("shard.target_bytes=10_000_000", spark=spark)
    assert other.key("05_matches/decisions") == run.key("05_matches/decisions")
    make(other)
    assert sorted(path.name for path in shards.glob("weft-*")) == ["weft-000000.idx.parquet", "weft-000000.tar"]
    assert json.loads((shards / "manifest.json").read_text())["num_shards"] == 1
