"""Shards of generated pages without a crawl: what `weft train-demo` and tests learn from. No Spark, no network.

The main content of each page, as the sample knows it, goes through the same writer as a run's (`pipeline.shard_files`),
its pictures through the same rules (`filters.images.shard_bytes`).
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
from concurrent.futures import ProcessPoolExecutor
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from demo.page import Page, Verdict
from demo.pages import make_page
from filters.document_id import document_id
from filters.images.phash import phash
from filters.images.shard_bytes import ShardImage, to_shard
from filters.text.tokens import NAME as TOKENIZER
from pipeline.sample_json import document_json, to_bytes
from pipeline.shard_files import ShardFile
from schemas.reasons import FileReason
from schemas.shard import SCHEMA_VERSION, features, image_name

RECIPE = {"name": "drawn", "fingerprint": "0" * 16}
Drawn = tuple[str, dict[str, Any], list[tuple[str, bytes]]]
"""(key, JSON, images by name)."""


def draw_shards(folder: Path, *, pages: int, seed: int, shards: int = 4, languages: tuple[str, ...] = ("en",)) -> int:
    """Write the pages of a seed that a person would keep, in these languages; the number of documents."""
    folder.mkdir(parents=True, exist_ok=True)
    with ProcessPoolExecutor() as pool:
        made = list(pool.map(partial(_draw, seed, languages), range(pages), chunksize=20))
    documents = {key: (content, images) for key, content, images in filter(None, made)}
    entries, most = [], 0
    for number in range(shards):
        file = ShardFile(folder, f"weft-{number:06d}", "drawn")
        for key in sorted(documents):
            if int(key, 16) * shards >> 128 == number:
                content, images = documents[key]
                file.add(key, to_bytes(content), content, images)
        most = max(most, file.max_images)
        entries.append(file.close())
    contents = [content for content, _ in documents.values()]
    totals = {
        "documents": len(documents),
        "images": sum(len(images) for _, images in documents.values()),
        "words": sum(c["general_metadata"]["num_words"] for c in contents),
        "tokens": 0,
        "tokenizer": TOKENIZER,
    }
    body = {
        "format": "weft",
        "schema_version": SCHEMA_VERSION,
        "recipe": RECIPE,
        "num_shards": shards,
        "shards": entries,
        "totals": totals,
        "features": features(most),
    }
    (folder / "manifest.json").write_text(json.dumps(body, indent=1), "utf-8")
    return len(documents)


def _draw(seed: int, languages: tuple[str, ...], number: int) -> Drawn | None:
    page = make_page(seed, number)
    if page.truth.verdict is not Verdict.KEEP or page.language not in languages:
        return None
    return _document(page)


def _document(page: Page) -> Drawn | None:
    """None where the page shows no whole picture."""
    captured = datetime.fromisoformat(page.captured)
    digest = "sha1:" + base64.b32encode(hashlib.sha1(page.html, usedforsecurity=False).digest()).decode()
    nodes, matches, stored = [], [], {}
    for number, node in enumerate(page.truth.nodes):
        if len(node) == 3:
            nodes.append(_node(role=node[1], text=node[2]))
            continue
        _, url, alt, caption = node
        nodes.append(_node(role="image", image_url=url, alt=alt or None, caption=caption or None))
        picture = page.images[url]
        made = to_shard(picture.data) if picture.status == 200 else FileReason.DECODE_ERROR
        if isinstance(made, ShardImage):
            stored[number] = made
            matches.append(_match(number, made))
    if not stored:
        return None
    words = sum(len(node["text"].split()) for node in nodes if node["text"])
    row = {
        "nodes": nodes,
        "dropped_nodes": (),
        "matches": matches,
        **{"url": page.url, "title": page.title, "language": page.language, "language_score": 1.0},
        **{"warc_filename": "drawn", "warc_record_offset": 0, "warc_record_length": len(page.html)},
        **{"payload_digest": digest, "fetched_at": captured, "crawl": None, "licence": None},
        **{"num_words": words, "num_tokens": 0, "tier": "strict"},
    }
    content = document_json(row, stored, f"{RECIPE['name']}@{RECIPE['fingerprint']}")
    images = [(image_name(i), stored[node].data) for i, node in enumerate(sorted(stored))]
    return document_id(page.url, captured, digest), content, images


def _node(**known: Any) -> dict[str, Any]:
    empty = dict.fromkeys(("text", "drop_reason", "image_url", "alt", "title", "caption"))
    return {**empty, **known}


def _match(node: int, image: ShardImage) -> dict[str, Any]:
    from PIL import Image

    with Image.open(io.BytesIO(image.data)) as opened:
        look = phash(opened.convert("L"))
    unscored = dict.fromkeys(("nsfw_score", "num_faces", "clip_score", "similarity", "matched_node"))
    return {"node": node, "phash": look, "count_in_corpus": 1, **unscored}
