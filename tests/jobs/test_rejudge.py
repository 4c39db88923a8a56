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


def test_a_file_of_sections_is_laid_over_the_recipe_and_overrides_over_both(tmp_path):
    file = tmp_path / "moved.toml"
    file.write_text('[text.document]\nmin_words = 70\nmax_spam_words = "none"\n\n[images]\nmin_side = 48\n')
    recipe = load("tiny", ["text.document.max_words=9000"])
    new = changed(recipe, ["images.min_side=50"], str(file))
    assert new.raw["text"]["document"] == {"max_words": 9000, "min_words": 70, "max_spam_words": "none"}
    assert (new.images.min_side, new.images.max_aspect) == (50, recipe.images.max_aspect)
    assert recipe.raw["text"]["document"] == {"max_words": 9000}


def test_what_the_sliders_write_is_taken_by_the_command(weft, begun, tmp_path):
    begun.finish("01_documents", Cost())
    file = tmp_path / "moved.toml"
    file.write_text("[extract]\nmode = 'recall'\n")
    said = weft("rejudge", begun.folder, "--recipe", file)
    assert (said.code, "[extract]: this changes what is read or measured" in said.err) == (2, True)
    file.write_text("[text.document]\nmin_words = -x\n")
    assert "moved.toml is not TOML" in weft("rejudge", begun.folder, "--recipe", file).err
