"""Inputs of the loader's benchmarks, made from a seed: OBELICS-like documents as indexes alone, or whole with JPEGs.

The shape of a document follows OBELICS (arXiv 2306.16527: mean 816 text tokens, 2.5 images): text lognormal(6.2, 1.05)
in 30..20,000 tokens, images geometric(0.4) up to 30, paragraphs lognormal(3.8, 0.8) tokens, images anywhere.
"""

from __future__ import annotations

import hashlib
import importlib.util
import io
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

ROOT = Path(__file__).parents[2]


def busy() -> str:
    """How busy the machine is before a measurement begins: figures taken beside other work do not count."""
    return f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"


def writer() -> ModuleType:
    """The independent shard writer of the tests."""
    spec = importlib.util.spec_from_file_location("loader_shards", ROOT / "tests/vlm/loader/shards.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["loader_shards"] = module
    spec.loader.exec_module(module)
    return module


def shape_of(rng: np.random.Generator) -> list[int]:
    """A document: lengths of its paragraphs in tokens, 0 for an image."""
    left = int(np.clip(rng.lognormal(6.2, 1.05), 30, 20_000))
    nodes = []
    while left > 0:
        nodes.append(min(left, max(3, int(rng.lognormal(3.8, 0.8)))))
        left -= nodes[-1]
    for _ in range(min(int(rng.geometric(0.4)), 30)):
        nodes.insert(int(rng.integers(0, len(nodes) + 1)), 0)
    return nodes


def index_only(folder: Path, documents: int, shards: int, seed: int = 0) -> Path:
    """A dataset that can be planned and not read: manifest and indexes (with the byte tokenizer a byte is a token)."""
    module = writer()
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    lines = []
    for number in range(shards):
        rows = []
        for i in range(documents * number // shards, documents * (number + 1) // shards):
            nodes, members, at = [], [], 512
            shape = shape_of(rng)
            for n in [None, *shape]:
                if n is None or n == 0:
                    size = 4000 if n is None else 30_000
                    name = "json" if n is None else f"{len(members) - 1:03d}.jpg"
                    members.append({"name": name, "offset": at, "length": size, "crc32": 0})
                    at += size + 1024
                if n is not None:
                    image = n == 0
                    facts = (30_000, 500, 375, -1, 0, 0) if image else (max(n - 2, 1), *[None] * 5)
                    names = module.NODE.names[1:]
                    nodes.append({"kind": "image" if image else "text", **dict(zip(names, facts, strict=True))})
            rows.append(
                {"key": hashlib.sha256(f"{seed}/{i}".encode()).hexdigest()[:32], "members": members, "nodes": nodes}
            )
        pq.write_table(pa.Table.from_pylist(rows, schema=module.INDEX), folder / f"weft-{number:06d}.idx.parquet")
        images = sum(len(r["members"]) - 1 for r in rows)
        facts = {"name": f"weft-{number:06d}.tar", "bytes": 1 << 40, "sha256": f"{number:064d}"}
        lines.append({**facts, "documents": len(rows), "images": images})
    manifest = {"format": "weft", "schema_version": 1, "num_shards": shards, "shards": lines}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


def picture(rng: np.random.Generator, side: int = 500) -> bytes:
    """A JPEG of about `side` px with the entropy of a photograph (about 45 KB): smooth noise at three scales."""
    from PIL import Image

    width, height = side, int(side * rng.choice([0.66, 0.75, 1.0]))
    total = np.zeros((height, width, 3), np.float32)
    for cells, weight in ((6, 0.5), (40, 0.3), (125, 0.2)):
        small = Image.fromarray(rng.integers(0, 256, (cells, cells, 3), dtype=np.uint8))
        total += weight * np.asarray(small.resize((width, height), Image.Resampling.BICUBIC), np.float32)
    out = io.BytesIO()
    Image.fromarray(np.clip(total, 0, 255).astype(np.uint8)).save(out, "JPEG", quality=85)
    return out.getvalue()


def whole(folder: Path, documents: int, shards: int, *, seed: int = 0, side: int = 500, pictures: int = 200) -> Path:
    """A dataset with text and JPEGs; `pictures` different ones are used over and over."""
    if (folder / "manifest.json").exists():
        return folder
    module = writer()
    rng = np.random.default_rng(seed)
    made = [picture(rng, side) for _ in range(pictures)]
    sizes = [module_size(data) for data in made]
    words = module.WORDS
    out = {}
    for i in range(documents):
        nodes = []
        for n in shape_of(rng):
            if n:
                sentence = " ".join(words[int(k)] for k in rng.integers(0, len(words), max(1, n // 5)))
                nodes.append(module.text((sentence + " " * n)[: max(n - 3, 1)].strip() + "."))
            else:
                k = int(rng.integers(0, pictures))
                nodes.append(module.image(made[k], *sizes[k], alt=f"picture {k}"))
        out[hashlib.sha256(f"{seed}/{i}".encode()).hexdigest()[:32]] = nodes
    return module.write_shards(folder, out, shards)


def as_packed(folder: Path, source: Path, seq_len: int, image_tokens: int) -> Path:
    """The dataset whose documents are our packs of `source`: what a peer is given so that its rows are full too."""
    if (folder / "manifest.json").exists():
        return folder
    import torch

    from vlm.loader import ImageConfig, Loader, LoaderConfig
    from vlm.loader.finish import CpuFinisher

    module, packs = writer(), {}

    class Take(CpuFinisher):
        """In place of decoding: the rows as they stand in host memory."""

        def finish(self, host: Any) -> Any:
            tokens, images = host.arrays["tokens"], host.arrays["image_index"]
            for number, (row, of) in enumerate(zip(tokens, images, strict=True)):
                packs[f"{host.plan.step}/{number}"] = list(_nodes(row, of, host.blobs))
            return host.finish(torch.zeros(0))

    image = ImageConfig(size=384, patch=16, tokens=image_tokens)
    config = LoaderConfig(
        datasets=(str(source),), batch_size=8, lanes=8, seq_len=seq_len, image=image, threads=0, one_pass=True
    )
    loader = Loader(config)
    loader._finisher = Take(config, loader.decoder)
    for _ in loader:
        pass

    def _key(name: str) -> str:
        return hashlib.sha256(f"pack/{name}".encode()).hexdigest()[:32]

    def node(part: str | bytes) -> dict[str, Any]:
        return module.text(part) if isinstance(part, str) else module.image(part, *module_size(part))

    return module.write_shards(folder, {_key(k): [node(n) for n in nodes] for k, nodes in packs.items() if nodes}, 4)


def _nodes(tokens: Any, image_index: Any, blobs: Any) -> Iterator[str | bytes]:
    """Texts and images of a row of byte tokens, in order."""
    text = bytearray()
    last = -1
    for token, image in zip(tokens.tolist(), image_index.tolist(), strict=True):
        if token < 256:
            text.append(token)
        elif image > last:
            if text.strip():
                yield text.decode().strip()
            text, last = bytearray(), image
            yield bytes(blobs[image])
    if text.strip():
        yield text.decode().strip()


def module_size(data: bytes) -> tuple[int, int]:
    """(width, height) of a JPEG."""
    from PIL import Image

    with Image.open(io.BytesIO(data)) as image:
        return image.size
