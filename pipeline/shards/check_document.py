"""Holds one document of a shard, its JSON and its images, against the format (design, section 4)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from filters.document_id import document_id, pair_key
from filters.images import jpeg
from filters.images.decode import MAX_PIXELS, decode
from filters.images.shard_bytes import passes_through
from schemas.reasons import FileReason
from schemas.shard import (
    DOCUMENT_FIELDS,
    IMAGE_FIELDS,
    IMAGE_NULLS,
    PAGE_FIELDS,
    PAGE_NULLS,
    SCHEMA_VERSION,
    TEXT_ROLES,
    image_name,
)
from schemas.shard_faults import ShardFault

Found = Iterator[tuple[ShardFault, str]]

_TYPES: dict[str, tuple[type, ...]] = {"string": (str,), "int64": (int,), "float64": (int, float), "bool": (bool,)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How closely to look."""

    original: bool = False
    """Images are the fetched bytes, as a recipe may ask: any format, any metadata."""
    decode: bool = True
    """Decode every image, which takes nearly all of the time."""


def parse(body: bytes) -> dict[str, Any] | None:
    """The JSON object that the bytes hold; None where they hold none, or a number that JSON does not know."""

    def no_constant(name: str) -> None:
        raise ValueError(name)

    try:
        found = json.loads(body.decode(), parse_constant=no_constant)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def check_document(
    key: str, document: dict[str, Any], images: dict[str, bytes], recipes: set[str], options: Options
) -> Found:
    """What is wrong with a document.

    Args:
        key: of its members.
        document: its JSON.
        images: bytes of the members beside the JSON, by the part of the name after the first dot.
        recipes: the recipes that the manifest names, as `name@fingerprint`.
    """
    schema = [*_schema(document)]
    if schema:  # nothing else can be said of it
        yield from ((ShardFault.JSON_SCHEMA, detail) for detail in schema)
        return
    if document["recipe"] not in recipes:
        yield ShardFault.RECIPE, f"{document['recipe']} is not {' or '.join(sorted(recipes))}"
    if key != _key_of(document):
        yield ShardFault.KEY_DOCUMENT, f"{document['general_metadata']['url']} has another id"
    lists = [*_lists(document)]
    if lists:
        yield from ((ShardFault.LISTS, detail) for detail in lists)
        return
    names = [name for name in document["images"] if name is not None]
    for name in sorted(set(images) - set(names)):
        yield ShardFault.IMAGE_UNNAMED, name
    for name, facts in zip(document["images"], document["metadata"], strict=True):
        if name is None:
            continue
        if name not in images:
            yield ShardFault.IMAGE_MISSING, name
        else:
            yield from _image(name, images[name], facts, options)
    yield from ((ShardFault.SCORES, detail) for detail in _scores(document))


def _schema(document: dict[str, Any]) -> Iterator[str]:
    for name, expected in DOCUMENT_FIELDS.items():
        if type(document.get(name)) is not expected:
            yield f"{name} is {type(document.get(name)).__name__}, not {expected.__name__}"
    yield from (f"{name} is no key of the format" for name in sorted(document.keys() - DOCUMENT_FIELDS.keys()))
    if document.get("schema_version") != SCHEMA_VERSION:
        yield f"schema_version is {document.get('schema_version')!r}, not {SCHEMA_VERSION}"
    for name in ("texts", "images", "roles"):
        found = document.get(name)
        wrong = [x for x in found if not isinstance(x, str | None)] if isinstance(found, list) else []
        if wrong:
            yield f"{name} holds {wrong[0]!r:.40}, not a string or null"
    page = document.get("general_metadata")
    if isinstance(page, dict):
        yield from _fields("general_metadata", page, PAGE_FIELDS, PAGE_NULLS)
    if isinstance(document.get("metadata"), list):
        for place, facts in enumerate(document["metadata"]):
            if facts is not None:
                yield from _fields(f"metadata[{place}]", facts, IMAGE_FIELDS, IMAGE_NULLS)


def _fields(where: str, found: Any, fields: dict[str, str], nulls: frozenset[str]) -> Iterator[str]:
    if not isinstance(found, dict):
        yield f"{where} is {type(found).__name__}, not dict"
        return
    if found.keys() != fields.keys():
        yield f"{where} differs in {sorted(found.keys() ^ fields.keys())}"
    for name, dtype in fields.items():
        value = found.get(name)
        is_bool = isinstance(value, bool) and dtype != "bool"
        if (
            name in found
            and not (value is None and name in nulls)
            and (is_bool or not isinstance(value, _TYPES[dtype]))
        ):
            yield f"{where}.{name} is {value!r:.40}, not {dtype}"


def _key_of(document: dict[str, Any]) -> str:
    """The key that the document's own words ask for."""
    extra, page = document["extra"], document["general_metadata"]
    if "pair" in extra:
        return pair_key(str(extra.get("document")), *extra["pair"])
    try:
        return document_id(page["url"], datetime.fromisoformat(page["fetched_at"]), page["payload_digest"])
    except ValueError:
        return f"fetched_at {page['fetched_at']}"


def _lists(document: dict[str, Any]) -> Iterator[str]:
    columns = [document[name] for name in ("texts", "images", "roles", "metadata")]
    if len({len(column) for column in columns}) > 1:
        yield f"texts, images, roles and metadata have {[len(column) for column in columns]} entries"
        return
    number = 0
    for place, (text, image, role, facts) in enumerate(zip(*columns, strict=True)):
        if (text is None) == (image is None) or (image is None) != (facts is None):
            yield f"node {place} is both text and image, or neither"
        elif image is not None:
            if image.partition(".")[0] != image_name(number).partition(".")[0] or role != "image":
                yield f"node {place}: image {image!r} of role {role!r} where {image_name(number)} should be"
            number += 1
        elif not isinstance(text, str) or not text.strip() or role not in TEXT_ROLES:
            yield f"node {place}: text {text!r:.30} of role {role!r}"


def _scores(document: dict[str, Any]) -> Iterator[str]:
    matrix, matched = document["similarity_matrix"], document["matched_text_index"]
    places = [place for place, text in enumerate(document["texts"]) if text is not None]
    facts = [entry for entry in document["metadata"] if entry is not None]
    if not matrix and not matched:
        return
    if len(matrix) != len(facts) or any(not isinstance(row, list) or len(row) != len(places) for row in matrix):
        yield f"similarity_matrix is not {len(facts)} images by {len(places)} texts"
        return
    if not all(isinstance(x, int | float) and -1 <= x <= 1 for row in matrix for x in row):
        yield "similarity_matrix holds something else than cosines"
        return
    if len(matched) != len(facts) or any(type(place) is not int for place in matched):
        yield f"matched_text_index is not {len(facts)} whole numbers"
        return
    for row, place, image in zip(matrix, matched, facts, strict=True):
        if place != -1 and place not in places:
            yield f"matched_text_index names {place}, which is no text"
        elif place != -1 and image["clip_score"] != row[places.index(place)]:
            yield f"clip_score {image['clip_score']} is not the similarity with text {place}"


def _image(name: str, data: bytes, facts: dict[str, Any], options: Options) -> Found:
    if hashlib.sha256(data).hexdigest() != facts["sha256"]:
        yield ShardFault.IMAGE_CHECKSUM, name
    if not options.original:
        parsed = jpeg.parse(data)
        if parsed is None:
            yield ShardFault.IMAGE_FORMAT, f"{name} is no JPEG"
            return
        if facts["format"] != "jpeg" or not passes_through(parsed) or jpeg.strip(data, parsed) != data:
            yield ShardFault.IMAGE_FORMAT, f"{name} is no bare baseline JPEG"
        if (parsed.width, parsed.height) != (facts["width"], facts["height"]):
            yield (
                ShardFault.IMAGE_SIZE,
                f"{name} is {parsed.width} x {parsed.height}, not {facts['width']} x {facts['height']}",
            )
    if options.decode and isinstance(failure := decode(data, max_pixels=MAX_PIXELS), FileReason):
        yield ShardFault.IMAGE_UNDECODABLE, f"{name}: {failure}"
