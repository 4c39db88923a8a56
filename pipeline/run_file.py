"""`run.json` of an output folder: which run the folder holds, for the commands that look at one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from schemas.errors import InputError

NAME = "run.json"


def holds_run(folder: Path) -> bool:
    """Whether there is the note of a run, readable or not."""
    return (folder / NAME).exists()


def read_run(folder: Path) -> dict[str, Any]:
    """What `Run.save` wrote: recipe (name, sections), inputs, given, tables.

    Raises:
        InputError: the folder holds no run, or the note is damaged; says what to do.
    """
    path = folder / NAME
    if not path.is_file():
        raise InputError(f"{folder} holds no run (no {NAME}); give the folder that was --out of weft run")
    try:
        facts = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(_damaged(path, str(error))) from error
    if wrong := _wrong(facts):
        raise InputError(_damaged(path, wrong))
    return facts  # type: ignore[no-any-return]


def _damaged(path: Path, why: str) -> str:
    return f"{path} is damaged ({why}); the weft run command that made the folder writes it anew and redoes nothing"


def _wrong(facts: Any) -> str | None:
    """What is not as `Run.save` writes it, by keys and types alone."""
    if not isinstance(facts, dict):
        return "no JSON object"
    recipe, inputs = facts.get("recipe"), facts.get("inputs")
    if not isinstance(recipe, dict) or not isinstance(recipe.get("name"), str):
        return "it names no recipe"
    sections = recipe.get("sections")
    if not isinstance(sections, dict) or not all(isinstance(body, dict) for body in sections.values()):
        return "its recipe has no sections"
    if not isinstance(inputs, list) or not all(_is_input(entry) for entry in inputs):
        return "it names no inputs"
    if not isinstance(facts.get("given"), list) or not isinstance(facts.get("tables", {}), dict):
        return "given and tables are a list and an object"
    return None


def _is_input(entry: Any) -> bool:
    """Whether it is a slice and the JSON object that says what is read."""
    if not (isinstance(entry, list) and len(entry) == 2 and all(isinstance(part, str) for part in entry)):
        return False
    try:
        return isinstance(json.loads(entry[1]), dict)
    except ValueError:
        return False
