"""A set of changes to files that happens as a whole: prepared beside what stands, written down, then carried out.

Until the list of changes lies on disk, nothing has happened, and drafts are rubbish; from then on it is carried out to
its end, by whoever comes next if need be. Every part of it can be done twice.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from pipeline.commits import new_attempt
from pipeline.store import Address, erase
from schemas.errors import OutputError

NAME = "pending.json"


@dataclass(slots=True)
class Changes:
    """Paths are relative to the output folder."""

    root: Path
    renames: list[tuple[str, str]] = field(default_factory=list)
    """(draft, what it replaces)."""
    deletes: list[str] = field(default_factory=list)
    erases: list[tuple[str, int, int]] = field(default_factory=list)
    """Ranges of the image store: (file, offset, length)."""
    drafts: str = field(default_factory=new_attempt)

    def draft(self, path: Path) -> Path:
        """Where to write what is to replace `path`; beside it, so that one rename does it."""
        draft = path.with_name(f".{self.drafts}-{path.name}")
        self.renames.append((self._relative(draft), self._relative(path)))
        return draft

    def delete(self, path: Path) -> None:
        """Have a file deleted; one that is gone already is as good."""
        self.deletes.append(self._relative(path))

    def write(self, path: Path, data: bytes) -> None:
        """Have a small file replaced."""
        self.draft(path).write_bytes(data)

    def carry_out(self, folder: Path) -> None:
        """Write the list down, then do what it says."""
        body = asdict(self)
        del body["root"]
        folder.mkdir(parents=True, exist_ok=True)
        draft = folder / f".{self.drafts}-{NAME}"
        draft.write_text(json.dumps(body))
        draft.replace(folder / NAME)
        finish(self.root, folder)

    def abandon(self) -> None:
        """Leave no draft behind."""
        for draft, _ in self.renames:
            (self.root / draft).unlink(missing_ok=True)

    def _relative(self, path: Path) -> str:
        return path.relative_to(self.root).as_posix()


def finish(root: Path, folder: Path) -> bool:
    """Carry out a list of changes that an earlier attempt wrote down; whether there was one."""
    path = folder / NAME
    if not path.is_file():
        return False
    listed: dict[str, Any] = json.loads(path.read_text())
    for draft, final in listed["renames"]:
        if (root / draft).exists():
            (root / draft).replace(root / final)
            # Spark's checksum of the file that stood there would refuse the new one.
            (root / final).with_name(f".{Path(final).name}.crc").unlink(missing_ok=True)
        elif not (root / final).exists():
            raise OutputError(f"{root / final} and what was to replace it are both gone")
    for name in listed["deletes"]:
        (root / name).unlink(missing_ok=True)
        (root / name).with_name(f".{Path(name).name}.crc").unlink(missing_ok=True)
    erase(root, (Address(*address) for address in listed["erases"]))
    path.unlink()
    return True
