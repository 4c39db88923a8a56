"""The page of systems: each row has its state, each preset its row."""

from __future__ import annotations

import tomllib

from jobs.systems_page import MISSING, NAMES, ROOT, page, state_of
from vlm.config import names


def _systems() -> list[dict]:
    table = tomllib.loads((ROOT / "vlm" / "systems.toml").read_text("utf-8"))
    return [system for group in table["group"] for system in group["systems"]]


def test_there_are_eighty_systems_of_known_parts() -> None:
    systems = _systems()
    assert len(systems) == len({system["name"] for system in systems}) == 80
    assert {part for system in systems for part in system["parts"].split()} <= NAMES.keys()
    assert set(MISSING) <= NAMES.keys()


def test_each_preset_stands_in_the_table_once() -> None:
    assert sorted(system["preset"] for system in _systems() if "preset" in system) == names()


def test_the_state_names_what_is_missing() -> None:
    assert state_of({"name": "x", "parts": "in lin"}) == "parts are there"
    assert state_of({"name": "x", "parts": "in lin expert"}) == "missing: visual expert"
    assert state_of({"name": "x", "parts": "in", "lacks": "a detector"}) == "missing: a detector"
    assert state_of({"name": "x", "parts": "in", "preset": "p", "lacks": "q"}).endswith("p.toml); not: q")


def test_the_page_has_a_row_for_each_system() -> None:
    text = page("note")
    assert all(f"| {system['name']}" in text for system in _systems())
