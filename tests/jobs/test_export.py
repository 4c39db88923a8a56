"""The command on the shards of nothing at all; the files themselves: tests/pipeline/shards/test_export_obelics.py."""

from __future__ import annotations

from collections import Counter

from pipeline.shard_files import ShardFile
from pipeline.shards.manifest import body, put
from pipeline.shards.place import Place


def test_the_files_are_written_once(weft, tmp_path):
    (tmp_path / "in").mkdir()
    entry = ShardFile(tmp_path / "in", "weft-000000", "a").close()
    manifest = body(recipes=["t@" + "0" * 16], entries=[entry], totals=Counter(), tokenizer="none", max_images=0)
    put(Place(tmp_path / "in"), manifest)
    done = weft("export", tmp_path / "in", "--out", tmp_path / "made")
    assert (done.code, done.out) == (0, f"1 files, 0 documents, 0 images: {tmp_path / 'made'}\n")
    again = weft("export", tmp_path / "in", "--out", tmp_path / "made")
    assert (again.code, "holds something already" in again.err) == (2, True)
