"""Published interleaved sets in the columns of OBELICS's table 1 (arXiv:2306.16527): figures as given, ratios by us.

A dash is a figure that its authors do not give. Two sizes of M3W are about, that of OBELICS's table and one that is
lectured; both stand, unmerged. Tokens were counted with the authors' tokenizers, not ours: ratios with tokens are to be
read with that in mind.
"""

from __future__ import annotations

from typing import Any

MILLION = 1_000_000


def _set(
    name: str, source: str, documents: int, images: int | None, tokens: int | None, unique: float | None, tokenizer: str
) -> dict[str, Any]:
    return {
        "name": name,
        "source": source,
        "documents": documents * MILLION,
        "images": None if images is None else images * MILLION,
        "tokens": None if tokens is None else tokens * MILLION,
        "unique": unique,
        "tokenizer": tokenizer,
    } | ratios(documents, images, tokens)


def ratios(documents: float, images: float | None, tokens: float | None) -> dict[str, float | None]:
    """Images a document, tokens a document, tokens an image; None where a part is missing or nothing."""

    def share(part: float | None, whole: float | None) -> float | None:
        return None if part is None or not whole else part / whole

    return {
        "images_a_document": share(images, documents),
        "tokens_a_document": share(tokens, documents),
        "tokens_an_image": share(tokens, images),
    }


PUBLISHED: tuple[dict[str, Any], ...] = (
    _set("KOSMOS-1, interleaved", "arXiv:2302.14045", 71, None, None, None, "not given"),
    _set("M3W, table of OBELICS", "arXiv:2306.16527", 43, 185, None, None, "not given"),
    _set("M3W, as lectured", "course slides", 44, 180, None, None, "not given"),
    _set("mmc4", "arXiv:2304.06939", 103, 585, 43_000, None, "the authors' own"),
    _set("mmc4-ff (fewer faces)", "arXiv:2304.06939", 79, 385, 34_000, 0.606, "the authors' own"),
    _set("OBELICS", "arXiv:2306.16527", 141, 353, 115_000, 0.843, "the authors' own"),
)
"""Unique images by URL, as OBELICS's table 1 counts them."""


def beside(name: str, totals: dict[str, Any]) -> dict[str, Any]:
    """This run in the same columns; unique images by URL, as OBELICS counts them."""
    documents, images, tokens = totals["documents"], totals["images"], totals["tokens"]
    unique = totals["unique_images"]["by_url"] / images if images else None
    row = {"name": name, "source": "this run", "documents": documents, "images": images, "tokens": tokens}
    return row | {"unique": unique, "tokenizer": totals["tokenizer"]} | ratios(documents, images, tokens)
