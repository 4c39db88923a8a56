"""Finds the run that an output folder holds, for the commands that look at one: no Spark until a table is read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from pipeline.documents import input_bytes
from pipeline.flow import FLOW
from pipeline.recipe import from_sections
from pipeline.run import Run
from pipeline.run_file import read_run
from pipeline.session import build_session, check_start


def open_run(folder: Path, say: Callable[[str], None] = lambda _line: None, master: str | None = None) -> Run:
    """The last run of the folder, with the recipe and inputs that it was given.

    Raises:
        InputError: the folder holds no run, or its run.json is damaged.
    """
    facts = read_run(folder)
    recipe = from_sections(facts["recipe"]["name"], facts["recipe"]["sections"])

    inputs = tuple((name, payload) for name, payload in facts["inputs"])

    def start() -> object:
        check_start(master)
        return build_session(recipe.spark, master, input_bytes(inputs))

    return Run(
        folder=folder.resolve(),
        recipe=recipe,
        steps=FLOW,
        inputs=inputs,
        start_session=start,  # type: ignore[arg-type]
        say=say,
    )
