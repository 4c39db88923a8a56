"""The JSON of a document in a shard (design, section 4), from what the tables know of it."""

from __future__ import annotations

import json
from typing import Any

from filters.images.shard_bytes import ShardImage
from schemas.shard import IMAGE_FIELDS, PAGE_FIELDS, SCHEMA_VERSION, image_name


def document_json(row: dict[str, Any], images: dict[int, ShardImage], recipe: str) -> dict[str, Any]:
    """The document as its JSON has it: all keys, in their order.

    Args:
        row: the page's columns, `nodes`, `dropped_nodes`, and `matches` (rows of MATCHES with looks of the file).
        images: what the shard stores, by node.
        recipe: name and fingerprint.
    """
    texts: list[str | None] = []
    names: list[str | None] = []
    roles: list[str] = []
    metadata: list[dict[str, Any] | None] = []
    place: dict[int, int] = {}
    matches = {match["node"]: match for match in row["matches"] or []}
    dropped = set(row["dropped_nodes"])
    shown: list[dict[str, Any]] = []
    for number, node in enumerate(row["nodes"]):
        if number in images:
            names.append(image_name(len(shown)))
            texts.append(None)
            shown.append(matches[number])
            metadata.append(_image(node, matches[number], images[number], row))
        elif node["text"] is not None and node["drop_reason"] is None and number not in dropped:
            place[number] = len(texts)
            texts.append(node["text"])
            names.append(None)
            metadata.append(None)
        else:
            continue
        roles.append(node["role"])
    matrix, matched = _scores(shown, place)
    return {
        "texts": texts,
        "images": names,
        "roles": roles,
        "metadata": metadata,
        "similarity_matrix": matrix,
        "matched_text_index": matched,
        "general_metadata": _page(row),
        "regions": [],
        "extra": {},
        "recipe": recipe,
        "schema_version": SCHEMA_VERSION,
    }


def to_bytes(document: dict[str, Any]) -> bytes:
    """UTF-8, no spaces, keys in the order of the design."""
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


def _scores(shown: list[dict[str, Any]], place: dict[int, int]) -> tuple[list[list[float]], list[int]]:
    """Similarity matrix and matched text index; both empty where nothing was scored."""
    if all(match["similarity"] is None for match in shown):
        return [], []
    zeros = [0.0] * len(place)
    matrix = [match["similarity"] if match["similarity"] is not None else zeros for match in shown]
    return matrix, [place.get(match["matched_node"], -1) for match in shown]


def _image(node: dict[str, Any], match: dict[str, Any], image: ShardImage, row: dict[str, Any]) -> dict[str, Any]:
    known = {
        "url": node["image_url"],
        "alt": node["alt"],
        "title": node["title"],
        "caption": node["caption"],
        "width": image.width,
        "height": image.height,
        "original_width": image.original_width,
        "original_height": image.original_height,
        "format": image.format,
        "original_format": image.original_format,
        "sha256": image.sha256,
        "original_sha256": image.original_sha256,
        "phash": match["phash"],
        "transcoded": image.transcoded,
        "nsfw_score": match["nsfw_score"],
        "num_faces": match["num_faces"],
        "clip_score": match["clip_score"],
        "count_in_corpus": match["count_in_corpus"],
        "licence": row["licence"],
    }
    return {name: known[name] for name in IMAGE_FIELDS}


def _page(row: dict[str, Any]) -> dict[str, Any]:
    page = {name: row[name] for name in PAGE_FIELDS if name != "fetched_at"}
    page["fetched_at"] = row["fetched_at"].strftime("%Y-%m-%dT%H:%M:%SZ")
    return {name: page[name] for name in PAGE_FIELDS}
