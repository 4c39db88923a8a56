"""Tokens of each node of a shard, in a table beside it, so that packs can be planned without reading text.

`weft-000000.tok-<fingerprint>.parquet`, a row for each document in the order of the index: `key`; `tokens`,
`alt_tokens` and `caption_tokens`, parallel to the nodes, 0 where there is no such text; `cuts`, for each text of over
`CUTS_OVER` tokens the positions at which a sentence ends. The fingerprint is of the tokenizer and the separator, so a
table never serves another tokenizer. Made once by `weft loader tokens DIR --tokenizer NAME`.
"""

from __future__ import annotations

import hashlib
import logging
import os
import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from vlm.loader.dataset import Dataset, ShardIndex, flat, ints, read_parquet
from vlm.loader.documents import parse, read_members
from vlm.loader.errors import DatasetError, ShardLost, TokenTableMissing
from vlm.loader.storage import LocalStore, Store
from vlm.loader.tokenizers import SEPARATOR, Tokenizer
from vlm.loader.views import NodeTokens

log = logging.getLogger(__name__)

CUTS_OVER = 512
"""Texts of fewer tokens fit any sensible pack; in longer ones packs below this length cut between tokens."""
FACTS = ("alt", "caption")
COUNTS = ("tokens", *(f"{name}_tokens" for name in FACTS))
SCHEMA = pa.schema(
    [
        pa.field("key", pa.string(), nullable=False),
        *(pa.field(name, pa.list_(pa.int32()), nullable=False) for name in COUNTS),
        pa.field("cuts", pa.list_(pa.struct([("node", pa.int32()), ("at", pa.list_(pa.int32()))])), nullable=False),
    ]
)


def cache_folder(cache_dir: str, dataset: Dataset) -> Path:
    """Where the tables of a read-only dataset are kept."""
    return Path(cache_dir) / f"tokens-{hashlib.sha256(dataset.fingerprint.encode()).hexdigest()[:16]}"


def read_token_table(
    dataset: Dataset, shard: int, index: ShardIndex, tokenizer: Tokenizer, cache_dir: str | None
) -> NodeTokens:
    """The token counts of a shard. Raises TokenTableMissing, with the command that makes the table, or DatasetError."""
    name = dataset.shards[shard].token_table_name(tokenizer.fingerprint)
    stores: list[Store] = [LocalStore(str(cache_folder(cache_dir, dataset)))] if cache_dir is not None else []
    for store in [*stores, dataset.store]:
        try:
            table = read_parquet(store, name)
        except ShardLost as error:
            cause = error.__cause__  # S3 forbids to see what is not there, unless the bucket may be listed
            if isinstance(cause, FileNotFoundError | PermissionError) or getattr(cause, "status", 0) == 403:
                continue
            raise
        return _node_tokens(table, index, f"{store.url}/{name}", dataset.shards[shard].sha256)
    raise TokenTableMissing(
        f"{dataset.store.url} has no token table for {tokenizer.name} ({name}); make it once with\n"
        f"    {_command(dataset.store.url, tokenizer, cache_dir)}"
    )


def _command(url: str, tokenizer: Tokenizer, cache_dir: str | None) -> str:
    """What a shell takes to make the tables."""
    separator = getattr(tokenizer, "separator", SEPARATOR)
    more = [] if separator == SEPARATOR else [f"--separator={separator}"]
    more += ["--cache-dir", cache_dir] if cache_dir else []
    return shlex.join(["weft", "loader", "tokens", url, "--tokenizer", tokenizer.name, *more])


def is_current(dataset: Dataset, shard: int, tokenizer: Tokenizer, folder: Path) -> bool:
    """Whether the table of a shard lies in `folder` and is that of its index."""
    index, store = dataset.index(shard), LocalStore(str(folder))
    try:
        table = read_parquet(store, dataset.shards[shard].token_table_name(tokenizer.fingerprint))
        _node_tokens(table, index, store.url, dataset.shards[shard].sha256)
    except DatasetError:  # lost, or of another index
        return False
    return True


def _node_tokens(table: pa.Table, index: ShardIndex, where: str, sha256: str) -> NodeTokens:
    made_of = (table.schema.metadata or {}).get(b"shard_sha256", sha256.encode())
    same = table.column_names == SCHEMA.names and table.column("key").to_pylist() == index.keys
    if not same or made_of != sha256.encode():
        raise DatasetError(f"{where} is not the token table of this index: make it again")
    columns = []
    for name in COUNTS:
        starts, values = flat(table.column(name))
        if not np.array_equal(starts, index.node_start):
            raise DatasetError(f"{where}: {name} has another number of nodes than the index: make it again")
        columns.append(ints(values, np.int32))
    cuts: dict[tuple[int, int], tuple[int, ...]] = {}
    starts, values = flat(table.column("cuts"))
    for row in np.flatnonzero(np.diff(starts)):
        for entry in values.slice(starts[row], starts[row + 1] - starts[row]).to_pylist():
            cuts[int(row), entry["node"]] = tuple(entry["at"])
    return NodeTokens(columns[0], columns[1], columns[2], cuts)


def make_token_table(dataset: Dataset, shard: int, tokenizer: Tokenizer, folder: Path) -> tuple[Path, int]:
    """(path, documents) of the table of one shard, written to `folder` under a temporary name and then renamed.

    Raises DatasetError where a JSON member is not what the index says: a table made from it would plan wrong packs.
    A document that the loader will mask (no JSON, another schema) has counts of 0, and a warning.
    """
    index = dataset.index(shard)
    info = dataset.shards[shard]
    table: list[dict[str, Any]] = []
    for start in range(0, len(index), 256):  # read and encode a few MB of text at a time
        rows = range(start, min(start + 256, len(index)))
        first = index.member_start[rows.start : rows.stop].tolist()
        for row, data in zip(rows, read_members(dataset, shard, index, first), strict=True):
            if data is None:
                raise DatasetError(f"{info.name} {index.keys[row]}: the JSON differs from the index (CRC)")
            try:
                counts = _count(parse(bytes(data), index, row), tokenizer)
            except (ValueError, RecursionError) as error:
                log.warning("%s %s: counted as 0 tokens: %r", info.name, index.keys[row], error)
                nothing = [None] * int(index.node_start[row + 1] - index.node_start[row])
                counts = _count({"texts": nothing, "metadata": nothing}, tokenizer)
            table.append({"key": index.keys[row], **counts})
    path = folder / info.token_table_name(tokenizer.fingerprint)
    folder.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    schema = SCHEMA.with_metadata({"shard_sha256": info.sha256})
    pq.write_table(pa.Table.from_pylist(table, schema), temporary, compression="zstd")
    temporary.rename(path)
    return path, len(index)


def _count(document: dict[str, Any], tokenizer: Tokenizer) -> dict[str, list[Any]]:
    """The columns of one document, without its key."""
    counts: dict[str, list[Any]] = {name: [0] * len(document["texts"]) for name in COUNTS}
    where: list[tuple[str, int]] = []
    strings: list[str] = []
    for node, (text, facts) in enumerate(zip(document["texts"], document["metadata"], strict=True)):
        found = {"tokens": text} if isinstance(text, str) else {f"{n}_tokens": (facts or {}).get(n) for n in FACTS}
        for name, value in found.items():
            if isinstance(value, str) and (value or name == "tokens"):
                where.append((name, node))
                strings.append(value)
    cuts = []
    for (name, node), text, ids in zip(where, strings, tokenizer.encode(strings), strict=True):
        counts[name][node] = len(ids)
        if name == "tokens" and len(ids) > CUTS_OVER:
            cuts.append({"node": node, "at": tokenizer.cuts(text)})
    return counts | {"cuts": cuts}
