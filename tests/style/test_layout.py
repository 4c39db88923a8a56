"""Every source module has its test, and no module hides another one."""

from __future__ import annotations

import ast
import importlib.metadata
import importlib.util
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("schemas", "filters", "pipeline", "jobs", "vlm", "demo")

# Modules, or folders of modules ("pipeline/fetch/"), that another test exercises, and that test.
COVERED_BY: dict[str, str] = {
    "pipeline/draft.py": "tests/pipeline/test_documents.py",  # what the stages fill in; it does nothing itself
    "pipeline/report/consent.py": "tests/pipeline/test_report.py",
    "pipeline/report/examples.py": "tests/pipeline/test_report.py",
    "pipeline/report/pages.py": "tests/pipeline/test_report.py",
    "pipeline/report/render.py": "tests/pipeline/test_report.py",
    "pipeline/report/tables.py": "tests/pipeline/test_report.py",
    "pipeline/report/totals.py": "tests/pipeline/test_report.py",
    "pipeline/report/what_if_tables.py": "tests/pipeline/test_report.py",
    "filters/extract/": "tests/filters/extract/test_extract.py",  # its parts are passes over one tree
    "schemas/shard_faults.py": "tests/pipeline/shards/test_verify.py",
    "pipeline/shards/manifest.py": "tests/pipeline/shards/test_verify.py",
    "pipeline/shards/check_books.py": "tests/pipeline/shards/test_verify.py",
    "pipeline/shards/changes.py": "tests/pipeline/shards/test_forget.py",
    "pipeline/shards/forget_shards.py": "tests/pipeline/shards/test_forget.py",
    "pipeline/shards/prove_forgotten.py": "tests/pipeline/shards/test_forget.py",
    "pipeline/shards/forget_tables.py": "tests/integration/test_forget.py",
    "jobs/recut.py": "tests/jobs/test_merge.py",
    "jobs/sample.py": "tests/jobs/test_merge.py",
    "jobs/pairs.py": "tests/jobs/test_merge.py",
    "jobs/texts.py": "tests/jobs/test_merge.py",
    "jobs/reindex.py": "tests/jobs/test_verify.py",
    # the trainer's commands are tried as a user calls them, one after the other
    **dict.fromkeys(
        ("jobs/ablate.py", "jobs/draw_shards.py", "jobs/evaluate.py", "jobs/generate.py", "jobs/run_train_demo.py"),
        "tests/jobs/test_train.py",
    ),
    "jobs/trainer_errors.py": "tests/jobs/test_train.py",
}


# Tests of a folder as a whole.
WHOLE = {Path("tests/filters/extract/test_fuzz.py")}


def _modules(package: str) -> list[Path]:
    """The modules of a package that hold code (not only word lists), as paths under the root."""
    paths = sorted((ROOT / package).rglob("*.py"))
    return [path.relative_to(ROOT) for path in paths if _defines_something(path)]


def _defines_something(path: Path) -> bool:
    body = ast.parse(path.read_text("utf-8")).body
    return any(isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) for node in body)


def _test_of(module: Path) -> Path:
    """Name the test: tests/filters/test_urls.py for filters/urls.py; a package is named by its folder."""
    named = module.parent if module.name == "__init__.py" else module.with_suffix("")
    return Path("tests") / named.parent / f"test_{named.name.strip('_')}.py"


def _is_covered(module: Path) -> bool:
    """Whether the module has its own test, or `COVERED_BY` names it or a folder above it."""
    folders = {f"{parent}/" for parent in module.parents}
    return (ROOT / _test_of(module)).exists() or bool({str(module), *folders} & COVERED_BY.keys())


@pytest.mark.parametrize("package", ["schemas", "filters", "pipeline", "jobs"])
def test_each_module_has_a_test_file_of_its_name(package: str) -> None:
    assert [str(module) for module in _modules(package) if not _is_covered(module)] == []


@pytest.mark.parametrize("package", ["vlm", "demo"])
def test_each_folder_of_code_has_tests(package: str) -> None:
    folders = {module.parent for module in _modules(package)}
    assert [str(folder) for folder in folders if not any((ROOT / "tests" / folder).rglob("test_*.py"))] == []


def test_the_modules_and_tests_of_the_exceptions_exist() -> None:
    pairs = [*COVERED_BY.keys(), *COVERED_BY.values()]
    assert [name for name in pairs if not (ROOT / name).exists()] == []


@pytest.mark.parametrize("package", ["schemas", "filters"])
def test_each_test_file_has_a_module_of_its_name(package: str) -> None:
    modules = [path.relative_to(ROOT) for path in (ROOT / package).rglob("*.py")]
    expected = {_test_of(module) for module in modules} | {Path(test) for test in COVERED_BY.values()} | WHOLE
    tests = {path.relative_to(ROOT) for path in (ROOT / "tests" / package).rglob("test_*.py")}
    assert sorted(map(str, tests - expected)) == []


def test_no_folder_under_tests_is_a_package() -> None:
    # With tests/filters/__init__.py, `import filters` finds the folder of tests.
    assert list((ROOT / "tests").rglob("__init__.py")) == []


def test_no_job_hides_a_package_of_ours_or_of_python() -> None:
    # `spark-submit jobs/run.py` puts jobs/ first on the path: `import filters` would find jobs/filters.py.
    # What is built into Python cannot be hidden, because it is found before any path is looked at.
    names = {path.stem for path in (ROOT / "jobs").glob("*.py")} - {"__init__"}
    findable = set(sys.stdlib_module_names) - set(sys.builtin_module_names)
    assert names & ({*PACKAGES, "recipes"} | findable) == set()


@pytest.mark.parametrize("package", PACKAGES)
def test_each_package_is_ours(package: str) -> None:
    # Other distributions install packages of these names too, over ours or before ours.
    assert importlib.metadata.packages_distributions().get(package, ["weft"]) == ["weft"]
    spec = importlib.util.find_spec(package)
    assert spec is not None
    assert Path(spec.origin or "").parent == ROOT / package


@pytest.mark.parametrize("package", PACKAGES)
def test_each_package_says_that_it_is_typed(package: str) -> None:
    assert (ROOT / package / "py.typed").is_file()
