"""Stage forget_pages: what was to be forgotten is not read again from a later archive.

A page whose URL has a tombstone becomes a row of hashes and a reason; an image URL that has one is replaced by a hash
of it as soon as the page is extracted; addresses that a text mentions are replaced by `<url>`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from filters.extract import Document, Node
from filters.forgotten import Forgotten, replacement
from pipeline.draft import Draft, PageStage
from schemas.reasons import DocumentReason


def stages(forgotten: Forgotten) -> tuple[PageStage, PageStage]:
    """One for before extraction and one for after it."""

    def before(draft: Draft) -> None:
        if forgotten.has_url(draft.page.url):
            draft.drop_reason = DocumentReason.FORGOTTEN

    def after(draft: Draft) -> None:
        if draft.document is not None:
            draft.document = without(draft.document, forgotten)

    return before, after


def without(document: Document, forgotten: Forgotten) -> Document:
    """The document as extracted, without what was to be forgotten."""

    def of_node(node: Node) -> Node:
        if forgotten.has_url(node.image_url):
            return replace(node, image_url=replacement(str(node.image_url)), alt=None, title=None, caption=None)
        names = ("text", "alt", "title", "caption")
        texts: dict[str, Any] = {name: forgotten.within(getattr(node, name)) for name in names}
        return node if all(texts[name] == getattr(node, name) for name in names) else replace(node, **texts)

    return replace(
        document,
        nodes=[of_node(node) for node in document.nodes],
        dropped=[
            replace(image, url=replacement(image.url)) if forgotten.has_url(image.url) else image
            for image in document.dropped
        ],
        data_images={url: data for url, data in document.data_images.items() if not forgotten.has_url(url)},
        title=forgotten.within(document.title),
        author=forgotten.within(document.author),
        licence=None if forgotten.has_url(document.licence) else document.licence,
    )


def closed(row: dict[str, Any]) -> dict[str, Any]:
    """The row of DOCUMENTS; where the page was to be forgotten, without anything that names it."""
    return closed_page(row) if row["drop_reason"] == DocumentReason.FORGOTTEN else row


def closed_page(row: dict[str, Any]) -> dict[str, Any]:
    """The row of a page that was to be forgotten: hashes, numbers and the reason."""
    nothing = dict.fromkeys(("title", "author", "date", "licence", "declared_language", "text_hash", "signature"))
    url = replacement(row["url"])
    names = {"url": url, "url_key": url, "site": "", "drop_reason": str(DocumentReason.FORGOTTEN)}
    empty: dict[str, Any] = {"nodes": [], "dropped_images": [], "consent": [], "masked": []}
    return {**row, **nothing, **names, **empty, "num_words": 0, "num_tokens": 0}
