"""weft import as a person calls it; whole runs over what it writes: tests/integration/test_imports.py."""

from __future__ import annotations

import json

import pytest

LINE = {"url": "http://a.example/", "text_list": ["One."], "image_info": []}


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "in" / "docs_shard_0_v2.jsonl"
    path.parent.mkdir()
    path.write_text(json.dumps(LINE) + "\nnot json\n")
    return path


def test_what_was_met_is_said_kept_and_an_error_where_something_was_rejected(weft, source, tmp_path):
    done = weft("import", "mmc4", source.parent, "--out", tmp_path / "out")
    assert done.code == 1
    assert "1 documents, 1 rejected, 1 texts" in done.out
    assert "docs_shard_0_v2.jsonl line 2: no document of mmc4" in done.out
    kept = json.loads((tmp_path / "out" / "import.json").read_text())["docs_shard_0_v2.jsonl"]
    assert (kept["documents"], kept["rejected"], len(kept["troubles"])) == (1, 1, 1)
    again = weft("import", "mmc4", source.parent, "--out", tmp_path / "out")
    assert (again.code, "nothing was left to do" in again.out) == (0, True)


def test_sources_that_are_not_there_or_are_called_alike_are_refused(weft, source, tmp_path):
    (tmp_path / "empty").mkdir()
    for path in (tmp_path / "nowhere", tmp_path / "empty"):
        refused = weft("import", "mmc4", path, "--out", tmp_path / "out")
        assert (refused.code, "is not there, or holds no file" in refused.err) == (2, True)
    (tmp_path / "docs_shard_0_v2.jsonl").write_text("")
    alike = weft("import", "mmc4", source, tmp_path / "docs_shard_0_v2.jsonl", "--out", tmp_path / "out")
    assert (alike.code, "like another source" in alike.err) == (2, True)
    assert weft("import", "obelics", source, "--images", tmp_path, "--out", tmp_path / "out").code == 2
