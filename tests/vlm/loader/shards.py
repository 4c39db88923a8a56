# ruff: noqa: E501
"""An independent writer of the shard format (DESIGN section 4), for tests: small documents in, tars, indexes, manifest out.

It shares no code with the pipeline, so that the loader is tested against the text of the format and not against one program.
"""

from __future__ import annotations

import functools
import hashlib
import io
import json
import random
import tarfile
import zlib
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

NODE = pa.struct(
    [
        ("kind", pa.string()),
        *((n, pa.int32()) for n in ("num_bytes", "width", "height", "matched_text", "alt_bytes", "caption_bytes")),
    ]
)
MEMBER = pa.struct([("name", pa.string()), ("offset", pa.int64()), ("length", pa.int64()), ("crc32", pa.uint32())])
INDEX = pa.schema([("key", pa.string()), ("members", pa.list_(MEMBER)), ("nodes", pa.list_(NODE))])


@functools.cache
def jpeg(number: int, width: int = 64, height: int = 48) -> bytes:
    """A JPEG that carries `number` (24 bits) as 24 black or white cells, a 6 x 4 grid that survives any resize."""
    from PIL import Image

    small = Image.new("L", (6, 4))
    small.putdata([255 * (number >> i & 1) for i in range(24)])
    out = io.BytesIO()
    small.resize((width, height), Image.Resampling.NEAREST).convert("RGB").save(out, "JPEG", quality=90)
    return out.getvalue()


def read_number(pixels) -> int:
    """The number that `jpeg` drew, from any (3, H, W) array of values that rise with brightness, normalised or not."""
    grey = pixels.mean(0)
    h, w = grey.shape
    middle = (float(grey.min()) + float(grey.max())) / 2
    cells = [float(grey[int((y + 0.5) * h / 4), int((x + 0.5) * w / 6)]) for y in range(4) for x in range(6)]
    return sum((c > middle) << i for i, c in enumerate(cells))


def text(s: str, role: str = "paragraph") -> dict:
    return {"text": s, "role": role}


def image(data: bytes, width: int = 64, height: int = 48, *, alt=None, caption=None, matched: int = -1) -> dict:
    """`matched` is the index of the matched text among the nodes, -1 for none."""
    return {"image": data, "width": width, "height": height, "alt": alt, "caption": caption, "matched": matched}


def key_of(seed: object) -> str:
    return hashlib.sha256(str(seed).encode()).hexdigest()[:32]


def _document(key: str, nodes: list[dict]) -> tuple[dict, list[bytes], list[dict]]:
    texts, images, roles, metadata, blobs, matches, rows = [], [], [], [], [], [], []
    for node in nodes:
        if "text" in node:
            texts.append(node["text"])
            images.append(None)
            roles.append(node["role"])
            metadata.append(None)
            rows.append(dict.fromkeys(NODE.names) | {"kind": "text", "num_bytes": len(node["text"].encode())})
            continue
        data, name = node["image"], f"{len(blobs):03d}.jpg"
        digest = hashlib.sha256(data).hexdigest()
        texts.append(None)
        images.append(name)
        roles.append("image")
        metadata.append(
            {
                "url": f"https://example.org/{key}/{name}", "alt": node["alt"], "title": None, "caption": node["caption"],
                "width": node["width"], "height": node["height"], "original_width": node["width"],
                "original_height": node["height"], "format": "jpeg", "original_format": "jpeg", "sha256": digest,
                "original_sha256": digest, "phash": "0" * 16, "transcoded": False, "nsfw_score": None, "clip_score": None,
                "num_faces": None, "count_in_corpus": 1, "licence": None,
            }
        )  # fmt: skip
        blobs.append(data)
        matches.append(node["matched"])
        rows.append(
            {
                "kind": "image", "num_bytes": len(data), "width": node["width"], "height": node["height"],
                "matched_text": node["matched"], "alt_bytes": len((node["alt"] or "").encode()),
                "caption_bytes": len((node["caption"] or "").encode()),
            }
        )  # fmt: skip
    general = {
        "url": f"https://example.org/{key}", "title": None, "language": "en", "language_score": 0.99, "warc_filename": "x.warc.gz",
        "warc_record_offset": 0, "warc_record_length": 1, "payload_digest": "sha1:" + "A" * 32, "fetched_at": "2026-01-01T00:00:00Z",
        "crawl": None, "licence": None, "num_words": 1, "num_tokens": 1, "tier": "strict",
    }  # fmt: skip
    content = {
        "texts": texts, "images": images, "roles": roles, "metadata": metadata, "similarity_matrix": [],
        "matched_text_index": matches, "general_metadata": general, "regions": [], "extra": {}, "recipe": f"test@{'0' * 16}",
        "schema_version": 1,
    }  # fmt: skip
    return content, blobs, rows


def write_shards(folder: Path, documents: dict[str, list[dict]], num_shards: int = 4) -> Path:
    """Documents by key (32 hex digits) as `num_shards` shards in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    ranges: list[list[str]] = [[] for _ in range(num_shards)]
    for key in sorted(documents):
        ranges[int(key, 16) * num_shards >> 128].append(key)
    shards, num_images = [], 0
    for number, keys in enumerate(ranges):
        name = f"weft-{number:06d}"
        rows, images = [], 0
        with tarfile.open(folder / f"{name}.tar", "w", format=tarfile.USTAR_FORMAT) as tar:
            for key in keys:
                content, blobs, nodes = _document(key, documents[key])
                files = [("json", json.dumps(content, ensure_ascii=False).encode())]
                files += [(f"{i:03d}.jpg", blob) for i, blob in enumerate(blobs)]
                members = []
                for suffix, data in files:
                    info = tarfile.TarInfo(f"{key}.{suffix}")
                    info.size, info.mode = len(data), 0o644
                    start = tar.offset
                    tar.addfile(info, io.BytesIO(data))
                    members.append((suffix, start + 512, len(data), zlib.crc32(data)))
                images += len(blobs)
                rows.append(
                    {"key": key, "members": [dict(zip(MEMBER.names, m, strict=True)) for m in members], "nodes": nodes}
                )
        pq.write_table(pa.Table.from_pylist(rows, schema=INDEX), folder / f"{name}.idx.parquet")
        blob = (folder / f"{name}.tar").read_bytes()
        digest = hashlib.sha256(blob).hexdigest()
        shards.append(
            {"name": f"{name}.tar", "bytes": len(blob), "sha256": digest, "documents": len(keys), "images": images}
        )
        num_images += images
    manifest = {
        "format": "weft", "schema_version": 1, "recipe": {"name": "test", "fingerprint": "0" * 16}, "num_shards": num_shards,
        "shards": shards, "features": {},
        "totals": {"documents": len(documents), "images": num_images, "words": 0, "tokens": 0, "tokenizer": "none"},
    }  # fmt: skip
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


def write_indexes(folder: Path, documents: int, num_shards: int, *, seed: int = 0) -> Path:
    """Manifest and indexes of a dataset that is planned and never read: no tar, members of which only offsets are said."""
    rng, shards = random.Random(seed), []
    for number in range(num_shards):
        rows, at, images = [], 0, 0
        for i in range(documents // num_shards):
            nodes, members = [], [dict(zip(MEMBER.names, ("json", at + 512, 512, 0), strict=True))]
            at += 1_024
            for _ in range(rng.randint(1, 8)):
                if rng.random() < 0.7:
                    size = int(rng.lognormvariate(4.5, 1))
                    nodes.append(dict.fromkeys(NODE.names) | {"kind": "text", "num_bytes": size})
                    continue
                nodes.append(dict(zip(NODE.names, ("image", 20_000, 500, 375, -1, rng.randint(0, 40), 0), strict=True)))
                members.append(dict(zip(MEMBER.names, (f"{len(members):03d}.jpg", at + 512, 20_000, 0), strict=True)))
                at, images = at + 20_992, images + 1
            rows.append({"key": key_of((number, i)), "members": members, "nodes": nodes})
        name = f"weft-{number:06d}"
        pq.write_table(pa.Table.from_pylist(rows, schema=INDEX), folder / f"{name}.idx.parquet")
        facts = {"name": f"{name}.tar", "bytes": at + 10**6, "sha256": key_of(number) * 2}
        shards.append(facts | {"documents": len(rows), "images": images})
    manifest = {"format": "weft", "schema_version": 1, "num_shards": num_shards, "shards": shards, "totals": {}}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


WORDS = (
    "the loom holds a warp of long threads and every pick of weft crosses it once more before the reed beats".split()
)


def sample_documents(count: int, *, seed: int = 0, max_images: int = 3, words: int = 60) -> dict[str, list[dict]]:
    """Documents of a few paragraphs; image number n of the sample has n drawn into it, and its alt says so."""
    rng = random.Random(seed)
    documents, number = {}, seed * 100_000
    for i in range(count):
        nodes = []
        for _ in range(rng.randint(1, 5)):
            sentence = " ".join(rng.choices(WORDS, k=rng.randint(3, words)))
            nodes.append(text(sentence[0].upper() + sentence[1:] + ". \u00e9"))
        for _ in range(rng.randint(0, max_images)):
            width, height = rng.choice([(64, 48), (48, 96), (120, 40), (32, 32)])
            number += 1
            nodes.insert(
                rng.randint(0, len(nodes)), image(jpeg(number, width, height), width, height, alt=f"number {number}")
            )
        for place, node in enumerate(nodes):
            if "image" in node and rng.random() < 0.7:
                node["matched"] = next(j for j, n in enumerate(nodes[place:] + nodes) if "text" in n) % len(nodes)
        for node in nodes:  # an index into the nodes that is really a text
            if "image" in node and node["matched"] >= 0 and "text" not in nodes[node["matched"]]:
                node["matched"] = next(j for j, n in enumerate(nodes) if "text" in n)
        documents[key_of(f"{seed}/{i}")] = nodes
    return documents
