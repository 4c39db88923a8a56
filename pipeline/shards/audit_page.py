"""Documents of the shards as one HTML page for a person who audits them: what a reader of the shard gets, in order.

Self-contained, no script, nothing fetched: images are data: URLs, every text is escaped.
"""

from __future__ import annotations

import base64
import html
from collections.abc import Iterable, Iterator
from typing import Any

from pipeline.shards.recut import Sample

_STYLE = """body{font:15px/1.45 sans-serif;max-width:60em;margin:1em auto;padding:0 1em}
article{border-top:4px solid #333}
img{max-width:22em;max-height:16em;display:block}figure{margin:.6em 0;padding:.4em;background:#eef}
.facts{color:#555;font-size:12px}pre{white-space:pre-wrap;background:#eee}"""
_TAGS = {"quote": "blockquote", "code": "pre", "table": "pre", "list_item": "li"}


def audit_page(samples: Iterable[Sample]) -> Iterator[str]:
    """The page, in pieces."""
    yield f"<!doctype html><html lang=en><meta charset=utf-8><title>Audit</title><style>{_STYLE}</style><body>"
    for number, sample in enumerate(samples, 1):
        yield "".join(_document(number, sample))
    yield "</body></html>"


def _document(number: int, sample: Sample) -> Iterator[str]:
    document = sample.document
    page = document["general_metadata"]
    yield f"<article><h2>{number}. {html.escape(page['title'] or '(no title)')}</h2><p class=facts>"
    yield html.escape(f"{sample.key} {page['url']} {page['language']} {page['num_words']} words {page['tier']}")
    yield "</p>"
    nodes = (document[name] for name in ("roles", "texts", "images", "metadata"))
    for role, text, name, facts in zip(*nodes, strict=True):
        yield _image(sample.images[name], facts) if name is not None else _text(role, text)
    yield "</article>"


def _text(role: str, text: str) -> str:
    tag = f"h{min(6, int(role[-1]) + 2)}" if role.startswith("heading") else _TAGS.get(role, "p")
    return f"<{tag}>{html.escape(text)}</{tag}>"


def _image(data: bytes, facts: dict[str, Any]) -> str:
    said = f"{facts['width']} x {facts['height']} | alt: {facts['alt'] or ''} | caption: {facts['caption'] or ''}"
    scores = f" | nsfw {facts['nsfw_score']} faces {facts['num_faces']} in {facts['count_in_corpus']} documents"
    source = base64.b64encode(data).decode()
    described = html.escape(said + scores)
    return (
        f'<figure><img src="data:image/jpeg;base64,{source}"><figcaption class=facts>{described}</figcaption></figure>'
    )
