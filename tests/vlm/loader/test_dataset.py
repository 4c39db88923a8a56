import json
import random
import subprocess
import sys

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from loader_shards import sample_documents, write_shards

from vlm.loader.dataset import Dataset
from vlm.loader.errors import DatasetError
from vlm.loader.storage import open_store


@pytest.fixture
def folder(tmp_path):
    return write_shards(tmp_path, sample_documents(10), 1)


def index_with(folder, change):
    """The index of the shard after `change(row)` of its first document, its numbers as wide as they need be."""
    path = folder / "weft-000000.idx.parquet"
    rows = pq.read_table(path).to_pylist()
    change(rows[0])
    pq.write_table(pa.Table.from_pylist(rows), path)
    return Dataset(open_store(str(folder))).index(0)


def test_an_index_of_wider_numbers_is_read(folder):
    assert len(index_with(folder, dict.copy)) == 10


@pytest.mark.parametrize("field", ["num_bytes", "width", "height", "alt_bytes", "caption_bytes", "matched_text"])
@pytest.mark.parametrize("value", [-2, 1 << 31, 1 << 40])
def test_a_number_of_a_node_out_of_range_is_an_index_that_is_none(folder, field, value):
    with pytest.raises(DatasetError, match=r"is no shard index: .*out of range"):
        index_with(folder, lambda row: row["nodes"][0].update({field: value}))


@pytest.mark.parametrize(("field", "value"), [("offset", -1), ("length", -1), ("length", 1 << 31), ("crc32", 1 << 32)])
def test_a_number_of_a_member_out_of_range_is_an_index_that_is_none(folder, field, value):
    with pytest.raises(DatasetError, match=r"is no shard index: .*out of range"):
        index_with(folder, lambda row: row["members"][0].update({field: value}))


def test_an_offset_so_large_that_its_end_would_wrap_is_behind_the_end(folder):
    with pytest.raises(DatasetError, match="points behind the end"):
        index_with(folder, lambda row: row["members"][0].update(offset=2**63 - 1))


@pytest.mark.parametrize("size", [2**31 + 5, 2**40, 10**30])
def test_a_tar_of_any_size_is_read(folder, size):
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["shards"][0]["bytes"] = size
    path.write_text(json.dumps(manifest))
    assert len(Dataset(open_store(str(folder))).index(0)) == 10


@pytest.mark.parametrize(
    "change",
    [
        {"name": "../weft-000000.tar"}, {"name": "/etc/weft-000000.tar"}, {"name": "a/b.tar"}, {"name": "weft"},
        {"name": 5}, {"documents": -1}, {"bytes": -1}, {"images": -1}, {"sha256": None}, {"documents": "many"},
        {"bytes": float("inf")}, {"bytes": 5_000}, {"documents": 10**12}, {"documents": 2**31, "bytes": 10**30},
    ],
)  # fmt: skip
def test_a_shard_that_cannot_be_is_refused_before_anything_is_read(folder, change):
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["shards"][0].update(change)
    path.write_text(json.dumps(manifest))
    with pytest.raises(DatasetError, match=r"manifest\.json (is no manifest|has a shard that cannot be)"):
        Dataset(open_store(str(folder)))


def test_a_manifest_that_is_nested_too_deeply_is_none(folder):
    (folder / "manifest.json").write_text("[" * 100_000)
    with pytest.raises(DatasetError, match="is no manifest"):
        Dataset(open_store(str(folder)))


def test_a_tar_in_place_of_its_folder_is_told_what_to_be(folder):
    with pytest.raises(DatasetError, match="holds no manifest"):
        Dataset(open_store(str(folder / "weft-000000.tar")))


def test_a_document_without_a_key_is_none(folder):
    with pytest.raises(DatasetError, match="document without a key"):
        index_with(folder, lambda row: row.update(key=None))


def test_an_index_with_bytes_changed_is_read_or_refused(folder):
    path = folder / "weft-000000.idx.parquet"
    good = path.read_bytes()
    dataset, rng, refused = Dataset(open_store(str(folder))), random.Random(0), 0
    for _ in range(400):
        data = bytearray(good)
        for _ in range(rng.choice([1, 1, 3, 20])):
            data[rng.randrange(len(data))] = rng.randrange(256)
        path.write_bytes(data)
        try:
            dataset.index(0)
        except DatasetError:  # ShardLost is one
            refused += 1
    assert refused > 100


def test_an_index_is_read_without_pandas(folder):
    """Arrow imports it at the first number that is made an array, or an array a number: a second of each start."""
    code = "import sys; from vlm.loader.dataset import Dataset; from vlm.loader.storage import open_store\n"
    code += "Dataset(open_store(sys.argv[1])).index(0); sys.exit('pandas' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code, str(folder)], check=False, timeout=60).returncode == 0


def test_texts_longer_than_the_tar_are_not_planned(folder):
    nodes = pq.read_table(folder / "weft-000000.idx.parquet")["nodes"][0].as_py()
    text = [n["kind"] for n in nodes].index("text")
    with pytest.raises(DatasetError, match=r"more bytes of text than weft-000000\.tar has"):
        index_with(folder, lambda row: row["nodes"][text].update(num_bytes=2**31 - 1))


@pytest.mark.parametrize("column", ["members", "nodes"])
@pytest.mark.parametrize("value", [5, "text", [1], [{"kind": 5}]])
def test_a_column_of_another_type_is_an_index_that_is_none(folder, column, value):
    path = folder / "weft-000000.idx.parquet"
    table = pq.read_table(path)
    at = table.column_names.index(column)
    pq.write_table(table.set_column(at, column, pa.array([value] * 10)), path)
    with pytest.raises(DatasetError):
        Dataset(open_store(str(folder))).index(0)
