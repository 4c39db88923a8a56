"""The code archive for executors holds the whole project, and equal code gives equal bytes."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from jobs.dist import PACKAGES, code_files, main, pack
from schemas.errors import ConfigError


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A small project: a module in each package; one holds a data file, a cache and a hidden file too."""
    for package in PACKAGES:
        (tmp_path / package).mkdir()
        (tmp_path / package / "__init__.py").write_text(f'"""{package}"""\nNAME = "{package}"\n')
    (tmp_path / "demo" / "data").mkdir()
    (tmp_path / "demo" / "data" / "merges.txt").write_text("a b\n")
    (tmp_path / "demo" / "__pycache__").mkdir()
    (tmp_path / "demo" / "__pycache__" / "x.pyc").write_bytes(b"\0")
    (tmp_path / "demo" / ".hidden").write_text("no\n")
    return tmp_path


def test_the_archive_holds_code_and_data_but_no_caches(project: Path) -> None:
    names = [path.relative_to(project).as_posix() for path in code_files(project)]
    assert names == sorted([*(f"{package}/__init__.py" for package in PACKAGES), "demo/data/merges.txt"])


def test_equal_code_gives_equal_bytes_at_any_time_and_place(project: Path) -> None:
    pack(project, project / "out" / "first.tar.gz")
    os.utime(project / "schemas" / "__init__.py", (1, 1))
    (project / "schemas" / "__init__.py").chmod(0o600)
    pack(project, project / "out" / "second.tar.gz")
    first, second = (project / "out" / f"{name}.tar.gz" for name in ("first", "second"))
    assert first.read_bytes() == second.read_bytes()


def test_changed_code_gives_other_bytes(project: Path) -> None:
    pack(project, project / "first.tar.gz")
    (project / "schemas" / "__init__.py").write_text("NAME = 1\n")
    pack(project, project / "second.tar.gz")
    assert (project / "first.tar.gz").read_bytes() != (project / "second.tar.gz").read_bytes()


def test_a_missing_package_is_an_error(project: Path) -> None:
    (project / "jobs" / "__init__.py").unlink()
    (project / "jobs").rmdir()
    with pytest.raises(ConfigError, match="jobs/"):
        pack(project, project / "x.tar.gz")


def test_python_imports_the_unpacked_archive(project: Path, tmp_path: Path) -> None:
    pack(project, project / "x.tar.gz")
    with tarfile.open(project / "x.tar.gz") as tar:
        tar.extractall(tmp_path / "unpacked", filter="data")
    code = "import demo, filters, pathlib; print(demo.NAME, filters.NAME, pathlib.Path(demo.__file__).parent)"
    command = [sys.executable, "-P", "-S", "-c", code]
    found = subprocess.run(
        command,
        env={"PYTHONPATH": str(tmp_path / "unpacked")},
        cwd=tmp_path,
        check=True,
        capture_output=True,
        text=True,
    )
    assert found.stdout.split() == ["demo", "filters", str(tmp_path / "unpacked" / "demo")]


def test_the_command_says_what_it_wrote(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(project)
    main(["dist/code.tar.gz"])
    size = (project / "dist" / "code.tar.gz").stat().st_size
    assert capsys.readouterr().out == f"wrote dist/code.tar.gz: {len(PACKAGES) + 1} files, {size} bytes\n"
