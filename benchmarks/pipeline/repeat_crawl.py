"""Many pages out of few: the records of some archives again and again, under new URLs, dates and record ids.

    python benchmarks/pipeline/repeat_crawl.py OUT PATH.warc.gz ... --pages 20000 --per-file 2000

The n-th repeat of a page has `weft-repeat=n` in its query and is n weeks younger; its body, and what stands with it
(request, metadata), are as found. So every repeat is extracted and measured like a page of its own, while a
deduplication by text finds it: of 02_unique this measures many duplicates, not many near-duplicates.
"""

from __future__ import annotations

import argparse
import struct
import uuid
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

COMPRESSION = 6
"""gzip level of warcio, and about that of Common Crawl's files."""

_GZIP = b"\x1f\x8b\x08" + bytes(6) + b"\xff"
_END = b"\r\n\r\n"
_SPACE = uuid.UUID("0b8f1c5e-52a5-5d0c-9f0e-3a7f1f0c2b11")


@dataclass(frozen=True, slots=True)
class Record:
    """A record as it stands in an archive: its header fields in order and its block, also as raw deflate data."""

    fields: tuple[tuple[str, str], ...]
    block: bytes
    deflated: bytes

    def field(self, name: str) -> str:
        """The first value of a header field, "" where there is none."""
        return next((value for key, value in self.fields if key.lower() == name.lower()), "")


def read(paths: Sequence[Path]) -> list[list[Record]]:
    """The captures of the archives: records that share a URL and stand together, one list a capture."""
    from fastwarc.warc import ArchiveIterator

    captures: list[list[Record]] = []
    for path in paths:
        with path.open("rb") as stream:
            for record in ArchiveIterator(stream, parse_http=False):
                block = record.reader.read()
                read_record = Record(tuple(record.headers), block, _deflated(block + _END, last=True))
                url = read_record.field("WARC-Target-URI")
                if not url:
                    continue
                if captures and captures[-1][0].field("WARC-Target-URI") == url:
                    captures[-1].append(read_record)
                else:
                    captures.append([read_record])
    return captures


def repeat(captures: Sequence[list[Record]]) -> Iterator[list[Record]]:
    """The captures without end; the first time as they are, then changed."""
    number = 0
    while True:
        for capture in captures:
            yield [_changed(record, number) for record in capture] if number else capture
        number += 1


def write(folder: Path, paths: Sequence[Path], *, pages: int, per_file: int) -> list[Path]:
    """Write `pages` captures in files of `per_file`; the paths of the files. What is there is not written again."""
    folder.mkdir(parents=True, exist_ok=True)
    targets = [folder / f"repeat-{pages}-{per_file}-{n:05}.warc.gz" for n in range(-(-pages // per_file))]
    if all(path.exists() for path in targets):
        return targets
    source = repeat(read(paths))
    left = pages
    for path in targets:
        draft = path.with_suffix(".part")
        with draft.open("wb") as out:
            for _ in range(min(per_file, left)):
                for record in next(source):
                    out.write(_member(record))
        left -= per_file
        draft.rename(path)
    return targets


def _changed(record: Record, number: int) -> Record:
    def value(name: str, old: str) -> str:
        match name.lower():
            case "warc-target-uri":
                return f"{old}{'&' if '?' in old else '?'}weft-repeat={number}"
            case "warc-date":
                then = datetime.fromisoformat(old) + timedelta(weeks=number)
                return then.strftime("%Y-%m-%dT%H:%M:%SZ")
            case "warc-record-id" | "warc-concurrent-to":
                return f"<urn:uuid:{uuid.uuid5(_SPACE, f'{number} {old}')}>"
        return old

    return Record(tuple((name, value(name, old)) for name, old in record.fields), record.block, record.deflated)


def _member(record: Record) -> bytes:
    """A gzip member (RFC 1952): the new header deflated, then the block as it was deflated once."""
    fields = "".join(f"{name}: {value}\r\n" for name, value in record.fields if name.lower() != "content-length")
    head = f"WARC/1.0\r\n{fields}Content-Length: {len(record.block)}\r\n\r\n".encode()
    checksum = zlib.crc32(_END, zlib.crc32(record.block, zlib.crc32(head)))
    size = (len(head) + len(record.block) + len(_END)) & 0xFFFFFFFF
    return _GZIP + _deflated(head, last=False) + record.deflated + struct.pack("<II", checksum, size)


def _deflated(data: bytes, *, last: bool) -> bytes:
    """Raw deflate data that refers to nothing before it; without `last`, more may follow."""
    engine = zlib.compressobj(COMPRESSION, zlib.DEFLATED, -zlib.MAX_WBITS)
    return engine.compress(data) + engine.flush(zlib.Z_FINISH if last else zlib.Z_SYNC_FLUSH)


def main() -> None:
    """Write the files, say which."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("out", type=Path)
    options.add_argument("archives", type=Path, nargs="+")
    options.add_argument("--pages", type=int, default=20_000)
    options.add_argument("--per-file", type=int, default=2_000)
    arguments = options.parse_args()
    for path in write(arguments.out, arguments.archives, pages=arguments.pages, per_file=arguments.per_file):
        print(path)


if __name__ == "__main__":
    main()
