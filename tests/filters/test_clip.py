"""What is checked before a job starts, and what importing the package does not load."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from filters import clip
from filters.clip import Config, weights
from schemas.errors import ConfigError, ModelUnavailable


def test_without_a_model_nothing_is_needed() -> None:
    clip.check(Config(model="none"), "obelics")
    assert clip.fingerprint(Config(model="none")) == "none"


@pytest.mark.parametrize("recipe", ["tiny", "recipes/tiny.toml", "/somewhere/tiny.toml"])
def test_the_demo_model_is_for_the_tiny_recipe(recipe: str) -> None:
    clip.check(Config(model="demo"), recipe)


@pytest.mark.parametrize("recipe", ["obelics", "recipes/weft.toml", "tiny/weft.toml", "tinier"])
def test_the_demo_model_is_refused_elsewhere(recipe: str) -> None:
    with pytest.raises(ConfigError, match="allow_demo_model"):
        clip.check(Config(model="demo"), recipe)


def test_the_demo_model_is_refused_under_another_name_too(tmp_path: Path) -> None:
    copy = shutil.copytree(weights.DEMO, tmp_path / "our_own_model")
    for model in (str(weights.DEMO), str(copy)):
        with pytest.raises(ConfigError, match="allow_demo_model"):
            clip.check(Config(model=model), "obelics")


def test_the_demo_model_may_be_allowed_by_name() -> None:
    clip.check(Config(model="demo", allow_demo_model=True), "obelics")


def test_a_folder_that_is_not_there_is_said_before_a_job_starts(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match="no open_clip model"):
        clip.check(Config(model=str(tmp_path / "gone")), "obelics")


def test_neither_text_stages_nor_the_check_of_the_demo_model_load_torch() -> None:
    code = (
        "import sys, filters.clip, filters.nsfw, filters.assignment\n"
        "config = filters.clip.Config(model='demo')\n"
        "filters.clip.check(config, 'tiny'); filters.clip.fingerprint(config)\n"
        "print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert {"torch", "open_clip", "PIL", "onnxruntime", "cv2", "scipy"} & set(done.stdout.split()) == set()
