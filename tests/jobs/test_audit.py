from collections import Counter

from pipeline.shard_files import ShardFile
from pipeline.shards.manifest import body, put
from pipeline.shards.place import Place


def test_the_page_is_written(weft, tmp_path):
    entry = ShardFile(tmp_path, "weft-000000", "a").close()
    put(Place(tmp_path), body(recipes=["t@0"], entries=[entry], totals=Counter(), tokenizer="none", max_images=0))
    done = weft("audit", tmp_path, "--out", tmp_path / "page.html")
    assert (done.code, done.out) == (0, f"0 documents: {tmp_path / 'page.html'}\n")
    assert (tmp_path / "page.html").read_text().startswith("<!doctype html>")
