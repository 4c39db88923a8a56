import gzip
import io

import pytest
from warcio.archiveiterator import ArchiveIterator
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from benchmarks.pipeline import repeat_crawl

PAGES = {
    "https://a.example/one": b"<p>one</p>",
    "https://a.example/two?page=2": b"<p>two \xc3\xa9</p>" * 4_000,
}


@pytest.fixture
def archive(tmp_path):
    path = tmp_path / "few.warc.gz"
    date = {"WARC-Date": "2024-05-18T04:10:00Z"}
    with path.open("wb") as out:
        writer = WARCWriter(out, gzip=True)
        writer.write_record(writer.create_warcinfo_record("few.warc.gz", {"software": "test"}))
        for url, body in PAGES.items():
            head = StatusAndHeaders("200 OK", [("Content-Type", "text/html")], protocol="HTTP/1.1")
            for kind, payload, http in (("response", body, head), ("metadata", b"fetchTimeMs: 1", None)):
                record = writer.create_warc_record(
                    url, kind, io.BytesIO(payload), len(payload), http_headers=http, warc_headers_dict=date
                )
                writer.write_record(record)
    return path


def read(paths):
    found = []
    for path in paths:
        with path.open("rb") as stream:
            for record in ArchiveIterator(stream, check_digests="raise"):
                head = {name: record.rec_headers[name] for name in ("WARC-Target-URI", "WARC-Date", "WARC-Record-ID")}
                found.append((record.rec_type, head, record.content_stream().read()))
    return found


def test_repeats_have_new_urls_dates_and_ids_and_the_same_bodies(archive, tmp_path):
    found = read(repeat_crawl.write(tmp_path / "many", [archive], pages=5, per_file=2))
    responses = [(head, body) for kind, head, body in found if kind == "response"]
    assert [head["WARC-Target-URI"] for head, _ in responses] == [
        "https://a.example/one",
        "https://a.example/two?page=2",
        "https://a.example/one?weft-repeat=1",
        "https://a.example/two?page=2&weft-repeat=1",
        "https://a.example/one?weft-repeat=2",
    ]
    assert [head["WARC-Date"][:10] for head, _ in responses] == [
        "2024-05-18",
        "2024-05-18",
        "2024-05-25",
        "2024-05-25",
        "2024-06-01",
    ]
    bodies = list(PAGES.values())
    assert [body for _, body in responses] == [*bodies, *bodies, bodies[0]]
    assert len({head["WARC-Record-ID"] for _, head, _ in found}) == len(found)


def test_what_stands_with_a_page_is_repeated_with_it(archive, tmp_path):
    found = read(repeat_crawl.write(tmp_path / "many", [archive], pages=3, per_file=3))
    assert [kind for kind, _, _ in found] == ["response", "metadata"] * 3
    assert found[5][1]["WARC-Target-URI"] == found[4][1]["WARC-Target-URI"]


def test_files_hold_so_many_pages_and_are_whole_gzip(archive, tmp_path):
    paths = repeat_crawl.write(tmp_path / "many", [archive], pages=5, per_file=2)
    assert [sum(kind == "response" for kind, _, _ in read([path])) for path in paths] == [2, 2, 1]
    for path in paths:
        assert gzip.decompress(path.read_bytes()).count(b"WARC/1.0\r\n") == len(read([path]))


def test_what_is_there_is_not_written_again(archive, tmp_path):
    first = repeat_crawl.write(tmp_path / "many", [archive], pages=2, per_file=2)
    stamps = [path.stat().st_mtime_ns for path in first]
    assert repeat_crawl.write(tmp_path / "many", [archive], pages=2, per_file=2) == first
    assert [path.stat().st_mtime_ns for path in first] == stamps
