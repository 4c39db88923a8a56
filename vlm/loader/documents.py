"""Documents as they lie in the shards: JSON and image bytes, checked against index and manifest.

`read_documents` is the plain reader: every document of a folder in the order of the tars. The loader uses
the parts below it for the documents that it planned.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from vlm.loader.dataset import Dataset, ShardIndex
from vlm.loader.errors import DatasetError
from vlm.loader.storage import open_store

_LISTS = ("texts", "images", "roles", "metadata")


@dataclass(frozen=True, slots=True)
class Document:
    """A document with the bytes of its images."""

    key: str
    shard: str
    content: dict[str, Any]
    """The JSON as it is in the shard (DESIGN section 4)."""
    images: dict[str, bytes]
    """Member bytes by the name that `content["images"]` uses, in page order."""

    @property
    def nodes(self) -> list[str | bytes]:
        """Texts and image bytes in page order."""
        pairs = zip(self.content["texts"], self.content["images"], strict=True)
        return [self.images[image] if text is None else text for text, image in pairs]


def read_documents(shards_dir: str, *, batch: int = 64) -> Iterator[Document]:
    """Every document of a folder or URL that holds a manifest, in the order of shards and tars.

    Args:
        shards_dir: the folder with `manifest.json`.
        batch: documents that are read at once.

    Raises:
        DatasetError: there is no manifest; an index does not match its manifest or tar; a member's CRC32 is
            wrong; a JSON breaks the schema. This reader is for checking data: it stops where the loader would mask.
    """
    dataset = Dataset(open_store(shards_dir))
    for number, info in enumerate(dataset.shards):
        index = dataset.index(number)
        for start in range(0, len(index), batch):
            rows = range(start, min(start + batch, len(index)))
            lo, hi = int(index.member_start[rows[0]]), int(index.member_start[rows[-1] + 1])
            members = read_members(dataset, number, index, range(lo, hi))
            for row in rows:
                first, stop = int(index.member_start[row]) - lo, int(index.member_start[row + 1]) - lo
                yield _document(index, row, info.name, members[first:stop])


def _document(index: ShardIndex, row: int, shard: str, members: Sequence[memoryview | None]) -> Document:
    where = f"{shard} {index.keys[row]}"
    bad = [i for i, m in enumerate(members) if m is None]
    if bad:
        raise DatasetError(f"{where}: members {bad} differ from the index (CRC32 or length)")
    try:
        content = parse(bytes(members[0] or b""), index, row)
    except ValueError as error:
        raise DatasetError(f"{where}: {error}") from error
    names = [name for name in content["images"] if name is not None]
    blobs = [bytes(m or b"") for m in members[1:]]
    return Document(index.keys[row], shard, content, dict(zip(names, blobs, strict=True)))


def read_members(dataset: Dataset, shard: int, index: ShardIndex, members: Sequence[int]) -> list[memoryview | None]:
    """The bytes of each member, or None where length or CRC32 is not what the index says. Raises ShardLost."""
    ranges = [(int(index.member_offset[m]), int(index.member_length[m])) for m in members]
    blocks = dataset.store.read_ranges(dataset.shards[shard].name, ranges)
    return [
        block if len(block) == index.member_length[m] and zlib.crc32(block) == index.member_crc[m] else None
        for m, block in zip(members, blocks, strict=True)
    ]


def parse(data: bytes, index: ShardIndex, row: int) -> dict[str, Any]:
    """The JSON of a document. Raises ValueError where it is none, breaks the schema, or is not the index's document."""
    try:
        document = json.loads(data)
    except RecursionError as error:
        raise ValueError(f"the JSON is nested too deeply: {error}") from error
    if not isinstance(document, dict):
        raise ValueError("the JSON is no object")
    for name in _LISTS:
        if not isinstance(document.get(name), list):
            raise ValueError(f"{name} is no list")
    start, stop = int(index.node_start[row]), int(index.node_start[row + 1])
    texts, images = document["texts"], document["images"]
    if any(len(document[name]) != stop - start for name in _LISTS):
        raise ValueError(f"texts, images, roles and metadata must each have the {stop - start} nodes of the index")
    for node, is_image in enumerate(index.is_image[start:stop].tolist()):
        right = texts[node] is None and isinstance(images[node], str) if is_image else isinstance(texts[node], str)
        if not right:
            raise ValueError(f"node {node} is not the {'image' if is_image else 'text'} that the index has")
        if is_image and not isinstance(document["metadata"][node], dict):
            raise ValueError(f"metadata of image node {node} is no object")
    return document
