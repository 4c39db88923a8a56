"""robots.txt entries in a folder, shared by the tasks of a run and by later runs.

One small JSON file an origin, under 256 prefixes of the origin's SHA-256. Written whole under a name of its own and
then moved into place, so that readers see an old entry or a new one; who writes last wins, and both have asked the same
host. On an object store a write is whole anyway.
"""

from __future__ import annotations

import hashlib
import json
import time
import uuid
from typing import Any

import fsspec

from pipeline.fetch.robots import Entry
from schemas.errors import OutputError
from schemas.reasons import FetchStatus


class FolderTable:
    """Entries under `root`, a folder or fsspec URL.

    Args:
        root: where.
        failed_since: seconds since the epoch; that a host could not be reached before is forgotten.
    """

    def __init__(self, root: str, *, failed_since: float = 0.0) -> None:
        self._failed_since = failed_since
        self._fs, path = fsspec.core.url_to_fs(root)
        self._root = path.rstrip("/")

    def get(self, origin: str) -> Entry | None:
        """The entry of an origin; None if there is none, or it is over a day old or unreadable."""
        try:
            facts: dict[str, Any] = json.loads(self._fs.cat_file(self._path(origin)))
            failure = facts["failure"]
            entry = Entry(
                fetched_at=float(facts["fetched_at"]),
                text=facts["text"],
                failure=None if failure is None else FetchStatus(failure),
                detail=facts["detail"],
            )
        except (OSError, ValueError, KeyError, TypeError):
            return None
        if entry.failure is not None and entry.fetched_at < self._failed_since:
            return None
        return entry if facts.get("origin") == origin and entry.is_fresh(time.time()) else None

    def put(self, origin: str, entry: Entry) -> None:
        """Keep an entry.

        Raises:
            OutputError: the folder cannot be written.
        """
        path = self._path(origin)
        facts = {
            "origin": origin,
            "fetched_at": entry.fetched_at,
            "text": entry.text,
            "failure": entry.failure,
            "detail": entry.detail,
        }
        body = json.dumps(facts).encode()
        try:
            self._fs.makedirs(path.rpartition("/")[0], exist_ok=True)
            beside = f"{path}.{uuid.uuid4().hex[:12]}"
            self._fs.pipe_file(beside, body)
            self._fs.mv(beside, path)
        except OSError as error:
            raise OutputError(f"cannot keep robots.txt under {self._root}: {error}") from error

    def _path(self, origin: str) -> str:
        digest = hashlib.sha256(origin.encode()).hexdigest()
        return f"{self._root}/{digest[:2]}/{digest[:32]}.json"
