"""open_clip comes without wandb, and wandb is there for who wants it afterwards."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys

import pytest

PROGRAM = """
import importlib.util, os, sys
from filters.clip.package import import_open_clip

assert "ViT-B-32" in import_open_clip().list_models()
assert "timm" in sys.modules
assert "wandb" not in sys.modules
assert importlib.util.find_spec("wandb") is not None
os._exit(0)  # as Spark's workers end
"""


@pytest.mark.slow  # a fresh interpreter loads torch
@pytest.mark.skipif(importlib.util.find_spec("wandb") is None, reason="wandb is not installed")
def test_a_worker_that_loads_open_clip_and_is_ended_leaves_nothing_behind(root, tmp_path):
    environment = {**os.environ, "TMPDIR": str(tmp_path), "TORCHINDUCTOR_CACHE_DIR": str(tmp_path.parent / "inductor")}
    subprocess.run([sys.executable, "-c", PROGRAM], cwd=root, env=environment, check=True, timeout=600)
    assert [path.name for path in tmp_path.iterdir() if "wandb" in path.name] == []
