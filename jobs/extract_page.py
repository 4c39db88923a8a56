"""weft extract: what extraction makes of a page, in the terminal: a URL, an HTML file, or pages of a web archive."""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
import textwrap
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from filters.extract import MODES, Document, Node, extract
from jobs.arguments import location, whole
from schemas.errors import InputError

WIDTH = 100
_MAX_BYTES = 20_000_000
_ARCHIVES = (".warc", ".arc", ".warc.gz", ".arc.gz", ".warc.zst", ".cdx", ".parquet")


class Fetched(NamedTuple):
    """A page with what its response said."""

    url: str
    html: bytes
    http_charset: str | None = None
    robots_headers: tuple[str, ...] = ()
    tdm_header: str | None = None


def main(argv: Sequence[str] | None = None) -> int:
    """Print the nodes of each page; 0 where at least one page was read."""
    options = argparse.ArgumentParser(prog="weft extract", description=__doc__)
    options.add_argument(
        "source", type=location("source"), help="http(s) URL, HTML file, or archive (.warc.gz, .arc.gz, ...)"
    )
    options.add_argument("--mode", choices=MODES, default="main", help="main content, or all but furniture")
    options.add_argument("--comments", action="store_true", help="keep readers' comments in mode main too")
    options.add_argument("--url", help="of a file: its address; of an archive: only the pages whose URL holds this")
    options.add_argument("-n", type=whole("-n"), default=1, help="pages of an archive, at most (default 1)")
    options.add_argument("--explain", action="store_true", help="also what was left out, and why")
    options.add_argument("--json", action="store_true", help="the document as JSON")
    arguments = options.parse_args(argv)
    count = 0
    for page in pages_of(arguments.source, arguments.url, arguments.n):
        document = extract(
            page.html,
            page.url,
            arguments.mode,
            comments=arguments.comments or None,
            http_charset=page.http_charset,
            robots_headers=page.robots_headers,
            tdm_header=page.tdm_header,
            explain=arguments.explain,
        )
        count += 1
        print(as_json(page.url, document) if arguments.json else as_text(page.url, document, arguments.explain))
    if not count:
        raise InputError(
            f"no page in {arguments.source}" + (f" whose URL holds {arguments.url}" if arguments.url else "")
        )
    return 0


def pages_of(source: str, url: str | None, count: int) -> Iterator[Fetched]:
    """The pages that the command names.

    Raises:
        InputError: a file does not exist or cannot be read, or a server gives no page.
    """
    if source.startswith(("http://", "https://")) and not source.lower().endswith(_ARCHIVES):
        yield _fetch(source)
    elif source.lower().endswith(_ARCHIVES):
        yield from _from_archive(source, url or "", count)
    else:
        try:
            html = sys.stdin.buffer.read() if source == "-" else Path(source).read_bytes()
        except OSError as error:
            raise InputError(f"{source}: {error.strerror}") from error
        yield Fetched(url or "http://localhost/", html)


def _fetch(url: str) -> Fetched:
    request = urllib.request.Request(url, headers={"User-Agent": "weft-extract/0.1", "Accept": "text/html"})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            html = answer.read(_MAX_BYTES)
            headers = answer.headers
            return Fetched(
                answer.geturl(),
                html,
                headers.get_content_charset(),
                tuple(headers.get_all("X-Robots-Tag") or ()),
                headers.get("TDM-Reservation"),
            )
    except (urllib.error.URLError, OSError, ValueError) as error:
        raise InputError(f"{url}: {error}") from error


def _from_archive(path: str, wanted: str, count: int) -> Iterator[Fetched]:
    from pipeline.archive.config import Config
    from pipeline.archive.inputs import expand, read_input
    from pipeline.archive.record import Page

    config = Config()
    found = 0
    for item in expand([path], config):
        for record in read_input(item, config):
            if isinstance(record, Page) and wanted in record.url:
                yield Fetched(record.url, record.body, record.http_charset, record.robots_headers, record.tdm_header)
                found += 1
                if found >= count:
                    return


def as_json(url: str, document: Document) -> str:
    """The document as JSON; bytes of data: images are left out."""
    fields: dict[str, Any] = {"url": url} | dataclasses.asdict(dataclasses.replace(document, data_images={}))
    return json.dumps(fields, ensure_ascii=False, indent=1)


def as_text(url: str, document: Document, explain: bool = False) -> str:
    """The document as a reader meets it, under its metadata."""
    lines = ["=" * WIDTH, url]
    for name in ("title", "author", "date", "site_name", "declared_language", "charset", "licence", "og_image"):
        if value := getattr(document, name):
            lines.append(f"{name:18}{value}")
    if document.consent:
        verdict = "opted out" if document.opted_out else "images opted out" if document.images_opted_out else "allowed"
        lines.append(f"{'consent':18}{' '.join(document.consent)}: {verdict}")
    if document.failure is not None:
        return "\n".join([*lines, f"{'failure':18}{document.failure.value}"])
    lines.append("-" * WIDTH)
    for node in document.nodes:
        lines.append(_node(node))
    if explain:
        lines += _left_out(document)
    return "\n".join(lines)


def _node(node: Node) -> str:
    if node.image_url is not None:
        said = [f"alt: {node.alt}" if node.alt else "", f"caption: {node.caption}" if node.caption else ""]
        size = f" {node.width}x{node.height}" if node.width and node.height else ""
        return f"[image]{size} by {node.found_by}  {node.image_url}" + "".join(
            f"\n        {text}" for text in said if text
        )
    text = node.text or ""
    if node.role in ("code", "table"):
        return f"[{node.role}]\n" + textwrap.indent(text, "    ")
    if node.role.startswith("heading"):
        return f"\n{'#' * int(node.role[-1])} {text}"
    mark = {"list_item": "* ", "quote": "> ", "caption": "[caption] "}.get(node.role, "")
    return "\n".join(textwrap.wrap(text, WIDTH, initial_indent=mark, subsequent_indent=" " * len(mark))) or mark


def _left_out(document: Document) -> list[str]:
    counts = Counter(image.reason.value for image in document.dropped)
    lines = [
        "-" * WIDTH,
        f"{len(document.dropped)} images left out: {', '.join(f'{k} {v}' for k, v in counts.items())}",
    ]
    lines += [
        f"  {image.reason.value:18}{image.url or '(inline)'}  {image.detail}".rstrip() for image in document.dropped
    ]
    lines.append(f"{len(document.dropped_texts)} texts left out:")
    lines += [f"  {text.why:18}{textwrap.shorten(text.text, WIDTH)}" for text in document.dropped_texts]
    return lines
