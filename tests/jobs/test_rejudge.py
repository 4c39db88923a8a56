"""weft rejudge: old and new counts, and the archives may be gone."""

from __future__ import annotations

import shutil

import pytest

from jobs.rejudge import changed
from pipeline.commits import Cost
from pipeline.recipe import load
from schemas.errors import ConfigError
from tests.jobs.conftest import QUIET

STAGES = ("--stages", "01_documents..02_unique")


@pytest.mark.usefixtures("spark")
def test_other_thresholds_are_applied_without_the_archive_and_both_counts_are_shown(weft, archive, tmp_path):
    copy = tmp_path / archive.name
    shutil.copy(archive, copy)
    out = tmp_path / "out"
    quiet = [part for key in (*QUIET, "text.rules=none") for part in ("--set", key)]
    assert weft("run", "--recipe", "tiny", "--in", copy, "--out", out, *STAGES, *quiet).code == 0
    copy.unlink()
    done = weft("rejudge", out, "--set", "text.document.min_words=5000", *STAGES)
    assert done.code == 0, done.err
    lines = [line.split() for line in done.out.splitlines()]
    assert ["kept", "1", "0", "-1"] in lines
    assert ["too_few_words", "0", "1", "+1"] in lines
    assert "no text was read" in done.out
    back = weft("rejudge", out, "--set", "text.document.min_words=30", *STAGES)
    assert ["kept", "0", "1", "+1"] in [line.split() for line in back.out.splitlines()]


def test_what_is_no_threshold_is_refused_by_its_section(weft, begun):
    begun.finish("01_documents", Cost())
    said = weft("rejudge", begun.folder, "--set", "extract.mode=recall")
    assert said.code == 2
    assert "[extract]: this changes what is read or measured" in said.err


def test_a_run_without_documents_has_nothing_to_judge(weft, begun, tmp_path):
    said = weft("rejudge", begun.folder)
    assert (said.code, "01_documents is not done" in said.err) == (2, True)
    assert "holds no run" in weft("rejudge", tmp_path / "none").err


def test_overrides_leave_the_first_recipe_as_it_was():
    recipe = load("tiny", [])
    assert changed(recipe, ["language.min_score=0.9"]).language.min_score == 0.9
    assert recipe.language.min_score == load("tiny", []).language.min_score
    with pytest.raises(ConfigError, match="unknown"):
        changed(recipe, ["language.nothing=1"])
