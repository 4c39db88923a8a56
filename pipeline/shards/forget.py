"""Takedown: takes URLs, hosts and files out of an output folder, and keeps hashes so that they do not come back.

In this order: an interrupted takedown is finished; tombstones are written; what goes is looked up; tables and shards
that hold it are written anew beside the old ones; then all changes are written down and carried out (`changes`). The
rest stays byte for byte. No run may be writing to the folder meanwhile.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from filters.forgotten import Forgotten, digest
from pipeline import tombstones
from pipeline.run_file import holds_run, read_run
from pipeline.shards import changes as changing
from pipeline.shards.changes import Changes
from pipeline.shards.forget_shards import Outcome, files_of, forget_in_shards
from pipeline.shards.forget_tables import folders, make_plan, rewrite
from schemas.errors import InputError


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What was done."""

    entries: int
    shards: Outcome
    rows: dict[str, int]
    erased: int
    deleted: list[str] = field(default_factory=list)


def forget(
    root: Path,
    lists: Sequence[tuple[Path, str]],
    *,
    current: dict[str, str],
    min_images: int = 1,
    say: Callable[[str], None] = lambda _line: None,
) -> Taken:
    """Take everything on the lists out of the folder.

    Args:
        root: output folder of a run, or a folder of shards.
        lists: (file, kind) with kind url, host or hash.
        current: fingerprint of the last run's folder for each step; {} for a folder of shards.
        min_images: documents that lose images and then have fewer go as a whole.
        say: told of each part that is done.

    Raises:
        InputError: a list cannot be read or holds something else, or a shard is damaged. Nothing has changed then.
    """
    shards = shard_folders(root)
    if not shards and not current:
        raise InputError(f"{root} holds neither shards nor a run")
    if changing.finish(root, root / tombstones.FOLDER):
        say("an interrupted takedown was finished first")
    entries = {entry for path, kind in lists for entry in tombstones.read_list(path, kind)}
    if not entries:
        raise InputError("the lists hold no entries")
    say(f"{len(entries):,} entries on the lists")
    known = tombstones.load(root)
    asked = _joined(root, entries)
    plan = make_plan(root, current, asked, min_images)
    for folder in shards:
        plan.files |= files_of(folder, asked)
    # Copies of a file under another URL may not come back either.
    entries |= {("hash", digest("hash", sha256)) for sha256 in plan.files}
    tombstones.add(root, entries)
    plan.forgotten = tombstones.load(root)
    del known
    changes = Changes(root=root)
    try:
        rows = rewrite(root, current, plan, changes)
        say(f"tables: {sum(rows.values()):,} rows")
        outcome = Outcome(shards=0, documents=0, images=0)
        for folder in shards:
            done = forget_in_shards(folder, plan.forgotten, plan.has_file, min_images, changes)
            outcome = Outcome(
                shards=outcome.shards + done.shards,
                documents=outcome.documents + done.documents,
                images=outcome.images + done.images,
            )
    except BaseException:
        changes.abandon()
        raise
    changes.erases = sorted(plan.erases)
    deleted = _beside(root, plan.forgotten, changes)
    changes.carry_out(root / tombstones.FOLDER)
    _sweep(root)
    return Taken(entries=len(entries), shards=outcome, rows=rows, erased=len(plan.erases), deleted=deleted)


def shard_folders(root: Path) -> list[Path]:
    """Every folder of shards under the folder, itself too: the run's, and pairs, texts and samples cut from them."""
    found = []
    for path in sorted(root.rglob("manifest.json")):
        try:
            is_ours = json.loads(path.read_bytes()).get("format") == "weft"
        except (ValueError, AttributeError):
            continue
        if is_ours:
            found.append(path.parent)
    return found


def _joined(root: Path, entries: set[tuple[str, bytes]]) -> Forgotten:
    """What is asked for now together with what was before: a file may be shown by a URL of an earlier list."""
    before: set[tuple[str, bytes]] = set()
    for path in sorted((root / tombstones.FOLDER).glob("*.parquet")):
        before |= set(tombstones.read_file(path))
    return Forgotten(before | entries)


def _beside(root: Path, forgotten: Forgotten, changes: Changes) -> list[str]:
    """Reports, cards and exports are made from tables and shards: those that name it go, to be made again."""
    deleted = []
    candidates = [*root.glob("report/**/*"), *root.glob("exports/**/*"), *root.glob("04_images/robots/*/*.json")]
    shards = shard_folders(root)
    candidates = [path for path in candidates if path.parent not in shards]  # written anew, not deleted
    candidates += [path for folder in {root, *shards} if (path := folder / "README.md").exists()]
    # A report counts what the tables held: it is stale whatever it names.
    for path in sorted(path for path in candidates if path.is_file()):
        is_report = path.parent == root / "report"
        if is_report or _names(path, forgotten):
            changes.delete(path)
            deleted.append(path.relative_to(root).as_posix())
    return deleted


def _names(path: Path, forgotten: Forgotten) -> bool:
    from pipeline.shards.prove_forgotten import strings_of

    return any(forgotten.mentions(text) for text in strings_of(path))


def _sweep(root: Path) -> None:
    """Files of killed attempts, which no record names, may hold it too."""
    for folder in folders(root):
        for path in folder.unnamed_files():
            if path.suffix in (".parquet", ".tar"):
                path.unlink(missing_ok=True)
        shutil.rmtree(folder.path / "_journal", ignore_errors=True)


def current_of(run: Any) -> dict[str, str]:
    """The fingerprint of each step's folder of a run."""
    return {step.name: run.where(step.name).path.name for step in run.steps}


def facts_of(root: Path) -> dict[str, Any]:
    """What `run.json` says, {} where there is none."""
    return read_run(root) if holds_run(root) else {}
