"""Documents into an archive: read back the same, the same bytes each time, nothing lost without a word."""

from __future__ import annotations

import dataclasses

from warcio.archiveiterator import ArchiveIterator

from pipeline.archive.config import Config
from pipeline.archive.records import read_records
from pipeline.imports.corpus import NAMED, Imported, Rejected, media_type, own_address, write_archive
from pipeline.read_warc import Tally


def test_documents_and_images_come_back_and_what_has_no_bytes_is_an_address(archived, png):
    own = own_address(png(2))
    document = Imported(
        url="http://a.example/",
        nodes=[{"text": "One."}, {"image_url": "http://a.example/1.png"}, {"image_url": own}, {"text": "Two."}],
        images={"http://a.example/1.png": png(1), own: png(2)},
    )
    other = Imported(url="http://b.example/", nodes=[{"image_url": "http://b.example/x.png"}, {"image_url": own}])
    tally, pages, images = archived([document, other])
    assert pages["http://a.example/"] == ["One.", ("http://a.example/1.png",), (own,), "Two."]
    assert images == {"http://a.example/1.png": png(1), own: png(2)}
    assert dict(tally.counts) == {"documents": 2, "texts": 2, "images_with_bytes": 3, "images_by_address": 1}


def test_other_readers_of_archives_find_every_record_and_its_digest(one, tmp_path, png):
    address = "http://a.example/ü.png"
    item = dataclasses.replace(one, nodes=[*one.nodes, {"image_url": address}], images={address: png(1)})
    write_archive(tmp_path / "x.warc.gz", [item])
    with (tmp_path / "x.warc.gz").open("rb") as file:
        iterator = ArchiveIterator(file, check_digests="raise")
        read = [(record.rec_type, record.content_stream().read()) for record in iterator]
    assert [kind for kind, _ in read] == ["resource", "conversion"]
    assert read[0][1] == png(1)


def test_the_same_documents_are_the_same_bytes_and_no_draft_is_left(one, tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        write_archive(tmp_path / name / "x.warc.gz", [one])
    assert (tmp_path / "a/x.warc.gz").read_bytes() == (tmp_path / "b/x.warc.gz").read_bytes()
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["x.warc.gz"]


def test_what_is_rejected_or_missing_is_counted_and_the_first_are_named(one, archived):
    wrong = [Rejected(f"row {n}", "broken") for n in range(NAMED + 2)]
    addresses = [
        dataclasses.replace(one, url=url) for url in ("ftp://a", "http://a/ b", "http://a/\r\nX: y", "http://")
    ]
    tally, pages, _ = archived([*wrong, *addresses, dataclasses.replace(one, missing=["m.png"])])
    assert (tally.counts["rejected"], tally.counts["images_missing"], tally.counts["documents"]) == (NAMED + 6, 1, 1)
    assert tally.troubles[0] == "row 0: broken"
    assert len(tally.troubles) == NAMED
    assert list(pages) == ["http://a.example/"]


def test_step_01_counts_images_of_the_archive_so_that_step_04_looks_for_them(tmp_path, png):
    own = own_address(png(1))
    path = tmp_path / "x.warc.gz"
    write_archive(path, [Imported(url="http://a.example/", nodes=[{"image_url": own}], images={own: png(1)})])
    tally = Tally("x.warc.gz")
    for record in read_records(path, limits=Config()):
        tally.count(record)
    assert [(c["record_type"], c["content_type"], c["drop_reason"]) for c in tally.row()["counts"]] == [
        ("conversion", "application/vnd.weft.nodes+json", None),
        ("resource", "image/png", "not_a_response"),
    ]


def test_media_types_are_told_by_the_first_bytes(png):
    assert [media_type(data) for data in (png(1), b"\xff\xd8\xff\xe0", b"II*\x00", b"??")] == [
        "image/png",
        "image/jpeg",
        "image/tiff",
        "image/unknown",
    ]
