"""mmc4's JSON lines (`docs_shard_N_v2.jsonl`, also as .zip or .gz): sentences, and images by the sentence they match.

An image stands before its matched sentence, as OpenFlamingo places it; the sentences between two images are one text,
because the paragraphs that they came from are not in the release (arXiv:2304.06939, data card). Scores are not taken
over: ours are of the model that the recipe names. Bytes come from `image_base64`, as OpenFlamingo's conversion adds it,
or from a folder of files by `image_name`; without them the image is asked for by its `raw_url`.
"""

from __future__ import annotations

import base64
import gzip
import json
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from filters.extract.urls import resolve
from pipeline.imports.corpus import Imported, Rejected, own_address
from schemas.errors import InputError

MAX_LINE = 64 << 20
"""Bytes of one document; images in base64 are in it."""


def documents(source: Path, images: Path | None = None) -> Iterator[Imported | Rejected]:
    """The documents of a file.

    Args:
        source: JSON lines, plain or packed.
        images: folder of image files by `image_name`.
    """
    try:
        for name, file in _files(source):
            number = 0
            while line := file.readline(MAX_LINE):
                number += 1
                where = f"{name} line {number:,}"
                if len(line) == MAX_LINE:
                    yield Rejected(where, f"longer than {MAX_LINE:,} bytes")
                    while line and not line.endswith(b"\n"):
                        line = file.readline(MAX_LINE)
                elif line.strip():
                    yield _document(line, where, images)
    except (OSError, EOFError, zipfile.BadZipFile) as error:
        yield Rejected(source.name, f"cannot be read to its end: {error}")


def _files(source: Path) -> Iterator[tuple[str, IO[bytes]]]:
    if source.suffix == ".zip":
        with zipfile.ZipFile(source) as packed:
            names = [name for name in packed.namelist() if name.endswith(".jsonl")]
            if not names:
                raise InputError(f"{source} holds no .jsonl")
            for name in names:
                with packed.open(name) as file:
                    yield name, file
        return
    with _opened(source) as file:
        yield source.name, file


@contextmanager
def _opened(source: Path) -> Iterator[IO[bytes]]:
    with gzip.open(source, "rb") if source.suffix == ".gz" else source.open("rb") as file:
        yield file  # type: ignore[misc]


def _document(line: bytes, where: str, images: Path | None) -> Imported | Rejected:
    try:
        told = json.loads(line)
        url, sentences, shown = told["url"], told["text_list"], told["image_info"]
        if not isinstance(url, str) or not all(isinstance(text, str) for text in sentences):
            raise TypeError("url or text_list is no text")
        before: dict[int, list[dict[str, Any]]] = {}
        for image in shown:
            before.setdefault(int(image.get("matched_text_index", 0)), []).append(image)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        return Rejected(where, f"no document of mmc4: {type(error).__name__}: {error}")
    nodes: list[dict[str, Any]] = []
    made = Imported(url=url, nodes=nodes)
    run: list[str] = []
    for place, sentence in enumerate(sentences):
        if placed := before.pop(place, []):
            _text(nodes, run)
            run = []
            _images(made, placed, images)
        run.append(sentence.strip())
    _text(nodes, run)
    _images(made, [image for placed in before.values() for image in placed], images)  # matched to no sentence there is
    return made


def _text(nodes: list[dict[str, Any]], sentences: list[str]) -> None:
    if text := " ".join(filter(None, sentences)):
        nodes.append({"text": text, "role": "paragraph"})


def _images(made: Imported, shown: list[dict[str, Any]], folder: Path | None) -> None:
    for image in shown:
        data = _bytes(image, folder)
        address = resolve(made.url, str(image.get("raw_url") or "")) if image.get("raw_url") else None
        if address is None and data is not None:
            address = own_address(data)
        if address is None:
            made.missing.append(str(image.get("image_name") or image.get("raw_url")))
            continue
        if data is not None:
            made.images[address] = data
        made.nodes.append({"image_url": address})


def _bytes(image: dict[str, Any], folder: Path | None) -> bytes | None:
    try:
        if isinstance(packed := image.get("image_base64"), str):
            return base64.b64decode(packed)
        name = image.get("image_name")
        if folder is not None and isinstance(name, str) and Path(name).name == name:
            return (folder / name).read_bytes()
    except (ValueError, OSError):
        pass
    return None
