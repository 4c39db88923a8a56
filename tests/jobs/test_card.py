from collections import Counter

from pipeline.shard_files import ShardFile
from pipeline.shards.manifest import body, put
from pipeline.shards.place import Place


def test_the_card_is_written_beside_the_shards(weft, tmp_path):
    entry = ShardFile(tmp_path, "weft-000000", "a").close()
    manifest = body(recipes=["t@" + "0" * 16], entries=[entry], totals=Counter(), tokenizer="none", max_images=0)
    put(Place(tmp_path), manifest)
    done = weft("card", tmp_path, "--name", "Nothing")
    assert (done.code, done.out) == (0, f"{tmp_path}/README.md\n")
    assert "# Nothing\n" in (tmp_path / "README.md").read_text()
    assert weft("verify", tmp_path).code == 0
