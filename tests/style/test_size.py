"""Files and functions stay small, and each module says what it is (docs: CONTRIBUTING.md)."""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 70
MAX_TRAINER_LINES = 3_000
MAX_FILE_BYTES = 500_000
# One file may be larger: the weights of the tiny CLIP that the demo and the tests run on.
MAX_WEIGHTS_BYTES = 3_000_000


def _tracked(*patterns: str) -> list[Path]:
    command = ["git", "-C", str(ROOT), "ls-files", "-z", "--", *patterns]
    listing = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return [ROOT / name for name in listing.split("\0") if name and (ROOT / name).exists()]


def _functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    yield from (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


@pytest.fixture(scope="module")
def modules() -> dict[str, str]:
    return {str(path.relative_to(ROOT)): path.read_text("utf-8") for path in _tracked("*.py")}


def test_no_file_is_longer_than_400_lines(modules: dict[str, str]) -> None:
    lengths = {name: text.count("\n") for name, text in modules.items()}
    assert {name: length for name, length in lengths.items() if length > MAX_FILE_LINES} == {}


def test_no_function_is_longer_than_70_lines(modules: dict[str, str]) -> None:
    long = {}
    for name, text in modules.items():
        for function in _functions(ast.parse(text)):
            length = (function.end_lineno or function.lineno) - function.lineno + 1
            if length > MAX_FUNCTION_LINES:
                long[f"{name}:{function.lineno} {function.name}"] = length
    assert long == {}


@pytest.mark.parametrize("loader", [True, False])
def test_the_loader_and_the_rest_of_the_trainer_can_each_be_read_in_an_evening(
    modules: dict[str, str], loader: bool
) -> None:
    ours = [t for n, t in modules.items() if n.startswith("vlm/") and n.startswith("vlm/loader/") == loader]
    assert 2_000 < sum(map(_lines_of_code, ours)) < MAX_TRAINER_LINES


def _lines_of_code(text: str) -> int:
    """Without blanks, comments, and strings that stand alone."""
    said: set[int] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            said.update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    kept = {line for line, of in enumerate(text.splitlines(), 1) if of.strip() and not of.lstrip().startswith("#")}
    return len(kept - said)


def test_each_module_opens_by_saying_what_it_is(modules: dict[str, str]) -> None:
    ours = {name: text for name, text in modules.items() if not name.startswith("tests/")}  # a test's names say it
    assert [name for name, text in ours.items() if not ast.get_docstring(ast.parse(text))] == []


def test_no_module_has_a_name_that_says_nothing(modules: dict[str, str]) -> None:
    empty_names = {"utils", "util", "helpers", "helper", "common", "misc"}
    assert [name for name in modules if empty_names & {Path(name).stem, *Path(name).parent.parts}] == []


def test_no_large_file_is_committed_save_the_tiny_model() -> None:
    sizes = {str(path.relative_to(ROOT)): path.stat().st_size for path in _tracked()}
    large = {name: size for name, size in sizes.items() if size > MAX_FILE_BYTES}
    assert len(large) <= 1
    assert all(size <= MAX_WEIGHTS_BYTES for size in large.values())
