"""Takes what is to be forgotten out of the tables of an output folder, so that the books of the last run still balance.

A page that goes leaves a row of hashes with the reason `forgotten`; its references vanish from 03 on. An image URL that
goes is replaced by a hash of it, and its references carry `url:forgotten`. Copies of its bytes under other URLs carry
`fetch:forgotten`. Tables of other recipes than the last run's that hold any of it are deleted: they can be made again.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from filters.forgotten import Forgotten, replacement
from pipeline.commits import StepFolder
from pipeline.forget_pages import closed_page
from pipeline.shards.changes import Changes
from schemas.document import DOCUMENTS
from schemas.image import DATA_IMAGES, IMAGES, LEDGER, LINKS, LOOKS, MATCHES, REFERENCES
from schemas.reasons import DocumentReason, FetchStatus, UrlReason
from schemas.table import Table

Row = dict[str, Any]
ADDRESS = ("store_file", "store_offset", "store_length")
GONE_URL, GONE_FILE = f"url:{UrlReason.FORGOTTEN}", f"fetch:{FetchStatus.FORGOTTEN}"


LASTING = ("01_documents", "04_images/ledger", "04_images/files", "05_matches/embeddings")
"""Steps whose folders serve every recipe."""


@dataclass(slots=True)
class Plan:
    """What goes, as the tables say."""

    forgotten: Forgotten
    files: set[str] = field(default_factory=set)
    """SHA-256 of what was fetched from a URL that goes: its copies go too, and may not come back."""
    orphan_files: set[str] = field(default_factory=set)
    """SHA-256 of what only pages that go have shown."""
    pages: set[str] = field(default_factory=set)
    """Ids of documents that go."""
    lost_references: Counter[str] = field(default_factory=Counter)
    """References of those documents by URL, pages that opted out left aside."""
    lost_opted_out: Counter[str] = field(default_factory=Counter)
    orphans: set[str] = field(default_factory=set)
    """URLs that no other page shows."""
    lost_images: Counter[str] = field(default_factory=Counter)
    """Images that a document that stays had and loses."""
    min_images: int = 1
    erases: set[tuple[str, int, int]] = field(default_factory=set)

    def has_file(self, sha256: str | None) -> bool:
        """Whether these bytes go."""
        return sha256 in self.files or sha256 in self.orphan_files or self.forgotten.has_file(sha256)


Change = Callable[[Row, Plan], Row | None]
"""A row as it is to stand, None where it is to go."""


def read(root: Path, step: str, fingerprint: str | None, table: Table, columns: list[str]) -> Iterator[Row]:
    """Rows of a table, of one fingerprint or of all."""
    for folder in folders(root, step):
        if fingerprint is None or folder.path.name == fingerprint:
            for path in folder.files(table.name):
                for batch in pq.ParquetFile(path).iter_batches(columns=columns):
                    yield from batch.to_pylist()


def folders(root: Path, step: str | None = None) -> list[StepFolder]:
    """The folders of a step, one a fingerprint; or those of all steps that write tables."""
    found = (root / step).glob("*/_commits") if step else root.glob("[0-9]*/**/_commits")
    return [StepFolder(path.parent) for path in sorted(found) if path.is_dir()]


def make_plan(root: Path, current: dict[str, str], forgotten: Forgotten, min_images: int) -> Plan:
    """Read what is needed to know what goes.

    Args:
        root: the output folder.
        current: the fingerprint of the last run's folder for each step that has one.
        forgotten: all tombstones of the folder, and the new ones.
        min_images: of the last run's recipe.
    """
    plan = Plan(forgotten=forgotten, min_images=min_images)
    for row in read(root, "04_images/ledger", None, LEDGER, ["url", "final_url", "sha256"]):
        if row["sha256"] and (forgotten.has_url(row["url"]) or forgotten.has_url(row["final_url"])):
            plan.files.add(row["sha256"])
    for row in read(root, "01_documents", None, DOCUMENTS, ["id", "url"]):
        if forgotten.has_url(row["url"]):
            plan.pages.add(row["id"])
    _lost_references(root, current, plan)
    for row in read(root, "03_links", current.get("03_links"), LINKS, ["url", "num_references", "num_opted_out"]):
        url = row["url"]
        lost = plan.lost_references[url] + plan.lost_opted_out[url]
        if lost and lost == row["num_references"] + row["num_opted_out"]:
            plan.orphans.add(url)
    kept_elsewhere = set()
    for row in read(root, "04_images/images", current.get("04_images/images"), IMAGES, ["url", "sha256"]):
        if row["url"] not in plan.orphans and row["sha256"]:
            kept_elsewhere.add(row["sha256"])
    for row in read(root, "04_images/images", current.get("04_images/images"), IMAGES, ["url", "sha256"]):
        if row["url"] in plan.orphans and row["sha256"] and row["sha256"] not in kept_elsewhere:
            plan.orphan_files.add(row["sha256"])
    for step, table in (("04_images/ledger", LEDGER), ("01_documents", DATA_IMAGES)):
        for row in read(root, step, None, table, ["sha256", *ADDRESS]):
            if row["store_file"] and plan.has_file(row["sha256"]):
                plan.erases.add((row["store_file"], row["store_offset"], row["store_length"]))
    for row in read(root, "05_matches/matches", current.get("05_matches/matches"), MATCHES, _MATCH):
        if row["id"] not in plan.pages and row["drop_reason"] is None and _goes(row, plan):
            plan.lost_images[row["id"]] += 1
    return plan


_MATCH = ["id", "url", "sha256", "drop_reason"]


def _goes(row: Row, plan: Plan) -> bool:
    return plan.forgotten.has_url(row["url"]) or plan.has_file(row["sha256"])


def _lost_references(root: Path, current: dict[str, str], plan: Plan) -> None:
    for row in read(root, "05_matches/references", current.get("05_matches/references"), REFERENCES, _MATCH):
        if row["id"] in plan.pages:
            lost = plan.lost_opted_out if row["drop_reason"] == "opted_out" else plan.lost_references
            lost[row["url"]] += 1


def rewrite(root: Path, current: dict[str, str], plan: Plan, changes: Changes) -> dict[str, int]:
    """Prepare the tables without it; rows changed or gone by table."""
    counts: Counter[str] = Counter()
    for folder in folders(root):
        step = folder.path.parent.relative_to(root).as_posix()
        is_kept = step in LASTING or folder.path.name == current.get(step)
        for commit in folder.commits().values():
            changed, files = False, []
            for entry in commit.files:
                path = folder.path / entry.path
                made = _rewrite_file(path, entry.table, plan, changes, is_kept) if path.suffix == ".parquet" else None
                files.append(asdict(entry))
                if made is not None:
                    changed = True
                    rows, num_bytes, touched = made
                    counts[entry.table] += touched
                    files[-1] |= {"rows": rows, "num_bytes": num_bytes}
            if changed and not is_kept:
                _delete(folder, changes)
                break
            if changed:
                body = json.dumps(asdict(commit) | {"files": files}, sort_keys=True).encode()
                changes.write(folder.path / "_commits" / f"{commit.slice}.json", body)
    return dict(counts)


def _delete(folder: StepFolder, changes: Changes) -> None:
    """Have a step of another recipe deleted: records first, without them nothing is believed."""
    for path in sorted((folder.path / "_commits").glob("*.json")):
        changes.delete(path)
    for commit in folder.commits().values():
        for entry in commit.files:
            changes.delete(folder.path / entry.path)


def _rewrite_file(path: Path, table: str, plan: Plan, changes: Changes, write: bool) -> tuple[int, int, int] | None:
    """Prepare a file without it: (rows, bytes, rows touched); None where the file holds nothing of it."""
    change = _CHANGES.get(table, _other)
    file = pq.ParquetFile(path)
    touched = 0
    for batch in file.iter_batches(2_000):
        rows = batch.to_pylist()
        touched += sum(change(row, plan) != row for row in rows)
        if touched and not write:
            break
    if not touched:
        return None
    if not write:
        return 0, 0, touched
    draft = changes.draft(path)
    count = 0
    with pq.ParquetWriter(draft, file.schema_arrow, compression="zstd") as out:
        for batch in file.iter_batches(2_000):
            rows = [made for row in batch.to_pylist() if (made := change(row, plan)) is not None]
            count += len(rows)
            out.write_batch(type(batch).from_pylist(rows, schema=file.schema_arrow))
    return count, draft.stat().st_size, touched


def _document(row: Row, plan: Plan) -> Row:
    forgotten = plan.forgotten
    if row["id"] in plan.pages:
        return closed_page(row)
    made = dict(row)
    made["nodes"] = [_node(node, plan) for node in row["nodes"]]
    made["dropped_images"] = [
        {**image, "url": replacement(image["url"])} if forgotten.has_url(image["url"]) else image
        for image in row["dropped_images"]
    ]
    made["title"] = row["title"] and forgotten.without(row["title"])
    made["author"] = row["author"] and forgotten.without(row["author"])
    made["licence"] = None if forgotten.has_url(row["licence"]) else row["licence"]
    return made


def _node(node: Row, plan: Plan) -> Row:
    forgotten = plan.forgotten
    if node["image_url"] is not None and forgotten.has_url(node["image_url"]):
        return {**node, "image_url": replacement(node["image_url"]), "alt": None, "title": None, "caption": None}
    texts = {name: node[name] and forgotten.without(node[name]) for name in ("text", "alt", "title", "caption")}
    return {**node, **texts}


def _unique(row: Row, plan: Plan) -> Row | None:
    return None if row["id"] in plan.pages else row


def _link(row: Row, plan: Plan) -> Row | None:
    url = row["url"]
    if url in plan.orphans:
        return None
    made = dict(row)
    made["num_references"] -= plan.lost_references[url]
    made["num_opted_out"] -= plan.lost_opted_out[url]
    if plan.forgotten.has_url(url):
        made |= {"url": replacement(url), "host_group": ""}
        made["drop_reason"] = made["drop_reason"] or str(UrlReason.FORGOTTEN)
    return made


def _answer(row: Row, plan: Plan) -> Row | None:
    """A row of the ledger; what is gone is an answer too, so that nobody asks again."""
    if plan.forgotten.has_url(row["url"]) or row["url"] in plan.orphans:
        return None
    made = dict(row)
    if plan.forgotten.has_url(row["final_url"]):
        made["final_url"] = replacement(row["final_url"])
    made["detail"] = row["detail"] and plan.forgotten.without(row["detail"])
    made["headers"] = plan.forgotten.within(row["headers"])
    if plan.has_file(row["sha256"]):
        made |= dict.fromkeys(("sha256", *ADDRESS)) | {"status": str(FetchStatus.FORGOTTEN)}
    return made


def _attempt(row: Row, plan: Plan) -> Row | None:
    """A line of the log: gone with its URL, and where it says an address that was to be forgotten."""
    return None if row["url"] in plan.orphans or plan.forgotten.has_url(row["asked"]) else _other(row, plan)


def _file(row: Row, plan: Plan) -> Row | None:
    return None if plan.has_file(row["sha256"]) else row


def _data_image(row: Row, plan: Plan) -> Row | None:
    return None if plan.has_file(row["sha256"]) else row


def _image(row: Row, plan: Plan) -> Row | None:
    url = row["url"]
    if url in plan.orphans or plan.forgotten.has_url(url):
        return None
    made = dict(row)
    made["num_references"] -= plan.lost_references[url]
    if plan.has_file(row["sha256"]):
        made |= dict.fromkeys(("sha256", *ADDRESS, *LOOKS))
        made |= {"status": str(FetchStatus.FORGOTTEN), "drop_reason": GONE_FILE}
    return made


def _reference(row: Row, plan: Plan) -> Row | None:
    if row["id"] in plan.pages:
        return None
    made = dict(row)
    nothing = [name for name in ("sha256", "similarity", "matched_node", "clip_score") if name in row]
    if plan.forgotten.has_url(row["url"]):
        made |= dict.fromkeys(nothing) | {"url": replacement(row["url"])}
        if row["drop_reason"] != "opted_out" and not (row["drop_reason"] or "").startswith("url:"):
            made["drop_reason"] = GONE_URL
    elif plan.has_file(row["sha256"]):
        made |= dict.fromkeys(nothing)
        made["drop_reason"] = row["drop_reason"] if row["drop_reason"] == "opted_out" else GONE_FILE
    return made


def _decision(row: Row, plan: Plan) -> Row | None:
    if row["id"] in plan.pages:
        return None
    made = dict(row)
    if lost := plan.lost_images[row["id"]]:
        made["num_images"] -= lost
        if row["drop_reason"] is None and made["num_images"] < max(1, plan.min_images):
            made["drop_reason"] = str(DocumentReason.NO_IMAGES)
    return made


def _other(row: Row, plan: Plan) -> Row | None:
    """A row of a table that is no part of the books: gone where it is about something that goes, or names it."""
    if row.get("id") in plan.pages or plan.has_file(row.get("sha256")):
        return None
    return None if plan.forgotten.within(row) != row or plan.forgotten.has_url(row.get("url")) else row


_CHANGES: dict[str, Change] = {
    "documents": _document,
    "data_images": _data_image,
    "unique": _unique,
    "links": _link,
    "ledger": _answer,
    "attempts": _attempt,
    "files": _file,
    "images": _image,
    "references": _reference,
    "embeddings": _file,
    "matches": _reference,
    "decisions": _decision,
}
