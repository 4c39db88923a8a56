"""Documents of a released corpus into one WARC file: a `conversion` record each, and a `resource` record an image.

Once they stand in an archive, a released corpus and a crawl are the same to every step: slices, resumption, books,
takedown. An image whose bytes the corpus has is taken from the archive; one of which it has only the address is asked
for as any other. What cannot be read is counted and named, and costs itself alone. Same corpus, same bytes.
"""

from __future__ import annotations

import gzip
import hashlib
import re
import uuid
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from filters import imported
from pipeline.archive.records import payload_digest

DATE = "1970-01-01T00:00:00Z"
"""When the page was captured: the corpora do not say."""
NAMED = 5
"""Troubles of a source that are named, all are counted."""
_NAMESPACE = uuid.UUID("0c3c7a44-92a0-5a52-8c0e-6f1f6f8f4b0e")
_URL = re.compile(r"https?://[^\s/\x00-\x1f\x7f][^\s\x00-\x1f\x7f]*", re.IGNORECASE)
_MEDIA = (
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG", "image/png"),
    (b"GIF8", "image/gif"),
    (b"RIFF", "image/webp"),
    (b"II*\x00", "image/tiff"),
    (b"MM\x00*", "image/tiff"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """A document as the corpus has it."""

    url: str
    nodes: list[dict[str, Any]]
    """As `filters.imported.write` takes them."""
    images: dict[str, bytes] = field(default_factory=dict)
    """Bytes by the address that the nodes give them."""
    missing: list[str] = field(default_factory=list)
    """Images that the corpus names and that have neither bytes nor an address."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """A piece of the corpus that is no document."""

    where: str
    why: str


@dataclass(slots=True)
class Tally:
    """What a source held: documents + rejected = what was met."""

    counts: Counter[str] = field(default_factory=Counter)
    troubles: list[str] = field(default_factory=list)

    def trouble(self, kind: str, what: str) -> None:
        """Count it, and name the first few."""
        self.counts[kind] += 1
        if len(self.troubles) < NAMED:
            self.troubles.append(what)


def own_address(data: bytes) -> str:
    """What an image is called that has bytes and no URL: as an image that stood in its page."""
    return f"data:sha256,{hashlib.sha256(data).hexdigest()}"


def write_archive(path: Path, found: Iterable[Imported | Rejected]) -> Tally:
    """Write the documents under a draft name, then put the archive in its place; what was met.

    Args:
        path: ends in .warc.gz; its folder is there.
        found: the documents of one source.
    """
    tally, written = Tally(), set[str]()
    draft = path.with_name(f".{path.name}.part")
    with draft.open("wb") as out:
        for item in found:
            if isinstance(item, Rejected):
                tally.trouble("rejected", f"{item.where}: {item.why}")
            elif not _URL.fullmatch(item.url):
                tally.trouble("rejected", f"{item.url!r:.200}: not the address of a page")
            else:
                _add(out, item, tally, written)
    draft.replace(path)
    return tally


def _add(out: IO[bytes], item: Imported, tally: Tally, written: set[str]) -> None:
    for address, data in item.images.items():
        if address not in written:
            written.add(address)
            _record(out, address, "resource", media_type(data), data)
    tally.counts["documents"] += 1
    tally.counts["texts"] += sum(node.get("text") is not None for node in item.nodes)
    for node in item.nodes:
        if node.get("image_url") is not None:
            tally.counts["images_with_bytes" if node["image_url"] in written else "images_by_address"] += 1
    for name in item.missing:
        tally.trouble("images_missing", f"{item.url}: image {name} has neither bytes nor an address")
    _record(out, item.url, "conversion", imported.MEDIA_TYPE, imported.write(item.nodes, item.missing))


def media_type(data: bytes) -> str:
    """What the bytes begin like; the steps behind look at the bytes themselves."""
    return next((kind for begin, kind in _MEDIA if data.startswith(begin)), "image/unknown")


def _record(out: IO[bytes], address: str, kind: str, media: str, data: bytes) -> None:
    """Append a record as a gzip member of its own."""
    name = uuid.uuid5(_NAMESPACE, f"{kind} {address} {hashlib.sha256(data).hexdigest()}")
    fields = {
        "WARC-Type": kind,
        "WARC-Record-ID": f"<urn:uuid:{name}>",
        "WARC-Date": DATE,
        "WARC-Target-URI": address,
        "WARC-Block-Digest": payload_digest(data),
        "Content-Type": media,
        "Content-Length": str(len(data)),
    }
    head = "".join(f"{field}: {value}\r\n" for field, value in fields.items())
    level = 6 if kind == "conversion" else 1  # images are compressed as they are
    out.write(gzip.compress(b"WARC/1.0\r\n" + head.encode() + b"\r\n" + data + b"\r\n\r\n", level, mtime=0))
