"""Outputs of img2dataset as documents: an image with its caption, each row one document.

The image's address stands for the page's, which img2dataset does not know. A row that failed there keeps its caption,
and its image is asked for again. Bytes are as img2dataset left them: encoded again, unless it was told not to.
"""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from filters.extract.urls import resolve
from pipeline.fetch.img2dataset_output import members_of, read_table
from pipeline.imports.corpus import Imported, Rejected


def documents(source: Path) -> Iterator[Imported | Rejected]:
    """The documents of a shard, named by its Parquet file."""
    table = read_table(source)
    if table is None or not {"url", "key"} <= set(table.column_names):
        yield Rejected(source.name, "no Parquet of a finished shard of img2dataset")
        return
    rows = {row["key"]: row for row in table.to_pylist()}
    if "jpg" not in table.column_names:
        try:
            for key, data in members_of(source):
                if (row := rows.pop(key, None)) is not None:
                    yield _document(row, data, f"{source.name} {key}")
        except (tarfile.TarError, OSError, EOFError) as error:
            yield Rejected(source.with_suffix(".tar").name, f"cannot be read to its end: {error}")
    for key, row in rows.items():
        yield _document(row, row.get("jpg"), f"{source.name} {key}")


def _document(row: dict[str, Any], data: bytes | None, where: str) -> Imported | Rejected:
    address = resolve(row["url"] or "", row["url"] or "")
    if address is None:
        return Rejected(where, f"{row['url']!r:.200} is no address")
    caption = row.get("caption") or None
    nodes: list[dict[str, Any]] = [{"image_url": address, "alt": caption, "caption": caption}]
    if caption:
        nodes.append({"text": caption, "role": "caption"})
    return Imported(url=address, nodes=nodes, images={address: data} if data else {})
