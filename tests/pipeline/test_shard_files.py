import hashlib
import io
import json
import tarfile
import zlib

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.shard_files import ShardFile


def document(texts, images):
    """A document whose texts come first, then its images."""
    count = len(texts) + len(images)
    facts = [{"width": 2, "height": 3, "alt": "é", "caption": None} for _ in images]
    return {
        "texts": [*texts, *[None] * len(images)],
        "images": [*[None] * len(texts), *images],
        "metadata": [*[None] * len(texts), *facts],
        "roles": ["paragraph"] * count,
        "matched_text_index": [0] * len(images),
    }


def write(folder, documents, attempt="a"):
    shard = ShardFile(folder, "weft-000000", attempt)
    for key, texts, images in documents:
        names = {f"{number:03d}.jpg": data for number, data in enumerate(images)}
        made = document(texts, list(names))
        shard.add(key, json.dumps(made).encode(), made, list(names.items()))
    return shard.close()


TWO = [("0" * 31 + "1", ["one", "zwei ü"], [b"A" * 700, b"B"]), ("f" * 32, ["three"], [])]


def test_the_tar_holds_each_document_together_json_first_with_fixed_headers(tmp_path):
    entry = write(tmp_path, TWO)
    with tarfile.open(tmp_path / entry["name"]) as tar:
        members = tar.getmembers()
        assert [m.name.partition(".")[2] for m in members] == ["json", "000.jpg", "001.jpg", "json"]
        assert {(m.mtime, m.uid, m.gid, m.mode) for m in members} == {(0, 0, 0, 0o644)}
        assert tar.extractfile(members[1]).read() == b"A" * 700


def test_the_entry_says_size_digest_and_counts_of_the_tar(tmp_path):
    entry = write(tmp_path, TWO)
    data = (tmp_path / "weft-000000.tar").read_bytes()
    assert entry == {
        "name": "weft-000000.tar",
        "bytes": len(data),
        "sha256": hashlib.sha256(data).hexdigest(),
        "documents": 2,
        "images": 2,
    }


def test_the_index_leads_to_the_bytes_of_each_member(tmp_path):
    write(tmp_path, TWO)
    data = (tmp_path / "weft-000000.tar").read_bytes()
    rows = pq.read_table(tmp_path / "weft-000000.idx.parquet").to_pylist()
    for row in rows:
        for member in row["members"]:
            found = data[member["offset"] : member["offset"] + member["length"]]
            assert zlib.crc32(found) == member["crc32"]
    assert rows[0]["nodes"][1] == {
        "kind": "text",
        "num_bytes": len("zwei ü".encode()),
        **dict.fromkeys(("width", "height", "matched_text", "alt_bytes", "caption_bytes")),
    }
    assert rows[0]["nodes"][2] == {
        "kind": "image",
        "num_bytes": 700,
        "width": 2,
        "height": 3,
        "matched_text": 0,
        "alt_bytes": 2,
        "caption_bytes": 0,
    }


def test_a_shard_without_documents_has_its_tar_and_index(tmp_path):
    entry = write(tmp_path, [])
    with tarfile.open(tmp_path / entry["name"]) as tar:
        assert tar.getmembers() == []
    assert pq.read_table(tmp_path / "weft-000000.idx.parquet").num_rows == 0


def test_nothing_stands_under_the_final_name_before_the_end_and_nothing_after_giving_up(tmp_path):
    shard = ShardFile(tmp_path, "weft-000000", "a")
    made = document(["x"], [])
    shard.add("0" * 32, json.dumps(made).encode(), made, [])
    assert list(tmp_path.glob("weft-*")) == []
    shard.abandon()
    assert list(tmp_path.iterdir()) == []


def test_a_shard_whose_draft_another_run_took_away_touches_nothing_of_that_run(tmp_path):
    late = ShardFile(tmp_path, "weft-000000", "late")
    for draft in tmp_path.glob(".weft-*"):  # what a run with another recipe does as it begins
        draft.unlink()
    write(tmp_path, [("k", ["new"], [])], attempt="new")
    new = {path.name: path.read_bytes() for path in tmp_path.glob("weft-*")}
    with pytest.raises(FileNotFoundError):
        late.close()
    assert {path.name: path.read_bytes() for path in tmp_path.glob("weft-*")} == new


def test_giving_up_on_a_full_disk_leaves_nothing(tmp_path):
    (tmp_path / ".weft-000000-a.tar").symlink_to("/dev/full")
    shard = ShardFile(tmp_path, "weft-000000", "a")
    made = document(["x"], [])
    shard.add("0" * 32, json.dumps(made).encode(), made, [])  # stays in the buffer
    with pytest.raises(OSError, match="No space left on device"):
        shard.close()
    shard.abandon()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning")
def test_plain_webdataset_reads_it(tmp_path):
    wds = pytest.importorskip("webdataset")
    entry = write(tmp_path, TWO)
    samples = list(wds.WebDataset(str(tmp_path / entry["name"]), shardshuffle=False))
    assert [sample["__key__"] for sample in samples] == [key for key, _, _ in TWO]
    assert samples[0]["001.jpg"] == b"B"


@given(st.lists(st.lists(st.binary(max_size=1200), max_size=3), max_size=4))
def test_the_same_documents_give_the_same_bytes(tmp_path_factory, pictures):
    documents = [(f"{number:032x}", ["text"], images) for number, images in enumerate(pictures)]
    first, second = (tmp_path_factory.mktemp("shard") for _ in range(2))
    assert write(first, documents, "a") == write(second, documents, "b")
    for name in ("weft-000000.tar", "weft-000000.idx.parquet"):
        assert (first / name).read_bytes() == (second / name).read_bytes()
    with tarfile.open(fileobj=io.BytesIO((first / "weft-000000.tar").read_bytes())) as tar:
        assert len(tar.getmembers()) == len(documents) + sum(map(len, pictures))
