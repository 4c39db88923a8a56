"""What the importers write, read back from the archive."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from filters.extract import Limits
from filters.imported import read
from pipeline.archive.config import Config
from pipeline.archive.record import IMAGES, Page
from pipeline.archive.records import read_records
from pipeline.imports.corpus import Imported, Tally, write_archive


@pytest.fixture
def draw() -> Callable[..., Any]:
    """A picture, one for each number."""

    def picture(number: int, mode: str = "RGB") -> Image.Image:
        return Image.new("RGB", (60 + number, 50), (number * 40 % 256, 90, 30)).convert(mode)

    return picture


@pytest.fixture
def png(draw: Callable[..., Any]) -> Callable[[int], bytes]:
    def of(number: int) -> bytes:
        out = io.BytesIO()
        draw(number).save(out, "PNG")
        return out.getvalue()

    return of


@pytest.fixture
def archived(tmp_path: Path) -> Callable[..., tuple[Tally, dict[str, list[Any]], dict[str, bytes]]]:
    """(tally, nodes by page in order: a text or (image address,), bytes by image address) of documents written."""

    def through(found: Any) -> tuple[Tally, dict[str, list[Any]], dict[str, bytes]]:
        path = tmp_path / "made.warc.gz"
        tally = write_archive(path, found)
        pages: dict[str, list[Any]] = {}
        for record in read_records(path, limits=Config()):
            if isinstance(record, Page):
                document = read(record.body, Limits())
                assert document.failure is None
                pages[record.url] = [node.text or (node.image_url,) for node in document.nodes]
        images = {
            record.url: record.body
            for record in read_records(path, limits=Config(), wanted=IMAGES)
            if isinstance(record, Page)
        }
        return tally, pages, images

    return through


@pytest.fixture
def lines(tmp_path: Path) -> Callable[..., Path]:
    """A file of JSON lines; a value that is a text stands as it is."""

    def write(*rows: Any) -> Path:
        path = tmp_path / "docs_shard_7_v2.jsonl"
        path.write_text("".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows), "utf-8")
        return path

    return write


@pytest.fixture
def one() -> Imported:
    return Imported(url="http://a.example/", nodes=[{"text": "Tea."}])
