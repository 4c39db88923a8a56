"""Every record comes out once, as a page or with its reason, and what is damaged costs itself and nothing else."""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import tracemalloc
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from pipeline.archive.config import Config
from pipeline.archive.record import IMAGES, Page, Skipped
from pipeline.archive.records import payload_digest, read_records
from schemas.reasons import RecordReason

LIMITS = Config(max_body_bytes=10_000)


def read(data: bytes, **options):
    return list(read_records(io.BytesIO(data), limits=LIMITS, **options))


def told(items) -> list[str]:
    return [item.url if isinstance(item, Page) else str(item.reason) for item in items]


def test_a_page_has_all_that_its_record_says(record, http, html) -> None:
    headers = ("X-Robots-Tag: noai", "x-robots-tag: bot: noindex", "TDM-Reservation: 1")
    block = http(html, *headers, content_type="Text/HTML; Charset=ISO-8859-1")
    data = record(block, WARC_Target_URI="<https://example.com/a b>", WARC_Date="2024-05-18T04:10:07.123Z")
    (page,) = read(data)
    digest = "sha1:" + base64.b32encode(hashlib.sha1(html).digest()).decode()
    assert page == Page(
        offset=0,
        length=len(data),
        url="https://example.com/a b",
        fetched_at=datetime(2024, 5, 18, 4, 10, 7, tzinfo=UTC),
        payload_digest=digest,
        body=html,
        content_type="text/html",
        http_charset="ISO-8859-1",
        robots_headers=("noai", "bot: noindex"),
        tdm_header="1",
        status=200,
    )


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"record_type": "request"}, RecordReason.NOT_A_RESPONSE),
        ({"block": b"20080430204825\nexample.com. IN A 192.0.2.1\n"}, RecordReason.NOT_HTTP),
        ({"block": b"HTTPX/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<html>"}, RecordReason.NOT_HTTP),
        ({"status": "404 Not Found"}, RecordReason.STATUS),
        ({"status": "206 Partial Content"}, RecordReason.STATUS),
        ({"content_type": "image/png"}, RecordReason.CONTENT_TYPE),
        ({"content_type": "text/plain"}, RecordReason.CONTENT_TYPE),
        ({"body": b"%PDF-1.7 says it is HTML"}, RecordReason.CONTENT_TYPE),
        ({"body": b"no tag at all", "content_type": ""}, RecordReason.CONTENT_TYPE),
        ({"body": b"x" * 10_001}, RecordReason.TOO_LARGE),
        ({"WARC_Target_URI": ""}, RecordReason.BAD_HEADER),
        ({"WARC_Target_URI": "urn:uuid:1"}, RecordReason.BAD_HEADER),
        ({"WARC_Date": "yesterday"}, RecordReason.BAD_HEADER),
        ({"Content_Length": "many"}, RecordReason.BAD_HEADER),
        ({"headers": ("Content-Encoding: br",), "body": b"\xff\xfe not brotli"}, RecordReason.BAD_ENCODING),
        ({"headers": ("Transfer-Encoding: chunked",), "body": b"3\r\nabc\r\nnonsense"}, RecordReason.BAD_ENCODING),
    ],
)
def test_what_is_no_page_has_its_reason(record, http, html, page, gz, changes, reason) -> None:
    changes = dict(changes)
    body = changes.pop("body", html)
    options = {name: changes.pop(name) for name in ("status", "content_type") if name in changes}
    block = changes.pop("block", http(body, *changes.pop("headers", ()), **options))
    bad = record(block, **changes)
    for data in (gz(page(1), bad, page(2)), page(1) + bad + page(2)):
        items = read(data)
        assert told(items) == ["https://example.com/1", str(reason), "https://example.com/2"]
        assert sum(item.length for item in items) == len(data)


@pytest.mark.parametrize("content_type", ["text/html", "application/xhtml+xml", "TEXT/HTML;charset=x", "html", ""])
def test_these_content_types_make_a_page_of_html(record, http, html, content_type) -> None:
    assert told(read(record(http(html, content_type=content_type)))) == ["https://example.com/"]


def test_a_body_at_the_bound_is_read_and_one_byte_more_is_not(record, http) -> None:
    assert [len(item.body) for item in read(record(http(b"x" * 10_000)))] == [10_000]
    assert told(read(record(http(b"x" * 10_001)))) == ["too_large"]


def test_a_bomb_is_too_large_and_costs_no_memory(record, http) -> None:
    bomb = gzip.compress(bytes(50_000_000))
    data = record(http(bomb, "Content-Encoding: gzip"))
    tracemalloc.start()
    items = list(read_records(io.BytesIO(gzip.compress(data)), limits=Config(max_body_bytes=100_000)))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert told(items) == ["too_large"]
    assert peak < 2_000_000


def test_a_record_that_is_not_wanted_is_passed_over_in_steps(record, http, page, gz, tmp_path) -> None:
    large = record(http(bytes(20_000_000), content_type="video/mp4"))
    for name, data in (("a.warc.gz", gz(large, page(1))), ("a.warc", large + page(1))):
        (tmp_path / name).write_bytes(data)
        tracemalloc.start()
        items = list(read_records(tmp_path / name, limits=LIMITS))
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert told(items) == ["content_type", "https://example.com/1"]
        assert peak < 4_000_000


def test_the_digest_is_over_the_body_without_chunks_but_still_compressed(record, http, html) -> None:
    packed = gzip.compress(html, mtime=0)
    chunked = b"%x\r\n%s\r\n0\r\n\r\n" % (len(packed), packed)
    headers = ("Transfer-Encoding: chunked", "Content-Encoding: gzip")
    (page,) = read(record(http(chunked, *headers)))
    assert page.body == html
    assert page.payload_digest == payload_digest(packed)


@pytest.mark.parametrize("cut", [1, 8, 9, 40, 150])
def test_a_cut_last_member_is_damaged_and_the_others_stand(page, gz, cut) -> None:
    data = gz(page(1), page(2))
    items = read(data[:-cut])
    assert told(items) == ["https://example.com/1", "damaged"]
    assert sum(item.length for item in items) == len(data) - cut


@pytest.mark.parametrize("where", [0, 1, 2])
def test_a_broken_member_costs_itself(page, gz, where) -> None:
    members = [bytearray(gz(page(number))) for number in range(3)]
    for at in range(40, 60):
        members[where][at] ^= 0x55
    items = read(b"".join(members))
    urls = [f"https://example.com/{number}" for number in range(3) if number != where]
    assert [item.url for item in items if isinstance(item, Page)] == urls
    (damaged,) = [item for item in items if isinstance(item, Skipped)]
    assert damaged.reason is RecordReason.DAMAGED
    assert (damaged.offset, damaged.length) == (sum(map(len, members[:where])), len(members[where]))


def test_a_member_whose_checksum_is_wrong_is_damaged(page, gz) -> None:
    data = bytearray(gz(page(1)))
    data[-6] ^= 1
    assert told(read(bytes(data) + gz(page(2)))) == ["damaged", "https://example.com/2"]


def test_garbage_between_members_is_one_stretch(page, gz) -> None:
    one, two = gz(page(1)), gz(page(2))
    items = read(one + b"\x1f\x8b\x08 garbage " * 20 + two)
    assert told(items) == ["https://example.com/1", "damaged", "https://example.com/2"]
    assert (items[1].offset, items[1].length) == (len(one), 240)


def test_garbage_between_records_that_are_not_compressed_is_one_stretch(page) -> None:
    one, two = page(1), page(2)
    items = read(one + b"lorem ipsum\r\nWARC/1.0 is a format\r\n" + two)
    assert told(items) == ["https://example.com/1", "damaged", "https://example.com/2"]
    assert (items[1].offset, items[2].offset) == (len(one), len(one) + 35)


@pytest.mark.parametrize("wrong", [-20, -1, 30, 100, 5_000])
def test_a_wrong_length_costs_no_other_record(record, http, html, page, gz, wrong) -> None:
    block = http(html)
    bad = record(block, length=len(block) + wrong)
    for data in (page(1) + bad + page(2), gz(page(1), bad, page(2))):
        items = read(data)
        urls = [item.url for item in items if isinstance(item, Page)]
        assert urls == ["https://example.com/1", "https://example.com/2"]
        assert {str(item.reason) for item in items if isinstance(item, Skipped)} == {"damaged"}
        assert sum(item.length for item in items) == len(data)


def test_a_record_shorter_than_it_says_is_a_page_where_http_says_it_is_whole(record, http, html) -> None:
    block = http(html, f"Content-Length: {len(html)}")
    data = record(block, length=len(block) + 12).rstrip()
    assert told(read(data)) == ["https://example.com/"]
    assert told(read(data[:-1])) == ["damaged"]


def test_one_gzip_stream_over_all_records_is_read_whole(page) -> None:
    items = read(gzip.compress(b"".join(page(number) for number in range(30)), mtime=0))
    assert told(items) == [f"https://example.com/{number}" for number in range(30)]
    offsets = [item.offset for item in items]
    assert offsets == sorted(set(offsets))
    assert {item.length for item in items} == {0}


def test_a_record_in_several_members_is_one_record(page, gz) -> None:
    text = page(1)
    data = gz(text[:150], text[150:250], text[250:], page(2))
    items = read(data)
    assert told(items) == ["https://example.com/1", "https://example.com/2"]
    assert sum(item.length for item in items) == len(data)


def test_reading_can_begin_at_any_record(page, gz) -> None:
    data = gz(page(1), page(2), page(3))
    start = len(gz(page(1)))
    items = read(data, start_offset=start)
    assert told(items) == ["https://example.com/2", "https://example.com/3"]
    assert items[0].offset == start


@pytest.mark.parametrize(
    "data",  # no time in the name of a test: those who share the tests out compare names
    [b"", b"\n\n", b"just text\nover lines\n", b"PK\x03\x04zip", gzip.compress(b"text", mtime=0)],
)
def test_a_file_without_a_record_is_no_archive(data) -> None:
    (item,) = read(data)
    assert item == Skipped(offset=0, length=len(data), reason=RecordReason.NOT_AN_ARCHIVE, record_type="")


ARC = (
    b"filedesc://a.arc 0.0.0.0 20080430204825 text/plain 76\n1 0 InternetArchive\n"
    b"URL IP-address Archive-date Content-type Archive-length\n\n"
)


def arc_record(url: bytes, block: bytes) -> bytes:
    return b"%s 192.0.2.1 20080430204826 text/html %d\n%s\n" % (url, len(block), block)


def test_an_arc_is_read_like_a_warc(http, html, gz) -> None:
    parts = [ARC, arc_record(b"http://example.com/a b", http(html)), arc_record(b"dns:example.com", b"IN A 192.0.2.1")]
    for data in (b"".join(parts), gz(*parts)):
        items = read(data)
        assert told(items) == ["not_a_response", "http://example.com/a b", "not_http"]
        assert items[1].fetched_at == datetime(2008, 4, 30, 20, 48, 26, tzinfo=UTC)
        assert sum(item.length for item in items) == len(data)


def test_damage_in_an_arc_costs_itself(http, html) -> None:
    whole = arc_record(b"http://example.com/1", http(html))
    items = read(ARC + whole + b"garbage\n" * 9 + arc_record(b"http://example.com/2", http(html)))
    assert told(items) == ["not_a_response", "http://example.com/1", "damaged", "http://example.com/2"]


def test_lower_case_and_folded_headers_are_read(http, html) -> None:
    block = http(html)
    data = (
        b"warc/1.0\nwarc-type: RESPONSE\nwarc-target-uri:\n http://example.com/\nwarc-date: 2008-04-30t20:48:25z\n"
        b"content-length: %d\n\n%s\n\n" % (len(block), block)
    )
    assert told(read(data)) == ["http://example.com/"]


def test_images_can_be_asked_for(record, http, page) -> None:
    picture = b"\x89PNG\r\n\x1a\n" + bytes(40)
    data = (
        record(http(picture, content_type="image/png"))
        + page(1)
        + record(picture, "resource", Content_Type="image/png")
    )
    items = read(data, wanted=IMAGES)
    assert told(items) == ["https://example.com/", "content_type", "https://example.com/"]
    assert [(item.body, item.status) for item in items if isinstance(item, Page)] == [(picture, 200), (picture, None)]


def test_what_warcio_writes_is_read_with_the_digests_that_it_wrote(tmp_path: Path, html) -> None:
    path = tmp_path / "a.warc.gz"
    with path.open("wb") as file:
        writer = WARCWriter(file, gzip=True)
        for number in range(5):
            head = StatusAndHeaders("200 OK", [("Content-Type", "text/html")], protocol="HTTP/1.1")
            payload = io.BytesIO(html + b"%d" % number)
            record = writer.create_warc_record(f"http://a/{number}", "response", payload=payload, http_headers=head)
            writer.write_record(record)
            record.raw_stream.close()
    pages = list(read_records(path, limits=LIMITS))
    assert [page.url for page in pages] == [f"http://a/{number}" for number in range(5)]
    written = path.read_bytes()
    for page in pages:
        text = gzip.decompress(written[page.offset : page.offset + page.length])
        assert f"WARC-Payload-Digest: {page.payload_digest}".encode() in text


@pytest.mark.parametrize("damage", [b"filedesc:", b"filedesc://a.arc\n", b"filedesc: "])
def test_the_first_word_of_an_arc_in_damage_makes_no_arc_of_a_warc(page, gz, damage) -> None:
    records = [page(number) for number in range(4)]
    for whole in (gz(*records), b"".join(records)):
        for size in (0, len(damage)):
            items = read(damage + whole[size:])
            assert sum(isinstance(item, Page) for item in items) >= 3


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_damage_leaves_books_that_balance(page, gz, data) -> None:
    # Bytes are overwritten, cut out or put in anywhere: nothing is raised, offsets rise, nothing lies outside the file.
    is_packed = data.draw(st.booleans())
    records = [page(number) for number in range(4)]
    whole = bytearray(gz(*records) if is_packed else b"".join(records))
    at = data.draw(st.integers(0, len(whole)))
    size = data.draw(st.integers(0, 60))
    whole[at : at + size] = data.draw(st.binary(max_size=60))
    items = read(bytes(whole))
    offsets = [item.offset for item in items]
    assert offsets == sorted(set(offsets))
    assert all(item.offset >= 0 and item.offset + item.length <= len(whole) for item in items)
    assert sum(isinstance(item, Page) for item in items) >= 2


NODES = "application/vnd.weft.nodes+json"


def test_a_document_of_an_import_is_a_page_and_no_server_can_answer_with_one(record, http) -> None:
    body = b'{"nodes":[{"text":"x"}],"missing":[],"title":null}'
    (made,) = read(record(body, "conversion", Content_Type=NODES))
    assert (made.body, made.content_type, made.status) == (body, NODES, None)
    assert made.payload_digest == payload_digest(body)
    for other in (
        record(http(body, content_type=NODES)),
        record(body, "resource", Content_Type=NODES),
        record(body, "conversion", Content_Type="text/plain"),
    ):
        assert isinstance(read(other)[0], Skipped)
    assert isinstance(read(record(body, "conversion", Content_Type=NODES), wanted=IMAGES)[0], Skipped)


def test_an_image_without_an_address_of_its_own_is_called_by_its_hash(record) -> None:
    name = "data:sha256," + "0" * 64
    (image,) = read(record(b"GIF8", "resource", Content_Type="image/gif", WARC_Target_URI=name), wanted=IMAGES)
    assert image.url == name
    (page,) = read(record(b"GIF8", "resource", Content_Type="image/gif", WARC_Target_URI=name))
    assert (page.reason, page.content_type) == (RecordReason.NOT_A_RESPONSE, "image/gif")
    (wrong,) = read(record(b"GIF8", "resource", Content_Type="image/gif", WARC_Target_URI="data:,x"), wanted=IMAGES)
    assert wrong.reason == RecordReason.BAD_HEADER
