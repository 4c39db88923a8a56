import json
from collections import Counter

import pytest

from pipeline.shards.manifest import body


def test_a_folder_without_shards_is_the_users_to_mend(weft, tmp_path):
    done = weft("view", tmp_path)
    assert done.code == 2
    assert "holds no shards" in done.err


@pytest.mark.parametrize("port", ["70000", "-1"])
def test_a_port_that_there_is_not_is_named(weft, tmp_path, port):
    manifest = body(recipes=["t@0"], entries=[], totals=Counter(), tokenizer="none", max_images=0)
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    done = weft("view", tmp_path, "--port", port)
    assert done.code == 2
    assert f"--port {port}" in done.err
