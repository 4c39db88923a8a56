"""Documents of other people's corpora, as a body that stands in an archive: nodes in order, nothing to extract.

`weft import` writes them as `conversion` records of this media type; step 01 reads them where it reads pages, so that
everything after extraction, every rule and every count, is the same for a released corpus and a crawl.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from filters.extract.document import Document, DroppedImage, Limits, Node
from schemas.reasons import DocumentReason, ReferenceReason
from schemas.shard import TEXT_ROLES

MEDIA_TYPE = "application/vnd.weft.nodes+json"
_TEXTS = ("role", "text", "image_url", "alt", "title", "caption")
_NUMBERS = ("width", "height")


def write(nodes: Sequence[Mapping[str, Any]], missing: Sequence[str] = (), title: str | None = None) -> bytes:
    """The body of a document.

    Args:
        nodes: each with `text` or `image_url`, and what else is known of it (`Node`'s names).
        missing: images that the corpus names and that have neither bytes nor an address.
        title: of the page.
    """
    body = {"title": title, "nodes": list(nodes), "missing": list(missing)}
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def read(body: bytes, limits: Limits) -> Document:
    """The document, or one with the `failure` that it is over a bound or is not what `write` makes."""
    if len(body) > limits.max_bytes:
        return Document(failure=DocumentReason.TOO_MANY_BYTES)
    try:
        told = json.loads(body)
        nodes = [_node(entry) for entry in told["nodes"] if entry.get("text") != ""]
        dropped = [DroppedImage(url=str(name), reason=ReferenceReason.BAD_URL) for name in told["missing"]]
        title = told["title"]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return Document(failure=DocumentReason.EXTRACT_FAILED)
    if len(nodes) > limits.max_nodes:
        return Document(failure=DocumentReason.TOO_MANY_ELEMENTS)
    kept, images = list[Node](), 0
    for node in nodes:
        images += node.image_url is not None
        if node.image_url is not None and images > limits.max_images:
            dropped.append(DroppedImage(url=node.image_url, reason=ReferenceReason.OVER_LIMIT))
        else:
            kept.append(node)
    return Document(nodes=kept, dropped=dropped, title=title if isinstance(title, str) else None)


def _node(entry: Mapping[str, Any]) -> Node:
    """A node.

    Raises:
        TypeError, ValueError: it is none.
    """
    texts: dict[str, Any] = {name: entry.get(name) for name in _TEXTS}
    numbers: dict[str, Any] = {name: entry.get(name) for name in _NUMBERS}
    if any(value is not None and not isinstance(value, str) for value in texts.values()):
        raise TypeError("a text is no text")
    if any(value is not None and not (isinstance(value, int) and 0 <= value < 1 << 31) for value in numbers.values()):
        raise TypeError("a side is no number of pixels")
    if (texts["text"] is None) == (texts["image_url"] is None):
        raise ValueError("a node is a text or an image")
    if texts["image_url"] is not None:
        texts["role"] = "image"
        return Node(**texts, **numbers, found_by="import")
    role = texts.pop("role")
    return Node(**texts, role=role if role in TEXT_ROLES else "paragraph")
