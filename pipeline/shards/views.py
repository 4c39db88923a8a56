"""Views of the documents as shards of their own: image-text pairs, and text alone."""

from __future__ import annotations

import hashlib


def pair_key(document: str, node: int, kind: str) -> str:
    """Key of a pair: 128 bits of SHA-256 over document id, node and `alt` or `caption` (design, section 4)."""
    return hashlib.sha256(f"{document}\n{node}\n{kind}".encode()).hexdigest()[:32]
