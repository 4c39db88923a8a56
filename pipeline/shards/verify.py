"""Checks a folder of shards against its manifest, its indexes and the format; says everything that is wrong.

Each tar is read once, from front to back, with the memory of one document. What is found is counted by kind, and the
first few of a kind are kept with their place; shards are independent, so several are read at once.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from multiprocessing import get_context
from typing import Any

from pipeline.shard_files import index_row, read_index
from pipeline.shards import manifest as manifests
from pipeline.shards.check_books import check_books
from pipeline.shards.check_document import Options, check_document, parse
from pipeline.shards.place import Place
from pipeline.shards.tar_stream import Member, TarStream
from schemas.errors import InputError, SchemaMismatch
from schemas.shard import image_name
from schemas.shard_faults import ShardFault

SHOWN = 5
"""Faults of one kind that are kept with their place, a shard."""


@dataclass(slots=True)
class Findings:
    """What is wrong: how often each kind, and where the first ones stand."""

    counts: Counter[ShardFault] = field(default_factory=Counter)
    shown: list[tuple[str, ShardFault, str]] = field(default_factory=list)

    def add(self, where: str, fault: ShardFault, detail: str = "") -> None:
        """Note a fault."""
        self.counts[fault] += 1
        if self.counts[fault] <= SHOWN:
            self.shown.append((where, fault, detail))

    def merge(self, other: Findings) -> None:
        """Take over what another shard has."""
        self.counts.update(other.counts)
        self.shown += other.shown


@dataclass(slots=True)
class Shard:
    """What was found in one shard."""

    findings: Findings = field(default_factory=Findings)
    totals: manifests.Totals = field(default_factory=manifests.Totals)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """The outcome for a folder."""

    findings: Findings
    shards: int
    totals: Counter[str]


def verify(
    place: Place,
    options: Options = Options(),  # noqa: B008 - frozen
    *,
    workers: int | None = None,
    say: Callable[[str], None] = lambda _line: None,
) -> Verified:
    """Check everything under `place`, the folder of the manifest.

    Args:
        place: where the shards are.
        options: how closely to look.
        workers: shards that are read at once; as many as there are cores by default.
        say: told of each shard that is done.
    """
    findings = Findings()
    try:
        manifest = manifests.load(place)
    except InputError as error:
        findings.add(manifests.NAME, ShardFault.MANIFEST_UNREADABLE, str(error))
        return Verified(findings=findings, shards=0, totals=Counter())
    _check_names(place, manifest, findings)
    totals = manifests.Totals()
    job = partial(verify_shard, place.root, manifest, options)
    for done, shard in enumerate(_spread(job, len(manifest["shards"]), workers), 1):
        findings.merge(shard.findings)
        totals.merge(shard.totals)
        say(f"{done:,} of {len(manifest['shards']):,} shards, {sum(findings.counts.values()):,} faults")
    for name in manifests.COUNTED:
        if manifest["totals"][name] != totals.counts[name]:
            detail = f"{name}: {manifest['totals'][name]:,} in the manifest, {totals.counts[name]:,} in the shards"
            findings.add(manifests.NAME, ShardFault.TOTALS, detail)
    if missing := [n for n in map(image_name, range(totals.max_images)) if n not in manifest["features"]]:
        findings.add(manifests.NAME, ShardFault.FEATURES, f"{missing[0]} is not among the features")
    for where, detail in check_books(place, manifest):
        findings.add(where, ShardFault.BOOKS, detail)
    return Verified(findings=findings, shards=len(manifest["shards"]), totals=totals.counts)


def verify_shard(root: str, manifest: dict[str, Any], options: Options, number: int) -> Shard:
    """Check one shard: tar, documents, index, and its entry of the manifest."""
    place, entry, found = Place(root), manifest["shards"][number], Shard()
    name, recipes = entry["name"], manifests.recipes_of(manifest)
    if place.size(name) is None:
        found.findings.add(name, ShardFault.TAR_MISSING)
        return found
    rows: dict[str, dict[str, Any]] = {}
    with place.open(name) as file:
        tar = TarStream(file)
        before = ""
        for key, members in tar.documents():
            for fault, detail in _check_key(key, before, rows.keys(), number, manifest["num_shards"]):
                found.findings.add(f"{name} {key}", fault, detail)
            before = key
            for fault, detail in _check_members(key, members, recipes, options, found.totals, rows):
                found.findings.add(f"{name} {key}", fault, detail)
    for fault, detail in tar.faults:
        found.findings.add(name, fault, detail)
    if (tar.size, tar.sha256) != (entry["bytes"], entry["sha256"]):
        detail = f"{tar.size:,} bytes, SHA-256 {tar.sha256}; the manifest says {entry['bytes']:,}, {entry['sha256']}"
        found.findings.add(name, ShardFault.TAR_CHECKSUM, detail)
    seen = found.totals.counts
    if (seen["documents"], seen["images"]) != (entry["documents"], entry["images"]):
        detail = (
            f"{seen['documents']:,} documents and {seen['images']:,} images, "
            f"the manifest says {entry['documents']:,} and {entry['images']:,}"
        )
        found.findings.add(name, ShardFault.COUNTS, detail)
    _check_index(place, name, rows, found.findings)
    return found


def _check_names(place: Place, manifest: dict[str, Any], findings: Findings) -> None:
    wanted = [f"{manifests.shard_name(number)}.tar" for number in range(len(manifest["shards"]))]
    if manifest["num_shards"] != len(wanted) or [entry["name"] for entry in manifest["shards"]] != wanted:
        detail = f"num_shards is {manifest['num_shards']:,}, {len(wanted):,} shards are listed"
        findings.add(manifests.NAME, ShardFault.MANIFEST_SHARDS, detail)
    known = {entry["name"] for entry in manifest["shards"]}
    known |= {name.removesuffix(".tar") + ".idx.parquet" for name in known}
    for name in place.names() or []:
        if name.endswith((".tar", ".idx.parquet")) and name not in known:
            findings.add(name, ShardFault.STRAY_FILE, "the manifest does not name it")


def _spread(job: Callable[[int], Shard], count: int, workers: int | None) -> Iterator[Shard]:
    """The shards in their order; in processes of their own where there are several."""
    at_once = min(count, workers or os.cpu_count() or 1)
    if at_once <= 1:
        yield from map(job, range(count))
        return
    with ProcessPoolExecutor(at_once, mp_context=get_context("spawn")) as pool:
        yield from pool.map(job, range(count))


def _check_key(key: str, before: str, seen: Any, number: int, shards: int) -> Iterator[tuple[ShardFault, str]]:
    if len(key) != 32 or set(key) - set("0123456789abcdef"):
        yield ShardFault.KEY_NAME, ""
        return
    if key in seen:
        yield ShardFault.KEY_TWICE, ""
    elif key < before:
        yield ShardFault.KEY_ORDER, f"after {before}"
    if int(key, 16) * shards >> 128 != number:
        yield ShardFault.KEY_RANGE, f"belongs into {manifests.shard_name(int(key, 16) * shards >> 128)}"


def _check_members(
    key: str,
    members: list[Member],
    recipes: set[str],
    options: Options,
    totals: manifests.Totals,
    rows: dict[str, dict[str, Any]],
) -> Iterator[tuple[ShardFault, str]]:
    """Check the members of a document, count it, and keep the row that its index should have."""
    names = [member.suffix for member in members]
    if names != ["json", *sorted(set(names) - {"json"})]:
        yield ShardFault.MEMBER_ORDER, ", ".join(names[:5])
    by_name = {member.suffix: member for member in members}
    if "json" not in by_name or (document := parse(by_name["json"].data)) is None:
        yield ShardFault.JSON_UNREADABLE, "no JSON object" if "json" in by_name else "no .json member"
        return
    images = {name: member.data for name, member in by_name.items() if name != "json"}
    faults = [*check_document(key, document, images, recipes, options)]
    yield from faults
    broken = {ShardFault.JSON_SCHEMA, ShardFault.LISTS, ShardFault.IMAGE_MISSING}
    if not broken & {fault for fault, _ in faults}:
        totals.add(document)
        rows[key] = index_row(key, [(m.suffix, m.offset, m.data) for m in members], document)


def _check_index(place: Place, name: str, rows: dict[str, dict[str, Any]], findings: Findings) -> None:
    where = name.removesuffix(".tar") + ".idx.parquet"
    if place.size(where) is None:
        findings.add(where, ShardFault.INDEX_MISSING)
        return
    try:
        found = read_index(place.read(where))
    except SchemaMismatch as error:
        findings.add(where, ShardFault.INDEX_UNREADABLE, str(error))
        return
    if [row["key"] for row in found] != list(rows):
        findings.add(
            where, ShardFault.INDEX_KEYS, f"{len(found):,} documents, the tar has {len(rows):,} that are whole"
        )
    for row in found:
        wanted = rows.get(row["key"])
        if wanted and row["members"] != wanted["members"]:
            findings.add(f"{where} {row['key']}", ShardFault.INDEX_MEMBERS, "is it older than its tar?")
        if wanted and row["nodes"] != wanted["nodes"]:
            findings.add(f"{where} {row['key']}", ShardFault.INDEX_NODES)
