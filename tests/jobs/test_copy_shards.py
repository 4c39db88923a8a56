from collections import Counter

from pipeline.shard_files import ShardFile
from pipeline.shards.manifest import body, put
from pipeline.shards.place import Place


def test_shards_are_copied_once_and_what_is_no_data_set_is_named(weft, tmp_path):
    folder = tmp_path / "shards"
    folder.mkdir()
    entry = ShardFile(folder, "weft-000000", "a").close()
    put(Place(folder), body(recipes=["t@0"], entries=[entry], totals=Counter(), tokenizer="none", max_images=0))
    assert weft("copy", tmp_path, tmp_path / "to").out == f"2 files sent to {tmp_path / 'to'}\n"
    assert weft("copy", tmp_path, tmp_path / "to").out == f"{tmp_path / 'to'} holds the same shards already\n"
    assert weft("verify", tmp_path / "to").code == 0
    assert weft("copy", tmp_path / "none", tmp_path / "to").code == 2
