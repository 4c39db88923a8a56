"""merge, sample, pairs and texts, as a person calls them, on the shards of nothing at all."""

from collections import Counter

import pytest

from pipeline.shard_files import ShardFile
from pipeline.shards.manifest import body, put
from pipeline.shards.place import Place


@pytest.fixture
def shards(tmp_path):
    folder = tmp_path / "out" / "shards"
    folder.mkdir(parents=True)
    entry = ShardFile(folder, "weft-000000", "a").close()
    manifest = body(recipes=["t@" + "0" * 16], entries=[entry], totals=Counter(), tokenizer="none", max_images=0)
    put(Place(folder), manifest)
    return folder


@pytest.mark.parametrize("command", [["merge"], ["sample", "--documents", 3, "--tier", "strict"], ["pairs"], ["texts"]])
def test_each_writes_shards_that_are_sound_and_says_what_they_hold(weft, shards, tmp_path, command):
    done = weft(*command, shards.parent, "--out", tmp_path / "made")
    assert (done.code, done.out) == (0, f"1 shards, 0 documents, 0 images, 0 words: {tmp_path / 'made'}\n")
    assert weft("verify", tmp_path / "made").code == 0
    again = weft(*command, shards.parent, "--out", tmp_path / "made")
    assert again.code == 2
    assert "holds something already" in again.err
