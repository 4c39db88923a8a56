"""The run that an output folder holds."""

from __future__ import annotations

import pytest

from jobs.open_run import open_run
from schemas.errors import InputError


def test_the_last_run_comes_back_with_its_recipe_inputs_and_places(begun):
    found = open_run(begun.folder)
    assert found.recipe.stamp == begun.recipe.stamp
    assert found.inputs == begun.inputs
    assert [found.where(step.name).path for step in found.steps] == [begun.where(s.name).path for s in begun.steps]


def test_a_folder_without_a_run_says_what_to_give(tmp_path):
    with pytest.raises(InputError, match=r"holds no run \(no run.json\); give the folder that was --out of weft run"):
        open_run(tmp_path)
