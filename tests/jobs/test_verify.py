import json

import pytest

from pipeline.shard_files import ShardFile
from pipeline.shards.manifest import body, put
from pipeline.shards.place import Place


@pytest.fixture
def shards(tmp_path):
    folder = tmp_path / "out" / "shards"
    folder.mkdir(parents=True)
    entry = ShardFile(folder, "weft-000000", "a").close()
    from collections import Counter

    manifest = body(recipes=["t@" + "0" * 16], entries=[entry], totals=Counter(), tokenizer="none", max_images=0)
    put(Place(folder), manifest)
    return folder


def test_sound_shards_are_said_to_be_sound(weft, shards):
    for folder in (shards, shards.parent):
        done = weft("verify", folder)
        assert (done.code, done.out) == (0, "1 shards, 0 documents, 0 images: sound\n")


def test_what_is_wrong_is_listed_and_the_exit_code_says_so(weft, shards):
    path = shards / "weft-000000.tar"
    path.write_bytes(path.read_bytes()[:512])
    done = weft("verify", shards)
    assert done.code == 1
    assert "weft-000000.tar: tar_cut: ends after one empty block at byte 0" in done.out
    assert "2 faults" in done.out


def test_a_folder_without_shards_is_the_users_mistake(weft, tmp_path):
    done = weft("verify", tmp_path)
    assert done.code == 2
    assert "holds no shards" in done.err


def test_reindex_brings_manifest_and_index_back(weft, shards):
    before = json.loads((shards / "manifest.json").read_text())
    (shards / "weft-000000.idx.parquet").unlink()
    done = weft("reindex", shards)
    assert (done.code, done.out) == (0, "1 shards, 0 documents, 0 images\n")
    assert json.loads((shards / "manifest.json").read_text()) == before
    assert weft("verify", shards).code == 0
