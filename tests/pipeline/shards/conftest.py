"""Sound shards of a few documents, made by the writer of shards, for what is done with shards afterwards."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from filters.document_id import document_id
from filters.images.shard_bytes import ShardImage, to_shard
from pipeline.sample_json import document_json, to_bytes
from pipeline.shard_files import ShardFile
from pipeline.shards import manifest
from pipeline.shards.place import Place
from schemas.shard import PAGE_FIELDS, image_name

STAMP = "test@0123456789abcdef"
WHEN = datetime(2024, 5, 18, 4, 10, 7, tzinfo=UTC)


def picture(number: int) -> bytes:
    """The bytes of a PNG as fetched, one for each number."""
    out = io.BytesIO()
    Image.new("RGB", (100 + number % 50, 90), (number * 37 % 256, 90, number * 11 % 256)).save(out, "PNG")
    return out.getvalue()


def node(**facts: Any) -> dict[str, Any]:
    known = dict.fromkeys(("text", "image_url", "alt", "title", "caption", "drop_reason"))
    return known | {"role": "image" if facts.get("image_url") else "paragraph"} | facts


def page(url: str, images: list[tuple[str, int]], *texts: str, scored: bool = False) -> dict[str, Any]:
    """A row as `document_json` takes it: a text before each image, the rest after; images are (URL, picture)."""
    words = list(texts) or [f"About {url}."]
    nodes, matches = [node(text=words[0])], []
    for number, (source, drawn) in enumerate(images):
        matches.append(
            {
                "node": len(nodes),
                "phash": f"{drawn:016x}",
                "similarity": [round(0.3 - 0.1 * place, 4) for place in range(len(words))] if scored else None,
                "matched_node": 0 if scored else None,
                "clip_score": 0.3 if scored else None,
                "nsfw_score": 0.01,
                "num_faces": 0,
                "count_in_corpus": 1,
                "drawn": drawn,
            }
        )
        nodes.append(node(image_url=source, alt=f"picture {number}", caption="a picture" if number == 0 else None))
    nodes += [node(text=text) for text in words[1:]]
    facts = dict.fromkeys(PAGE_FIELDS) | {"url": url, "language": "en", "language_score": 0.99, "fetched_at": WHEN}
    facts |= {"warc_filename": "a.warc.gz", "warc_record_offset": 7, "warc_record_length": 99, "tier": ""}
    facts |= {"payload_digest": "sha1:" + "A" * 32, "num_words": sum(len(text.split()) for text in words)}
    facts |= {"num_tokens": 2 * facts["num_words"], "title": f"Title of {url}"}
    key = document_id(url, WHEN, facts["payload_digest"])
    return {**facts, "id": key, "nodes": nodes, "dropped_nodes": [], "matches": matches}


def write(folder: Path, rows: list[dict[str, Any]], shards: int = 3, stamp: str = STAMP) -> Path:
    """The rows as shards with their manifest."""
    folder.mkdir(parents=True, exist_ok=True)
    totals, entries, most = Counter[str](), [], 0
    for number in range(shards):
        file = ShardFile(folder, manifest.shard_name(number), "a")
        for row in sorted(rows, key=lambda row: row["id"]):
            if int(row["id"], 16) * shards >> 128 != number:
                continue
            images: dict[int, ShardImage] = {}
            for match in row["matches"]:
                made = to_shard(picture(match["drawn"]))
                assert isinstance(made, ShardImage)
                images[match["node"]] = made
            document = document_json(row, images, stamp)
            members = [(image_name(place), images[at].data) for place, at in enumerate(sorted(images))]
            file.add(row["id"], to_bytes(document), document, members)
            totals.update(documents=1, images=len(images), words=row["num_words"], tokens=row["num_tokens"])
        entries.append(file.close())
        most = max(most, file.max_images)
    body = manifest.body(recipes=[stamp], entries=entries, totals=totals, tokenizer="clip-bpe-16e6", max_images=most)
    manifest.put(Place(folder), body)
    return folder


PAGES = [
    page("http://a.example/one", [("http://img.example/1.png", 1), ("http://img.example/2.png", 2)], scored=True),
    page("http://a.example/two", [("http://img.example/3.png", 3)], "First text.", "Second text.", scored=True),
    page("https://www.b.example/x?y=1", [(f"http://cdn.example/{n}.png", 10 + n) for n in range(4)]),
    page("https://c.example/", [("http://img.example/1.png", 1)], "Ünïcode <b>text</b> & more."),
    *[page(f"https://d.example/{n}", [(f"http://cdn.example/d{n}.png", 30 + n)]) for n in range(8)],
]


@pytest.fixture
def sound(tmp_path: Path) -> Path:
    """A folder of three sound shards of twelve documents."""
    return write(tmp_path / "shards", PAGES)


@pytest.fixture
def make_page() -> Callable[..., dict[str, Any]]:
    return page


@pytest.fixture
def make_shards() -> Callable[..., Path]:
    return write


@pytest.fixture
def draw() -> Callable[[int], bytes]:
    return picture


@pytest.fixture
def digests() -> Callable[[Path], dict[str, str]]:
    """SHA-256 of every file of a folder by name."""

    def of(folder: Path) -> dict[str, str]:
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}

    return of


@pytest.fixture
def documents() -> Callable[[Path], dict[str, dict[str, Any]]]:
    """The JSON of every document of a folder of shards by key."""

    def of(folder: Path) -> dict[str, dict[str, Any]]:
        found = {}
        for path in sorted(folder.glob("*.tar")):
            with tarfile.open(path) as tar:
                for member in tar:
                    key, _, name = member.name.partition(".")
                    if name == "json":
                        held = tar.extractfile(member)
                        assert held is not None
                        found[key] = json.loads(held.read())
        return found

    return of


@pytest.fixture(scope="session")
def sound_document() -> tuple[str, dict[str, Any]]:
    """Key and JSON of a document with two texts and a scored image."""
    row = PAGES[1]
    made = {match["node"]: to_shard(picture(match["drawn"])) for match in row["matches"]}
    images = {at: image for at, image in made.items() if isinstance(image, ShardImage)}
    return row["id"], document_json(row, images, STAMP)
