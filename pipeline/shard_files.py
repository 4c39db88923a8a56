"""One shard: a plain tar whose bytes depend on nothing but its documents, and the index beside it."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.tar_heads import BLOCK, END, header
from schemas.errors import SchemaMismatch
from schemas.shard import INDEX


class ShardFile:
    """Writes documents in the order of their keys; nothing stands under the final names before `close`."""

    def __init__(self, folder: Path, name: str, attempt: str) -> None:
        self.name = name
        self.documents = self.images = self.max_images = 0
        self._folder = folder
        self._draft = folder / f".{name}-{attempt}.tar"
        self._out = self._draft.open("wb")
        self._sha256 = hashlib.sha256()
        self._at = 0
        self._rows: list[dict[str, Any]] = []

    def add(self, key: str, body: bytes, document: dict[str, Any], images: Sequence[tuple[str, bytes]]) -> None:
        """Append a document: its JSON (`body`, and as `document`), then its images under their names."""
        members = [(name, self._member(key, name, data), data) for name, data in [("json", body), *images]]
        self._rows.append(index_row(key, members, document))
        self.documents += 1
        self.images += len(images)
        self.max_images = max(self.max_images, len(images))

    def close(self, index: Path | None = None, tar: Path | None = None) -> dict[str, Any]:
        """Complete tar and index, put them under their final names, and give the shard's entry of the manifest.

        Args:
            index: another path for the index than the final one.
            tar: another path for the tar.
        """
        self._write(END)
        self._out.close()
        draft = self._draft.with_suffix(".parquet")
        draft.write_bytes(write_index(self._rows))
        # The tar first: where another run took its draft away, nothing of that run's is touched.
        self._draft.replace(tar or self._folder / f"{self.name}.tar")
        draft.replace(index or self._folder / f"{self.name}.idx.parquet")
        return {
            "name": f"{self.name}.tar",
            "bytes": self._at,
            "sha256": self._sha256.hexdigest(),
            "documents": self.documents,
            "images": self.images,
        }

    def abandon(self) -> None:
        """Leave nothing behind, also on a disk so full that what is buffered cannot be written."""
        for draft in (self._draft, self._draft.with_suffix(".parquet")):
            draft.unlink(missing_ok=True)
        with suppress(OSError):
            self._out.close()

    def _member(self, key: str, name: str, data: bytes) -> int:
        """Write a member; where its data begins."""
        self._write(header(f"{key}.{name}", len(data)))
        offset = self._at
        self._write(data)
        self._write(bytes(-len(data) % BLOCK))
        return offset

    def _write(self, data: bytes) -> None:
        self._out.write(data)
        self._sha256.update(data)
        self._at += len(data)


def index_row(key: str, members: Sequence[tuple[str, int, bytes]], document: dict[str, Any]) -> dict[str, Any]:
    """The row of the index for a document whose members (name, offset, data) stand in the tar in this order."""
    described = [
        {"name": name, "offset": offset, "length": len(data), "crc32": zlib.crc32(data)}
        for name, offset, data in members
    ]
    return {"key": key, "members": described, "nodes": _nodes(document, {name: len(data) for name, _, data in members})}


def write_index(rows: list[dict[str, Any]]) -> bytes:
    """The index of a shard as a Parquet file: the same rows give the same bytes."""
    table = pa.Table.from_batches([INDEX.batch(rows)]) if rows else INDEX.arrow.empty_table()
    out = pa.BufferOutputStream()
    pq.write_table(table.replace_schema_metadata(None), out, compression="zstd")
    return bytes(out.getvalue())


def read_index(data: bytes) -> list[dict[str, Any]]:
    """The rows of an index.

    Raises:
        SchemaMismatch: it is no Parquet file, or has other columns.
    """
    try:
        table = pq.read_table(pa.BufferReader(data))
    except (pa.ArrowException, OSError) as error:
        raise SchemaMismatch(f"no Parquet file: {error}") from error
    found, wanted = ([(f.name, _bare(f.type)) for f in schema] for schema in (table.schema, INDEX.arrow))
    if found != wanted:
        raise SchemaMismatch(f"columns are {found}, not {wanted}")
    rows: list[dict[str, Any]] = table.to_pylist()
    return rows


def _bare(dtype: pa.DataType) -> str:
    """A type by names alone: nullability and comments come and go with the library that wrote it."""
    if pa.types.is_list(dtype):
        return f"list<{_bare(dtype.value_type)}>"
    if pa.types.is_struct(dtype):
        return f"struct<{', '.join(f'{f.name}: {_bare(f.type)}' for f in dtype)}>"
    return str(dtype)


def _nodes(document: dict[str, Any], sizes: dict[str, int]) -> list[dict[str, Any]]:
    """The index's nodes, in page order."""
    nodes = []
    matched = iter(document["matched_text_index"] or [-1] * len(sizes))
    for text, name, facts in zip(document["texts"], document["images"], document["metadata"], strict=True):
        if text is not None:
            node = {"kind": "text", "num_bytes": len(text.encode())}
            nodes.append(node | dict.fromkeys(("width", "height", "matched_text", "alt_bytes", "caption_bytes")))
            continue
        nodes.append(
            {
                "kind": "image",
                "num_bytes": sizes[name],
                "width": facts["width"],
                "height": facts["height"],
                "matched_text": next(matched),
                "alt_bytes": len((facts["alt"] or "").encode()),
                "caption_bytes": len((facts["caption"] or "").encode()),
            }
        )
    return nodes
