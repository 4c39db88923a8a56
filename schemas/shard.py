"""What a shard holds: the members of a document, the index beside the tar, the manifest (design, section 4; fixed)."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from schemas.table import Table, column, inner

SCHEMA_VERSION = 1

TEXT_ROLES = (
    *(f"heading{level}" for level in range(1, 7)),
    "paragraph",
    "list_item",
    "quote",
    "code",
    "table",
    "caption",
)

IMAGE_FIELDS = {
    "url": "string",
    "alt": "string",
    "title": "string",
    "caption": "string",
    "width": "int64",
    "height": "int64",
    "original_width": "int64",
    "original_height": "int64",
    "format": "string",
    "original_format": "string",
    "sha256": "string",
    "original_sha256": "string",
    "phash": "string",
    "transcoded": "bool",
    "nsfw_score": "float64",
    "num_faces": "int64",
    "clip_score": "float64",
    "count_in_corpus": "int64",
    "licence": "string",
}
"""Keys of an image's metadata, in the order of the JSON, with their Hugging Face type."""

IMAGE_NULLS = frozenset({"alt", "title", "caption", "nsfw_score", "num_faces", "clip_score", "licence"})
"""Keys of an image's metadata that may be null."""

PAGE_FIELDS = {
    "url": "string",
    "title": "string",
    "language": "string",
    "language_score": "float64",
    "warc_filename": "string",
    "warc_record_offset": "int64",
    "warc_record_length": "int64",
    "payload_digest": "string",
    "fetched_at": "string",
    "crawl": "string",
    "licence": "string",
    "num_words": "int64",
    "num_tokens": "int64",
    "tier": "string",
}
"""Keys of `general_metadata`, in the order of the JSON, with their Hugging Face type."""

PAGE_NULLS = frozenset({"title", "crawl", "licence"})
"""Keys of `general_metadata` that may be null."""

DOCUMENT_FIELDS: dict[str, type] = {
    "texts": list,
    "images": list,
    "roles": list,
    "metadata": list,
    "similarity_matrix": list,
    "matched_text_index": list,
    "general_metadata": dict,
    "regions": list,
    "extra": dict,
    "recipe": str,
    "schema_version": int,
}
"""Keys of a document's JSON, in their order, with the type that they have in every document."""


def features(max_images: int) -> dict[str, Any]:
    """The features of a dataset as Hugging Face `datasets` spells them (`Features.from_dict`).

    They are written out because `datasets` otherwise infers them from the first five samples, and then fails on, or
    drops without a word, what those did not hold: a member that no feature names is lost.

    Args:
        max_images: images of the document that has most.
    """

    def value(dtype: str) -> dict[str, Any]:
        return {"dtype": dtype, "_type": "Value"}

    def many(feature: Any) -> dict[str, Any]:
        return {"feature": feature, "_type": "List"}

    document = {
        "texts": many(value("string")),
        "images": many(value("string")),
        "roles": many(value("string")),
        "metadata": many({name: value(dtype) for name, dtype in IMAGE_FIELDS.items()}),
        "similarity_matrix": many(many(value("float64"))),
        "matched_text_index": many(value("int64")),
        "general_metadata": {name: value(dtype) for name, dtype in PAGE_FIELDS.items()},
        "regions": many(value("string")),
        "extra": {"_type": "Json"},
        "recipe": value("string"),
        "schema_version": value("int64"),
    }
    images = {image_name(number): {"_type": "Image"} for number in range(max_images)}
    return {"json": document, **images, "__key__": value("string"), "__url__": value("string")}


def image_name(number: int) -> str:
    """What the JSON calls the image of that number, and the part of its member's name after the first dot."""
    return f"{number:03d}.jpg"


MEMBER = pa.struct(
    [
        inner("name", pa.string(), "the part of the member's name after the first dot"),
        inner("offset", pa.int64(), "of the data in the tar", unit="B"),
        inner("length", pa.int64(), "of the data", unit="B"),
        inner("crc32", pa.uint32(), "of the data"),
    ]
)

INDEX_NODE = pa.struct(
    [
        inner("kind", pa.string(), "text or image"),
        inner("num_bytes", pa.int32(), "UTF-8 bytes of the text, or bytes of the member", unit="B"),
        inner("width", pa.int32(), "of the member; null for a text", unit="px"),
        inner("height", pa.int32(), "of the member; null for a text", unit="px"),
        inner("matched_text", pa.int32(), "index into texts of the matched text, or -1; null for a text"),
        inner("alt_bytes", pa.int32(), "UTF-8 bytes of alt, or 0; null for a text", unit="B"),
        inner("caption_bytes", pa.int32(), "UTF-8 bytes of caption, or 0; null for a text", unit="B"),
    ]
)

INDEX = Table(
    name="index",
    version=SCHEMA_VERSION,
    doc="Beside each tar, `weft-000000.idx.parquet`: enough to plan training batches without opening the tar.",
    key=("key",),
    columns=(
        column("key", pa.string(), "document id"),
        column("members", pa.list_(MEMBER), "in tar order, JSON first"),
        column("nodes", pa.list_(INDEX_NODE), "in page order"),
    ),
    budget_bytes=1_000,
)
