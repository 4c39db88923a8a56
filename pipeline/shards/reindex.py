"""Writes the indexes and the manifest anew from the tars, which alone are the data.

Nothing is written before every tar was read and found whole: a tar that is cut or belongs to another set is named, and
what stood there before stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from filters.text.tokens import NAME as TOKENIZER
from pipeline.shard_files import index_row, write_index
from pipeline.shards import manifest as manifests
from pipeline.shards.check_document import parse
from pipeline.shards.place import Place
from pipeline.shards.tar_stream import TarStream
from schemas.errors import InputError

_NAME = re.compile(r"weft-(\d{6})\.tar")
_NEEDED = ("texts", "images", "metadata", "matched_text_index", "general_metadata", "recipe")


def reindex(place: Place, *, say: Callable[[str], None] = lambda _line: None) -> dict[str, Any]:
    """Write `weft-*.idx.parquet` and `manifest.json`; the manifest.

    Raises:
        InputError: a tar is missing, cut or damaged, holds something else than documents, or has keys of another set
            of shards; names it. Nothing is written then.
    """
    count = _count(place)
    totals, entries, indexes = manifests.Totals(), [], []
    for number in range(count):
        entry, of_shard, index = read_shard(place, f"{manifests.shard_name(number)}.tar", number, count)
        entries.append(entry)
        totals.merge(of_shard)
        indexes.append(index)
        say(f"{number + 1:,} of {count:,} tars read")
    for entry, index in zip(entries, indexes, strict=True):
        place.put(entry["name"].removesuffix(".tar") + ".idx.parquet", index)
    body = manifests.body(
        recipes=totals.recipes or _recipes_before(place),
        entries=entries,
        totals=totals.counts,
        tokenizer=_tokenizer(place),
        max_images=totals.max_images,
    )
    manifests.put(place, body)
    return body


def read_shard(place: Place, name: str, number: int, count: int) -> tuple[dict[str, Any], manifests.Totals, bytes]:
    """The entry of the manifest, what the shard adds to it, and the index, from the tar alone.

    Raises:
        InputError: as `reindex`.
    """
    totals, rows, before, wrong = manifests.Totals(), [], "", list[str]()
    with place.open(name) as file:
        tar = TarStream(file)
        for key, members in tar.documents():
            document = parse(members[0].data) if members[0].suffix == "json" else None
            if document is None or any(part not in document for part in _NEEDED):
                wrong.append(f"{key} has no JSON of a document as its first member")
            elif key <= before or int(key, 16) * count >> 128 != number:
                wrong.append(f"{key} does not belong here; are all {count:,} tars of one set?")
            else:
                try:
                    rows.append(index_row(key, [(m.suffix, m.offset, m.data) for m in members], document))
                    totals.add(document)
                except (KeyError, TypeError, StopIteration, ValueError) as error:
                    wrong.append(f"JSON and images of {key} do not fit: {error!r}")
            before = key
    if tar.faults or wrong:  # a cut also leaves a document that does not fit: the cut is the cause
        raise InputError(f"{place.root}/{name}: {': '.join(tar.faults[0]) if tar.faults else wrong[0]}")
    entry = {
        "name": name,
        "bytes": tar.size,
        "sha256": tar.sha256,
        "documents": totals.counts["documents"],
        "images": totals.counts["images"],
    }
    return entry, totals, write_index(rows)


def _count(place: Place) -> int:
    """How many shards there are: every number up to the highest must have its tar."""
    names = place.names()
    if names is None:
        return int(manifests.load(place)["num_shards"])
    numbers = sorted(int(found[1]) for name in names if (found := _NAME.fullmatch(name)))
    if not numbers:
        raise InputError(f"{place.root} holds no tars of the name weft-000000.tar")
    if missing := sorted(set(range(numbers[-1] + 1)) - set(numbers)):
        raise InputError(f"{place.root}: {manifests.shard_name(missing[0])}.tar is missing; {len(missing):,} are")
    return len(numbers)


def _before(place: Place) -> Iterator[dict[str, Any]]:
    """The manifest that stood there, where it can be read."""
    try:
        yield manifests.load(place)
    except InputError:
        return


def _tokenizer(place: Place) -> str:
    return next((str(manifest["totals"]["tokenizer"]) for manifest in _before(place)), TOKENIZER)


def _recipes_before(place: Place) -> set[str]:
    """Shards without documents name no recipe."""
    return next((manifests.recipes_of(manifest) for manifest in _before(place)), {"none@" + "0" * 16})
