"""One shard: a plain tar whose bytes depend on nothing but its documents, and the index beside it."""

from __future__ import annotations

import hashlib
import tarfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from schemas.shard import INDEX

BLOCK = tarfile.BLOCKSIZE


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
        members = [self._member(key, "json", body)]
        members += [self._member(key, name, data) for name, data in images]
        self._rows.append({"key": key, "members": members, "nodes": _nodes(document, dict(images))})
        self.documents += 1
        self.images += len(images)
        self.max_images = max(self.max_images, len(images))

    def close(self) -> dict[str, Any]:
        """Complete tar and index, put them under their final names, and give the shard's entry of the manifest."""
        self._write(bytes(2 * BLOCK))
        self._out.close()
        index = self._folder / f".{self.name}-index-{self._draft.stem}.parquet"
        table = pa.Table.from_batches([INDEX.batch(self._rows)]) if self._rows else INDEX.arrow.empty_table()
        pq.write_table(table.replace_schema_metadata(None), index, compression="zstd")
        index.replace(self._folder / f"{self.name}.idx.parquet")
        self._draft.replace(self._folder / f"{self.name}.tar")
        return {
            "name": f"{self.name}.tar",
            "bytes": self._at,
            "sha256": self._sha256.hexdigest(),
            "documents": self.documents,
            "images": self.images,
        }

    def abandon(self) -> None:
        """Leave nothing behind."""
        self._out.close()
        self._draft.unlink(missing_ok=True)

    def _member(self, key: str, name: str, data: bytes) -> dict[str, Any]:
        info = tarfile.TarInfo(f"{key}.{name}")
        info.size, info.mode = len(data), 0o644
        self._write(info.tobuf(tarfile.USTAR_FORMAT, "ascii", "strict"))
        offset = self._at
        self._write(data)
        self._write(bytes(-len(data) % BLOCK))
        return {"name": name, "offset": offset, "length": len(data), "crc32": zlib.crc32(data)}

    def _write(self, data: bytes) -> None:
        self._out.write(data)
        self._sha256.update(data)
        self._at += len(data)


def _nodes(document: dict[str, Any], sizes: dict[str, bytes]) -> list[dict[str, Any]]:
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
                "num_bytes": len(sizes[name]),
                "width": facts["width"],
                "height": facts["height"],
                "matched_text": next(matched),
                "alt_bytes": len((facts["alt"] or "").encode()),
                "caption_bytes": len((facts["caption"] or "").encode()),
            }
        )
    return nodes
