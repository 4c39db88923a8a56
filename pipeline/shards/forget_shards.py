"""Takes what is to be forgotten out of shards: only those that hold any of it are written anew."""

from __future__ import annotations

import json
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from filters.forgotten import Forgotten
from pipeline.commits import StepFolder
from pipeline.sample_json import to_bytes
from pipeline.shard_files import ShardFile, read_index
from pipeline.shards import manifest as manifests
from pipeline.shards.changes import Changes
from pipeline.shards.check_document import parse
from pipeline.shards.forget_document import forget_in_document
from pipeline.shards.place import Place
from pipeline.shards.tar_stream import TarStream
from pipeline.tar_heads import BLOCK, END
from schemas.errors import InputError, SchemaMismatch


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What was taken out of the shards."""

    shards: int
    documents: int
    images: int


def documents_of(folder: Path, name: str) -> Iterator[dict[str, Any]]:
    """The JSON of each document of a shard: by its index where that fits, else by reading the tar."""
    tar = folder / name
    try:
        rows = read_index((folder / name).with_suffix(".idx.parquet").read_bytes())
    except (OSError, SchemaMismatch):
        rows = []
    found = []
    if not _fills(rows, tar.stat().st_size):
        rows = []
    with tar.open("rb") as file:
        for row in rows:
            member = row["members"][0]
            file.seek(member["offset"])
            data = file.read(member["length"])
            document = parse(data) if zlib.crc32(data) == member["crc32"] else None
            if document is None:
                rows = []
                break
            found.append(document)
    if rows:
        yield from found
        return
    with tar.open("rb") as file:
        stream = TarStream(file)
        for key, members in stream.documents():
            if (document := parse(members[0].data)) is None:
                raise InputError(f"{tar}: {key} has no JSON; weft verify says more")
            yield document
    if stream.faults:
        raise InputError(f"{tar}: {stream.faults[0][0]}: {stream.faults[0][1]}; nothing was forgotten")


def _fills(rows: list[dict[str, Any]], size: int) -> bool:
    """Whether the members that the index names are all that the tar can hold: an older index may lack some."""
    at = 0
    for member in (member for row in rows for member in row["members"]):
        if member["offset"] != at + BLOCK:
            return False
        at = member["offset"] + member["length"] + -member["length"] % BLOCK
    return at + len(END) == size


def files_of(folder: Path, forgotten: Forgotten) -> set[str]:
    """SHA-256 of what was fetched from URLs that go, and of the members made of it, as the shards know it."""
    found = set()
    for entry in manifests.load(Place(folder))["shards"]:
        for document in documents_of(folder, entry["name"]):
            for facts in filter(None, document["metadata"]):
                if forgotten.has_url(facts["url"]):
                    found |= {facts["original_sha256"], facts["sha256"]}
    return found


def forget_in_shards(
    folder: Path, forgotten: Forgotten, is_gone: Callable[[str], bool], min_images: int, changes: Changes
) -> Outcome:
    """Prepare the shards that hold any of it without it, and the manifest and commit records that follow."""
    manifest = manifests.load(Place(folder))
    totals = Counter({name: manifest["totals"][name] for name in manifests.COUNTED})
    entries, touched, before = [], 0, Counter(totals)
    for entry in manifest["shards"]:
        made = _rewrite(folder, entry["name"], forgotten, is_gone, min_images, changes)
        if made is None:
            entries.append(entry)
            continue
        touched += 1
        fresh, old, new, texts = made
        totals.subtract(old.counts)
        totals.update(new.counts)
        entries.append(fresh)
        _records(folder / "_work", fresh, new, texts, changes)
    if touched:
        body = manifest | {
            "shards": [dict(sorted(entry.items())) for entry in entries],
            "totals": {name: totals[name] for name in manifests.COUNTED}
            | {"tokenizer": manifest["totals"]["tokenizer"]},
        }
        changes.write(folder / manifests.NAME, json.dumps(body, indent=1).encode())
    return Outcome(
        shards=touched,
        documents=before["documents"] - totals["documents"],
        images=before["images"] - totals["images"],
    )


def _rewrite(
    folder: Path,
    name: str,
    forgotten: Forgotten,
    is_gone: Callable[[str], bool],
    min_images: int,
    changes: Changes,
) -> tuple[dict[str, Any], manifests.Totals, manifests.Totals, int] | None:
    """Prepare a shard: (entry, what it held, what it holds, text nodes that it holds); None where nothing changes."""

    def change(document: dict[str, Any]) -> tuple[dict[str, Any], list[str]] | None:
        return forget_in_document(document, forgotten, is_gone, min_images)

    if all((made := change(document)) is not None and made[0] == document for document in documents_of(folder, name)):
        return None
    stem = name.removesuffix(".tar")
    old, new, texts = manifests.Totals(), manifests.Totals(), 0
    shard = ShardFile(folder, stem, changes.drafts)
    try:
        with (folder / name).open("rb") as file:
            tar = TarStream(file)
            for key, members in tar.documents():
                document = json.loads(members[0].data)
                old.add(document)
                made = change(document)
                if made is None:
                    continue
                fresh, kept = made
                new.add(fresh)
                texts += sum(text is not None for text in fresh["texts"])
                data = {member.suffix: member.data for member in members}
                names = [image for image in fresh["images"] if image is not None]
                body = members[0].data if fresh == document else to_bytes(fresh)
                shard.add(key, body, fresh, [(new_name, data[was]) for new_name, was in zip(names, kept, strict=True)])
        if tar.faults:
            raise InputError(f"{folder / name}: {tar.faults[0][0]}: {tar.faults[0][1]}; nothing was forgotten")
        entry = shard.close(changes.draft(folder / f"{stem}.idx.parquet"), changes.draft(folder / name))
    except BaseException:
        shard.abandon()
        raise
    return entry, old, new, texts


def _records(work: Path, entry: dict[str, Any], totals: manifests.Totals, texts: int, changes: Changes) -> None:
    """The commit record of a shard says what it holds now; what was dropped late stays counted."""
    stem = entry["name"].removesuffix(".tar")
    for path in sorted(work.glob("*")) if work.is_dir() else []:
        commit = StepFolder(path).commits().get(stem)
        if commit is None or "shard" not in commit.extra:
            continue
        extra = commit.extra | {
            "shard": entry,
            "max_images": totals.max_images,
            "totals": {name: totals.counts[name] for name in manifests.COUNTED} | {"texts": texts},
        }
        body = json.dumps(asdict(commit) | {"extra": extra}, sort_keys=True).encode()
        changes.write(path / "_commits" / f"{stem}.json", body)
