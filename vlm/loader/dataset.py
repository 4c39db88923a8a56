"""A dataset on disk: the manifest, and the index of each shard as flat arrays.

The index is all that planning needs (DESIGN section 4): members with offset, length and CRC32, nodes with byte counts
and image sizes. It is held as flat NumPy arrays with one start per document, because a shard has some hundred thousand
nodes and a Python object for each would cost more memory than the images of a batch.
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from vlm.loader.errors import DatasetChanged, DatasetError, ShardLost
from vlm.loader.storage import CachedStore, Store

MANIFEST = "manifest.json"
MAX_TEXT = 1 << 30
"""Bytes of text of one document: tokens are counted in int32."""
FACTS = ("num_bytes", "width", "height", "matched_text", "alt_bytes", "caption_bytes")
_NAME = re.compile(r"\w[\w.-]*\.tar")
Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class ShardInfo:
    """A line of the manifest."""

    name: str
    num_bytes: int
    sha256: str
    documents: int
    images: int

    @property
    def index_name(self) -> str:
        """The index beside the tar."""
        return self.name.removesuffix(".tar") + ".idx.parquet"

    def token_table_name(self, fingerprint: str) -> str:
        """The token table beside the tar."""
        return f"{self.name.removesuffix('.tar')}.tok-{fingerprint}.parquet"


@dataclass(frozen=True, slots=True)
class ShardIndex:
    """The index of one shard: D documents, M members, N nodes.

    `members` of document d are `member_start[d]:member_start[d + 1]`, the JSON first, then one for each image in page
    order; its nodes are `node_start[d]:node_start[d + 1]`.
    """

    keys: list[str]
    member_start: Array  # int32 (D + 1,)
    member_offset: Array  # int64 (M,)
    member_length: Array  # int32 (M,), bytes
    member_crc: Array  # uint32 (M,)
    node_start: Array  # int32 (D + 1,)
    is_image: Array  # bool (N,)
    num_bytes: Array  # int32 (N,)
    width: Array  # int32 (N,), px, 0 for text
    height: Array  # int32 (N,), px, 0 for text
    matched_text: Array  # int32 (N,), index into the nodes of the document, -1 for none
    alt_bytes: Array  # int32 (N,)
    caption_bytes: Array  # int32 (N,)

    def __len__(self) -> int:
        return len(self.keys)


class Dataset:
    """A manifest that was read and checked. Raises DatasetError where it is missing or is none of ours."""

    def __init__(self, store: Store) -> None:
        """Reads the manifest, nothing else."""
        self.store = store
        self._lock = threading.Lock()
        self._signature = ""
        try:
            self._signature = store.signature(MANIFEST)
            raw = store.read(MANIFEST)
        except (FileNotFoundError, NotADirectoryError) as error:
            why = f" ({error.__cause__})" if error.__cause__ else ""  # a server that says 403, say
            raise DatasetError(f"{store.url} holds no {MANIFEST}: is it a `shards` folder?{why}") from None
        self.manifest, self.shards = _read_manifest(store.url, raw)
        self.counts = np.array([s.documents for s in self.shards], np.int64)
        self.num_documents = int(self.counts.sum())
        self.fingerprint = _fingerprint(self.shards)
        if isinstance(store, CachedStore):
            store.expect(self.fingerprint, {s.name: s.num_bytes for s in self.shards})

    def check_unchanged(self) -> None:
        """Raise DatasetChanged if another manifest lies where this one was read."""
        with self._lock:
            try:
                signature = self.store.signature(MANIFEST)
                if signature == self._signature:
                    return
                now = _fingerprint(_read_manifest(self.store.url, self.store.read(MANIFEST))[1])
            except FileNotFoundError:
                raise DatasetChanged(f"{self.store.url}: {MANIFEST} was removed while it was read from") from None
            if now != self.fingerprint:
                raise DatasetChanged(
                    f"{self.store.url}: {MANIFEST} changed during the run ({self.fingerprint} is now {now}); "
                    "the order of documents depends on it: start again, or put the old one back"
                )
            self._signature = signature

    def index(self, shard: int) -> ShardIndex:
        """The index of a shard. Raises ShardLost or DatasetError."""
        self.check_unchanged()
        info = self.shards[shard]
        where = f"{self.store.url}/{info.index_name}"
        table = read_parquet(self.store, info.index_name)
        try:
            index = _index(table)
        except (KeyError, ValueError, TypeError, NotImplementedError, AttributeError) as error:
            raise DatasetError(f"{where} is no shard index: {error}") from error
        if len(index) != info.documents:
            raise DatasetError(f"{where} has {len(index)} documents, the manifest says {info.documents}")
        if not np.array_equal(sums(index.is_image, index.node_start) + 1, np.diff(index.member_start)):
            raise DatasetError(f"{where}: members and image nodes differ in number")
        texts = np.where(index.is_image, index.alt_bytes.astype(np.int64) + index.caption_bytes, index.num_bytes)
        if (sums(texts, index.node_start) > min(info.num_bytes, MAX_TEXT)).any():
            raise DatasetError(f"{where}: a document has more bytes of text than {info.name} has, or over 1 GB")
        if (index.member_offset > min(info.num_bytes, 1 << 62) - index.member_length.astype(np.int64)).any():
            raise DatasetError(f"{where} points behind the end of {info.name} ({info.num_bytes} bytes)")
        return index


def sums(values: Array, start: Array) -> Array:
    """The sum of the values of each document."""
    total = np.concatenate([[0], np.cumsum(values, dtype=np.int64)])
    out: Array = total[start[1:]] - total[start[:-1]]
    return out


def read_parquet(store: Store, name: str) -> pa.Table:
    """A small parquet file as a table. Raises ShardLost."""
    try:
        return pq.ParquetFile(pa.BufferReader(store.read(name))).read(use_threads=False)
    except FileNotFoundError as error:
        raise ShardLost(f"{store.url}/{name}: not there") from error
    except (pa.ArrowException, ValueError, OSError) as error:
        raise ShardLost(f"{store.url}/{name}: {error}") from error


def _fingerprint(shards: tuple[ShardInfo, ...]) -> str:
    facts = [[s.name, s.sha256, s.documents] for s in shards]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:16]


def _read_manifest(url: str, raw: bytes) -> tuple[dict[str, Any], tuple[ShardInfo, ...]]:
    try:
        manifest = json.loads(raw)
        if manifest["format"] != "weft":
            raise DatasetError(f"{url}/{MANIFEST} has format {manifest['format']!r}, want 'weft'")
        shards = tuple(
            ShardInfo(s["name"], int(s["bytes"]), s["sha256"], int(s["documents"]), int(s["images"]))
            for s in manifest["shards"]
        )
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
        raise DatasetError(f"{url}/{MANIFEST} is no manifest: {error!r}") from error
    for s in shards:  # a name is that of a file beside the manifest, also in a cache
        is_text = isinstance(s.name, str) and isinstance(s.sha256, str)
        # each has a header of 512 bytes in the tar, and rows are counted in int32
        fits = 512 * (s.documents + s.images) <= s.num_bytes and s.documents < 1 << 31
        if not is_text or not _NAME.fullmatch(s.name) or min(s.documents, s.images) < 0 or not fits:
            raise DatasetError(f"{url}/{MANIFEST} has a shard that cannot be: {s}")
    if len(shards) != manifest.get("num_shards"):
        raise DatasetError(f"{url}/{MANIFEST} lists {len(shards)} shards and says {manifest.get('num_shards')}")
    return manifest, shards


def flat(column: Any) -> tuple[Array, Any]:
    """(starts int32 (D + 1,), the values in a row) of a list column, whatever its chunks and offsets."""
    lists = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if isinstance(lists, pa.ChunkedArray):
        lists = pa.concat_arrays(lists.chunks) if lists.num_chunks else pa.array([], lists.type)
    offsets = np.from_dlpack(lists.offsets).astype(np.int32)
    starts = offsets - offsets[0] if len(offsets) else np.zeros(1, np.int32)
    return starts, lists.flatten()


def ints(values: Any, dtype: type, fill: int = 0) -> Array:
    """The numbers, `fill` for null. Raises ValueError where one is below `fill` or too large for `dtype`.

    Without Arrow's `to_numpy` and scalars of Python's: the first in a process imports pandas, which takes a second.
    """
    if not pa.types.is_integer(values.type):
        raise ValueError(f"numbers of type {values.type}")
    nothing = pa.Array.from_buffers(values.type, 1, [None, pa.py_buffer(fill.to_bytes(8, "little", signed=True))])[0]
    out: Array = np.from_dlpack(values.fill_null(nothing))
    if len(out) and not fill <= out.min() <= out.max() <= np.iinfo(dtype).max:
        raise ValueError(f"{out.min()} to {out.max()} is out of range for {dtype.__name__}")
    return out.astype(dtype, copy=False)


def _index(table: pa.Table) -> ShardIndex:
    member_start, members = flat(table.column("members"))
    node_start, nodes = flat(table.column("nodes"))
    facts = {name: ints(nodes.field(name), np.int32, -1 if name == "matched_text" else 0) for name in FACTS}
    kinds = nodes.field("kind").dictionary_encode()
    names = kinds.dictionary.to_pylist()
    if not {"text", "image"}.issuperset(names) or table.column("key").null_count:
        raise ValueError(f"kinds of nodes {names}, or a document without a key")
    return ShardIndex(
        keys=table.column("key").to_pylist(),
        member_start=member_start,
        member_offset=ints(members.field("offset"), np.int64),
        member_length=ints(members.field("length"), np.int32),  # a member over 2 GB is out of range
        member_crc=ints(members.field("crc32"), np.uint32),
        node_start=node_start,
        is_image=np.array([name == "image" for name in names], bool)[np.from_dlpack(kinds.indices)],
        **facts,
    )
