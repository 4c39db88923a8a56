"""Archives from other people's test suites: counts agree with the list beside them, or the difference is known."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from fastwarc import ArchiveIterator

from pipeline.archive.config import Config
from pipeline.archive.record import Page, Skipped
from pipeline.archive.records import payload_digest, read_records

pytestmark = pytest.mark.shared

# records and HTML responses as we count them, where the list (made with warcio) counts others, and why
KNOWN = {
    "aut__arc__badexample.arc.gz": (4, 1, "one gzip stream: warcio stops after the first record"),
    "chatnoir-resiliparse__block-sized-records.warc.lz4": (3, 0, "warcio knows no lz4"),
    "chatnoir-resiliparse__warcfile.warc.lz4": (50, 16, "warcio knows no lz4"),
    "chatnoir-resiliparse__clipped.warc.gz": (1, 0, "the only record is cut, so it is damaged and no page"),
    "pywb__warcs__example-extra.warc": (6, 1, "one response says HTTPX/1.1, which is not HTTP"),
    "solrwayback__compressions_warc__transfer_compression_none_truncated.warc.gz": (3, 0, "the response is cut"),
    "warcio__example-bad-non-chunked.warc.gz": (6, 1, "one gzip stream: warcio stops after the first record"),
    "warcio__example-bad.warc.gz.bad": (6, 2, "one gzip stream: warcio stops after the first record"),
    "warcio__example-wrong-chunks.warc.gz": (2, 1, "a record in two members: warcio stops there"),
    "webarchive-discovery__warc-indexer__IAH-20080430204825-00000-blackbook-truncated.arc": (
        *(9, 2),
        "no line feed between records: warcio stops there",
    ),
}
HTML = ("text/html", "application/xhtml+xml")


@pytest.fixture(scope="module")
def listed(shared: Path) -> dict[str, dict[str, str]]:
    with (shared / "wild" / "WILD.tsv").open(encoding="utf-8", newline="") as file:
        return {row["file"]: row for row in csv.DictReader(file, delimiter="\t")}


def test_every_file_is_read_and_counts_agree_or_differ_as_known(
    shared: Path, listed: dict[str, dict[str, str]]
) -> None:
    differ = {}
    for name, row in listed.items():
        items = list(read_records(shared / "wild" / name, limits=Config()))
        records = [item for item in items if isinstance(item, Page) or item.record_type or item.reason == "bad_header"]
        counted = (len(records), sum(item.content_type in HTML for item in items))
        if counted != (int(row["records"] or 0), int(row["html_responses"])):
            differ[name] = counted
        offsets = [item.offset for item in items]
        size = (shared / "wild" / name).stat().st_size
        assert offsets == sorted(set(offsets))
        assert sum(item.length for item in items) == size or any(item.length == 0 for item in items), name
    assert differ == {name: known[:2] for name, known in KNOWN.items()}


def test_nothing_but_what_is_no_archive_is_called_so(shared: Path, listed: dict[str, dict[str, str]]) -> None:
    none = [
        name
        for name in listed
        if any(
            isinstance(item, Skipped) and item.reason == "not_an_archive"
            for item in read_records(shared / "wild" / name, limits=Config())
        )
    ]
    assert none == ["pywb__waczs__invalid_example_1.wacz"]


def test_the_corpus_is_read_as_fastwarc_reads_it(shared: Path) -> None:
    for path in sorted((shared / "corpus" / "pages").glob("*.warc.gz")):
        ours = list(read_records(path, limits=Config()))
        theirs = {}
        with path.open("rb") as file:
            for record in ArchiveIterator(file, parse_http=True):
                if str(record.record_type) == "response" and record.http_content_type in HTML:
                    theirs[record.stream_pos] = payload_digest(record.reader.read())
        pages = {item.offset: item.payload_digest for item in ours if isinstance(item, Page)}
        assert pages == theirs
        assert sum(item.length for item in ours) == path.stat().st_size
