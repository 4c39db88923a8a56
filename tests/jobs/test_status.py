"""weft status: what is done and what is next."""

from __future__ import annotations

from dataclasses import replace

from pipeline.books import CHECKED, note_checked, was_checked
from pipeline.commits import Commit, Cost
from pipeline.recipe import load


def test_a_folder_where_nothing_is_done_says_where_it_begins(weft, begun):
    said = weft("status", begun.folder).out.splitlines()
    assert said[0] == f"recipe {begun.recipe.stamp}, 1 slice(s) of input"
    assert len(said) == len(begun.steps) + 2
    assert all(line.endswith("not begun") for line in said[1:-1])
    assert said[-1] == "next: 01_documents; the same weft run command goes on there"


def test_slices_that_are_committed_are_counted_and_a_finished_step_says_its_time(weft, begun):
    begun.where("01_documents").commit(Commit(slice=begun.inputs[0][0], files=()))
    assert "begun, 1 of 1 slice(s) committed" in weft("status", begun.folder).out
    begun.finish("01_documents", Cost(seconds=1.5))
    folder = begun.where("02_unique")
    folder.commit(Commit(slice="all", files=()))
    said = weft("status", begun.folder).out.splitlines()
    assert said[1].split(maxsplit=1) == ["01_documents", "done, 1 slice(s), 1.5 s"]
    assert said[2].split(maxsplit=1) == ["02_unique", "begun, 1 slice(s) committed"]
    assert said[-1].startswith("next: 02_unique;")


def test_a_finished_run_is_complete(weft, begun):
    for step in begun.steps:
        begun.finish(step.name, Cost())
    assert weft("status", begun.folder).out.splitlines()[-1].startswith("next: books and report; ")
    note_checked(begun, has_report=False)
    assert weft("status", begun.folder).out.splitlines()[-1] == "complete"


def test_what_was_said_of_the_books_holds_for_its_recipe_alone(begun):
    assert not was_checked(begun)
    note_checked(begun, has_report=False)
    assert was_checked(begun)
    assert not was_checked(begun, with_report=True)
    note_checked(begun, has_report=True)
    assert was_checked(begun, with_report=True)
    other = replace(begun, recipe=load("tiny", ["assemble.max_images=1"]))
    assert not was_checked(other)
    (begun.folder / "report" / CHECKED).write_text("{")
    assert not was_checked(begun)
