"""Cuts documents into shards anew: the one writer behind merge, sample and the views.

Sources are read by their indexes, so that one pass over the keys knows how many documents and bytes there are; then the
shards are written one by one in the order of the keys. The order and the cut depend on the documents alone.
"""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from filters.text.tokens import NAME as TOKENIZER
from pipeline.commits import new_attempt
from pipeline.sample_json import to_bytes
from pipeline.shard_files import ShardFile, read_index
from pipeline.shards import manifest as manifests
from pipeline.shards.check_document import parse
from pipeline.shards.place import Place
from schemas.errors import InputError, OutputError, SchemaMismatch

MAX_SHARDS = 1_000_000


@dataclass(frozen=True, slots=True)
class Sample:
    """A document: key, JSON, and the bytes of its images by the names that the JSON gives them."""

    key: str
    document: dict[str, Any]
    images: dict[str, bytes]

    @property
    def num_bytes(self) -> int:
        """About what it takes in a shard."""
        return 2_048 + len(to_bytes(self.document)) + sum(1_024 + len(data) for data in self.images.values())


@dataclass(frozen=True, slots=True)
class Location:
    """Where a document stands, and what it takes."""

    key: str
    source: int
    shard: str
    members: tuple[tuple[str, int, int], ...]

    @property
    def num_bytes(self) -> int:
        """Bytes in a tar."""
        return sum(1_024 + length for _, _, length in self.members)


class Source:
    """A folder of shards to read documents from."""

    def __init__(self, root: str | Path, number: int = 0) -> None:
        self.place, self.number = Place(root), number
        self.manifest = manifests.load(self.place)
        self._open: tuple[str, BinaryIO] | None = None
        self._stack = ExitStack()

    def locations(self) -> Iterator[Location]:
        """Every document in the order of the keys.

        Raises:
            InputError: an index is absent, or not one.
        """
        for entry in self.manifest["shards"]:
            name = entry["name"].removesuffix(".tar") + ".idx.parquet"
            try:
                rows = read_index(self.place.read(name))
            except (FileNotFoundError, SchemaMismatch) as error:
                raise InputError(f"{self.place.root}/{name}: {error}; weft reindex writes it anew") from error
            if len(rows) != entry["documents"]:
                raise InputError(f"{self.place.root}/{name} holds {len(rows):,} documents, not {entry['documents']:,}")
            for row in rows:
                members = tuple((m["name"], m["offset"], m["length"]) for m in row["members"])
                yield Location(row["key"], self.number, entry["name"], members)

    def read(self, at: Location) -> Sample:
        """The document.

        Raises:
            InputError: the tar holds something else there than the index says.
        """
        if self._open is None or self._open[0] != at.shard:
            self._stack.close()
            self._open = (at.shard, self._stack.enter_context(self.place.open(at.shard)))
        file = self._open[1]
        found = {}
        for name, offset, length in at.members:
            file.seek(offset)
            found[name] = file.read(length)
        document = parse(found.pop("json", b""))
        if document is None:
            raise InputError(f"{self.place.root}/{at.shard}: no document {at.key}; weft verify says more")
        return Sample(at.key, document, found)

    def read_json(self, at: Location) -> dict[str, Any]:
        """The JSON of the document alone."""
        return self.read(Location(at.key, at.source, at.shard, at.members[:1])).document

    def close(self) -> None:
        """Let go of the open tar."""
        self._stack.close()
        self._open = None


def merged(sources: Sequence[Source]) -> Iterator[Location]:
    """The documents of several folders in the order of the keys, each key once: the first folder that has it counts."""
    before = ""
    for at in heapq.merge(*(source.locations() for source in sources), key=lambda at: (at.key, at.source)):
        if at.key != before:
            yield at
        before = at.key


def recut(
    out: Path,
    locations: Iterable[Location],
    sources: Sequence[Source],
    *,
    target_bytes: int,
    change: Callable[[Sample], Iterable[Sample]] | None = None,
) -> dict[str, Any]:
    """Write the documents as new shards; the manifest.

    Args:
        out: a folder that is empty or not there.
        locations: in the order of the keys.
        sources: by the number that locations name.
        target_bytes: size that the number of shards is chosen for.
        change: what becomes of a document: none, one or more, under keys of their own.

    Raises:
        OutputError: the folder holds something.
    """
    begin(out)
    tokenizers = {source.manifest["totals"]["tokenizer"] for source in sources}
    recipes = {recipe for source in sources for recipe in manifests.recipes_of(source.manifest)}
    try:
        if change is None:
            found = list(locations)
            count = num_shards(sum(at.num_bytes for at in found), target_bytes)
            samples = ((at.key, at) for at in found)
            return write(
                out,
                ((key, sources[at.source].read(at)) for key, at in samples),
                count,
                tokenizer=" + ".join(sorted(tokenizers)),
                recipes=recipes,
            )
        made = (sample for at in locations for sample in change(sources[at.source].read(at)))
        return write_unsorted(
            out, made, target_bytes=target_bytes, tokenizer=" + ".join(sorted(tokenizers)), recipes=recipes
        )
    finally:
        for source in sources:
            source.close()


def begin(out: Path) -> None:
    """See that the folder is there and holds nothing.

    Raises:
        OutputError: it holds something, is a file, or cannot be made.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{out} cannot be written: {error.strerror}") from error
    if any(out.iterdir()):
        raise OutputError(f"{out} holds something already; give a folder that is empty or not there")


def num_shards(num_bytes: int, target_bytes: int) -> int:
    """How many shards so many bytes make."""
    return min(MAX_SHARDS, max(1, -(-num_bytes // target_bytes)))


def write(
    out: Path,
    samples: Iterable[tuple[str, Sample]],
    count: int,
    *,
    tokenizer: str = TOKENIZER,
    recipes: Iterable[str] = (),
) -> dict[str, Any]:
    """Write documents that come in the order of their keys into `count` shards; the manifest."""
    totals, entries = manifests.Totals(), list[dict[str, Any]]()
    attempt = new_attempt()
    shard = ShardFile(out, manifests.shard_name(0), attempt)
    try:
        for key, sample in samples:
            number = int(key, 16) * count >> 128
            while len(entries) < number:
                entries.append(shard.close())
                shard = ShardFile(out, manifests.shard_name(len(entries)), attempt)
            names = [name for name in sample.document["images"] if name is not None]
            members = [(name, sample.images[name]) for name in names]
            shard.add(key, to_bytes(sample.document), sample.document, members)
            totals.add(sample.document)
        while len(entries) < count:
            entries.append(shard.close())
            if len(entries) < count:
                shard = ShardFile(out, manifests.shard_name(len(entries)), attempt)
    except BaseException:
        shard.abandon()
        raise
    body = manifests.body(
        recipes=totals.recipes or recipes,
        entries=entries,
        totals=totals.counts,
        tokenizer=tokenizer,
        max_images=totals.max_images,
    )
    manifests.put(Place(out), body)
    return body


def write_unsorted(
    out: Path, samples: Iterable[Sample], *, target_bytes: int, tokenizer: str = TOKENIZER, recipes: Iterable[str] = ()
) -> dict[str, Any]:
    """Write documents that come in any order: first into 256 files by the start of their keys, then in order."""
    from pipeline.shards.spill import Spill

    with Spill(out) as spill:
        for sample in samples:
            spill.add(sample)
        count = num_shards(spill.num_bytes, target_bytes)
        ordered = ((sample.key, sample) for sample in spill)
        return write(out, ordered, count, tokenizer=tokenizer, recipes=recipes)


def drawn(
    locations: Iterable[Location],
    *,
    documents: int | None = None,
    share: float = 1.0,
    seed: int = 0,
    wanted: Callable[[Location], bool] | None = None,
) -> list[Location]:
    """Documents drawn at random, in the order of their keys; the same for the same keys and seed, however they are cut.

    Args:
        locations: to draw from.
        documents: how many; all that there are where there are fewer.
        share: of the documents, where no number is given.
        seed: another one draws others.
        wanted: which may be drawn at all.
    """

    def lot(at: Location) -> int:
        return int.from_bytes(hashlib.sha256(f"{seed}\n{at.key}".encode()).digest()[:8], "big")

    allowed = (at for at in locations if wanted is None or wanted(at))
    if documents is not None:
        picked = heapq.nsmallest(documents, allowed, key=lambda at: (lot(at), at.key))
    else:
        picked = [at for at in allowed if lot(at) < share * (1 << 64)]
    return sorted(picked, key=lambda at: at.key)
