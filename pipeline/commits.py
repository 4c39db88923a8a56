"""What a reader believes: one small commit record a slice, put if absent, that lists the slice's files.

A step writes under `DIR/<step>/<fingerprint>/`:

    data/<slice>-<attempt>-00.parquet   files under final, attempt-unique names
    _commits/<slice>.json               the record; a file that no record names does not exist for a reader
    _journal/<slice>.log                while a slice is open (`pipeline.journal`)
    _plan.json                          the slices that make the step complete

There is no rename and no success marker, so local disks and object stores behave alike; a retry that finds the
record skips the slice; `weft gc` sweeps what no record names.
"""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from schemas.errors import OutputError


@dataclass(frozen=True, slots=True, kw_only=True)
class DataFile:
    """A file that a slice wrote: path below the step's folder, rows (or members) and bytes."""

    table: str
    path: str
    rows: int
    num_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What a slice cost: wall seconds, CPU seconds of its process, peak resident bytes of that process."""

    seconds: float = 0.0
    cpu_seconds: float = 0.0
    peak_bytes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """A finished slice: its files, what it cost, and facts that later steps may want (`extra`)."""

    slice: str
    files: tuple[DataFile, ...]
    cost: Cost = Cost()
    extra: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StepFolder:
    """The folder of one step under one fingerprint."""

    path: Path

    def new_file(self, slice_name: str, attempt: str, suffix: str) -> Path:
        """A path under `data/` that no other attempt uses; its folder exists afterwards."""
        path = self.path / "data" / f"{slice_name}-{attempt}{suffix}"
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def describe(self, path: Path, *, table: str, rows: int) -> DataFile:
        """The entry of a commit record for a file that is complete."""
        relative = path.relative_to(self.path).as_posix()
        return DataFile(table=table, path=relative, rows=rows, num_bytes=path.stat().st_size)

    def is_committed(self, slice_name: str) -> bool:
        """Whether the slice has its record."""
        return self._record(slice_name).exists()

    def commit(self, commit: Commit) -> bool:
        """Put the record if there is none; False where another attempt was first (its files then count)."""
        return put_if_absent(self._record(commit.slice), json.dumps(asdict(commit), sort_keys=True).encode())

    def count(self) -> int:
        """How many slices are committed."""
        folder = self.path / "_commits"
        return sum(1 for path in folder.glob("*.json") if not path.name.startswith("done-")) if folder.is_dir() else 0

    def commits(self) -> dict[str, Commit]:
        """All records by slice name, in the order of the names.

        Raises:
            OutputError: one is damaged, as a failing disk may leave it.
        """
        folder = self.path / "_commits"
        records = sorted(folder.glob("*.json")) if folder.is_dir() else []
        return {path.stem: _read(path) for path in records}

    def next_round(self) -> int:
        """The number of the next round of a step that accumulates: slices are named `r0000-...` after theirs."""
        return 1 + max((int(name[1:5]) for name in self.commits() if name.startswith("r")), default=-1)

    def data_prefix(self, root: Path) -> str:
        """The folder of the data files, relative to the output folder."""
        return (self.path / "data").relative_to(root).as_posix()

    def plan(self, slices: Iterable[str], **facts: Any) -> None:
        """Say which slices make the step complete; a plan that stands already is replaced only by an equal one."""
        body = json.dumps({"slices": list(slices), **facts}, sort_keys=True).encode()
        path = self.path / "_plan.json"
        if not put_if_absent(path, body) and path.read_bytes() != body:
            raise OutputError(f"{path} was made for another input; use another output folder")

    def planned(self) -> dict[str, Any] | None:
        """The plan, or None where the step never began."""
        path = self.path / "_plan.json"
        return json.loads(path.read_bytes()) if path.exists() else None

    def is_complete(self) -> bool:
        """Whether each planned slice is committed."""
        plan = self.planned()
        return plan is not None and all(self.is_committed(name) for name in plan["slices"])

    def files(self, table: str, slices: Iterable[str] | None = None) -> list[Path]:
        """The committed files of a table, in the order of their slices; of all slices or of those named."""
        wanted = None if slices is None else set(slices)
        commits = [c for name, c in self.commits().items() if wanted is None or name in wanted]
        return [self.path / f.path for commit in commits for f in commit.files if f.table == table]

    def unnamed_files(self) -> list[Path]:
        """Files under `data/` that no commit record names: what a killed attempt left."""
        named = {self.path / f.path for commit in self.commits().values() for f in commit.files}
        data = self.path / "data"
        found = sorted(path for path in data.rglob("*") if path.is_file()) if data.is_dir() else []
        return [path for path in found if path not in named]

    def _record(self, slice_name: str) -> Path:
        return self.path / "_commits" / f"{slice_name}.json"


def new_attempt() -> str:
    """A name that no other attempt has; it appears in file names only, never in data."""
    return uuid.uuid4().hex[:12]


def put_if_absent(path: Path, body: bytes) -> bool:
    """Write a small file at once and whole; False, and nothing changed, where it stands already."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{new_attempt()}")
    try:
        with draft.open("wb") as out:
            out.write(body)
            out.flush()
            os.fsync(out.fileno())
        os.link(draft, path)
    except FileExistsError:
        return False
    finally:
        draft.unlink(missing_ok=True)
    return True


def _read(path: Path) -> Commit:
    try:
        raw = json.loads(path.read_bytes())
        files = tuple(DataFile(**entry) for entry in raw["files"])
        return Commit(slice=raw["slice"], files=files, cost=Cost(**raw["cost"]), extra=raw["extra"])
    except (ValueError, KeyError, TypeError) as error:
        raise OutputError(
            f"{path} is damaged ({error}); delete it, and weft run does what it stands for again"
        ) from error
