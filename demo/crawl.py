"""Write the sample as a crawl: WARC files as Common Crawl makes them, the images, and the truth.

    python -m demo.crawl OUT --pages 60 --seed 1

    OUT/warc/CC-MAIN-...warc.gz   warcinfo, then request, response and metadata of each page; a gzip member a record
    OUT/images/xx/<sha256>.jpg    every image that the pages load, once
    OUT/images.tsv                url, file, content_type, status: what `demo.server` answers
    OUT/truth.jsonl               a line a page: URL, kind, language, verdict, nodes, what must be absent

The same arguments give the same bytes. Beside the pages, each WARC holds what a crawl also meets: a redirect, a
404, a robots.txt, a PDF, an image, an XML feed.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import sys
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from demo.page import Page, Picture
from demo.pages import make_page
from demo.pictures.chrome import PIXEL

_CRAWL = "CC-MAIN-2024-22"
_SEGMENT = "1715971057216.39"
_STARTED = "2024-05-18T04:10:00Z"
_NAMESPACE = uuid.UUID("6d1d8b5e-6f0a-5c11-9a52-2f6b7c1f7a10")
_EXTENSIONS = {"image/jpeg": "jpg", "image/png": "png", "image/gif": "gif", "image/webp": "webp", "text/html": "html"}


@dataclass(frozen=True, slots=True)
class Crawl:
    """What was written. `records` counts the WARC records of all files, warcinfo included."""

    folder: Path
    warcs: tuple[Path, ...]
    pages: int
    records: int
    image_urls: int
    image_files: int


@dataclass(frozen=True, slots=True)
class _Answer:
    """One response of the crawl: an address, a time, an HTTP answer."""

    url: str
    date: str
    status: str
    headers: tuple[tuple[str, str], ...]
    body: bytes


def write_crawl(out: Path, *, pages: int = 60, seed: int = 1, warcs: int = 2) -> Crawl:
    """Write the crawl into `out` (made if it is not there) and say what was written.

    Page i goes into WARC i % warcs. Raises ValueError unless pages and warcs are at least 1.
    """
    if pages < 1 or warcs < 1:
        raise ValueError(f"pages and warcs must be at least 1, have {pages} and {warcs}")
    (out / "warc").mkdir(parents=True, exist_ok=True)
    names = [out / "warc" / f"CC-MAIN-20240518041007-20240518071007-{i:05}.warc.gz" for i in range(warcs)]
    writers = [_Warc(name) for name in names]
    table: dict[str, tuple[str, str, int]] = {}
    with (out / "truth.jsonl").open("w", encoding="utf-8", newline="\n") as truth:
        for number in range(pages):
            page = make_page(seed, number)
            writers[number % warcs].exchange(_page_answer(page))
            if number < warcs:
                for answer in _others(page):
                    writers[number % warcs].exchange(answer)
            for url, picture in page.images.items():
                table[url] = _store(out, picture)
            truth.write(json.dumps(_truth_row(number, page), ensure_ascii=False, sort_keys=True) + "\n")
    for writer in writers:
        writer.close()
    rows = [f"{url}\t{file}\t{kind}\t{status}" for url, (file, kind, status) in sorted(table.items())]
    (out / "images.tsv").write_text("\n".join(["url\tfile\tcontent_type\tstatus", *rows]) + "\n", "utf-8", newline="\n")
    records = sum(writer.records for writer in writers)
    files = len({file for file, _, _ in table.values()})
    return Crawl(out, tuple(names), pages, records, len(table), files)


class _Warc:
    """One WARC file whose record ids follow from what the records say."""

    def __init__(self, path: Path) -> None:
        self.records = 0
        self._file = path.open("wb")
        self._writer = WARCWriter(self._file, gzip=True)
        self._info = _record_id("warcinfo", path.name)
        about = {
            "isPartOf": _CRAWL, "publisher": "weft sample", "description": "Pages drawn by code from a seed",
            "software": "weft demo.crawl", "robots": "n/a", "format": "WARC File Format 1.0",
        }  # fmt: skip
        text = "".join(f"{key}: {value}\r\n" for key, value in about.items()).encode()
        headers = {"WARC-Record-ID": self._info, "WARC-Date": _STARTED, "WARC-Filename": path.name}
        self._write("warcinfo", "", text, headers, "application/warc-fields")

    def exchange(self, answer: _Answer) -> None:
        """Write request, response and metadata of one answer."""
        sha = hashlib.sha1(answer.body, usedforsecurity=False).hexdigest()
        key = f"{answer.url} {answer.date} {sha}"
        response = _record_id("response", key)
        base = {"WARC-Date": answer.date, "WARC-Warcinfo-ID": self._info, "WARC-IP-Address": "192.0.2.7"}
        host, path = answer.url.split("/", 3)[2], "/" + answer.url.split("/", 3)[3]
        request = StatusAndHeaders(
            f"GET {path} HTTP/1.1",
            [("User-Agent", "CCBot/2.0 (https://commoncrawl.org/faq/)"), ("Accept", "text/html;q=0.9,*/*;q=0.8"),
             ("Accept-Encoding", "br,gzip"), ("Host", host), ("Connection", "Keep-Alive")],
            is_http_request=True,
        )  # fmt: skip
        asked = {**base, "WARC-Record-ID": _record_id("request", key), "WARC-Concurrent-To": response}
        self._write("request", answer.url, b"", asked, http=request)
        http = StatusAndHeaders(answer.status, list(answer.headers), protocol="HTTP/1.1")
        self._write("response", answer.url, answer.body, {**base, "WARC-Record-ID": response}, http=http)
        about = {**base, "WARC-Record-ID": _record_id("metadata", key), "WARC-Concurrent-To": response}
        self._write("metadata", answer.url, b"fetchTimeMs: 118\r\n", about, "application/warc-fields")

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _write(
        self,
        kind: str,
        url: str,
        payload: bytes,
        headers: dict[str, str],
        content_type: str = "",
        http: StatusAndHeaders | None = None,
    ) -> None:
        record = self._writer.create_warc_record(
            url or None, kind, payload=io.BytesIO(payload), length=len(payload), warc_headers_dict=headers,
            warc_content_type=content_type, http_headers=http,
        )  # fmt: skip
        self._writer.write_record(record)
        self.records += 1


def _record_id(*key: str) -> str:
    return f"<urn:uuid:{uuid.uuid5(_NAMESPACE, ' '.join(key))}>"


def _page_answer(page: Page) -> _Answer:
    headers = (("Content-Type", page.content_type), *page.headers, ("Server", "weft-sample"),
               ("Content-Length", str(len(page.html))))  # fmt: skip
    return _Answer(page.url, page.captured, "200 OK", headers, page.html)


def _others(page: Page) -> Iterator[_Answer]:
    """What a crawl meets beside pages, on the site of `page`."""
    root = "/".join(page.url.split("/", 3)[:3])
    pictures = [picture for picture in page.images.values() if picture.content_type == "image/jpeg"]
    picture = pictures[0] if pictures else PIXEL
    feed = b'<?xml version="1.0"?><rss version="2.0"><channel><title>Feed</title></channel></rss>'
    for path, status, kind, body in (
        ("/robots.txt", "200 OK", "text/plain", b"User-agent: *\nDisallow: /private/\n"),
        ("/old-page.html", "301 Moved Permanently", "text/html", b'<a href="/">moved</a>'),
        ("/missing.html", "404 Not Found", "text/html", b"<h1>Not found</h1><p>There is no such page here.</p>"),
        ("/catalogue.pdf", "200 OK", "application/pdf", b"%PDF-1.4\n1 0 obj<<>>endobj\ntrailer<<>>\n%%EOF\n"),
        ("/photo.jpg", "200 OK", picture.content_type, picture.data),
        ("/feed.xml", "200 OK", "application/rss+xml", feed),
    ):
        where = (("Location", root + "/"),) if status.startswith("301") else ()
        headers = (("Content-Type", kind), *where, ("Content-Length", str(len(body))))
        yield _Answer(root + path, page.captured, status, headers, body)


def _store(out: Path, picture: Picture) -> tuple[str, str, int]:
    """Write the bytes unless they are there; the row of images.tsv without the URL."""
    sha = hashlib.sha256(picture.data).hexdigest()
    name = f"images/{sha[:2]}/{sha}.{_EXTENSIONS[picture.content_type]}"
    path = out / name
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f".{path.name}")  # a full disk leaves no image half-written
        draft.write_bytes(picture.data)
        draft.replace(path)
    return name, picture.content_type, picture.status


def _truth_row(number: int, page: Page) -> dict[str, object]:
    truth = page.truth
    return {
        "number": number, "url": page.url, "captured": page.captured, "kind": page.kind.value,
        "language": page.language, "verdict": truth.verdict.value, "repeats": page.repeats, "nodes": truth.nodes,
        "absent_texts": truth.absent_texts, "absent_images": truth.absent_images,
        "alternatives": truth.alternatives, "pairs": page.pairs,
    }  # fmt: skip


def main(arguments: list[str] | None = None) -> int:
    """Write a crawl from the command line; 0 when done, 2 when the arguments make no sense."""
    parser = argparse.ArgumentParser(prog="python -m demo.crawl", description="Write the sample crawl.")
    parser.add_argument("out", type=Path, metavar="OUT", help="folder to write into")
    parser.add_argument("--pages", type=int, default=60, help="how many pages (60 hold every kind)")
    parser.add_argument("--seed", type=int, default=1, help="another seed is another crawl")
    parser.add_argument("--warcs", type=int, default=2, help="how many WARC files")
    given = parser.parse_args(arguments)
    try:
        crawl = write_crawl(given.out, pages=given.pages, seed=given.seed, warcs=given.warcs)
    except (ValueError, OSError) as error:
        print(f"demo.crawl: {error}", file=sys.stderr)
        return 2
    print(f"{crawl.pages} pages in {len(crawl.warcs)} WARC files ({crawl.records} records), "
          f"{crawl.image_files} images under {crawl.image_urls} addresses: {crawl.folder}")  # fmt: skip
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
