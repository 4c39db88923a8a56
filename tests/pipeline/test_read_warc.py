"""Records as drafts and counts."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from pipeline.archive.record import Page, Skipped
from pipeline.journal import Journal
from pipeline.read_warc import MAX_TROUBLES, Tally, crawl_of, drafts
from schemas.document import INPUTS
from schemas.reasons import DocumentReason, RecordReason


def page(offset):
    return Page(
        offset=offset,
        length=10,
        url="http://x/",
        fetched_at=datetime(2024, 5, 18, tzinfo=UTC),
        payload_digest="sha1:A",
        body=b"<p>x</p>",
        content_type="text/html",
        http_charset=None,
        robots_headers=(),
        tdm_header=None,
        status=200,
    )


def skipped(offset, reason, **facts):
    return Skipped(offset=offset, length=10, reason=reason, record_type=facts.pop("record_type", "response"), **facts)


def test_pages_become_drafts_and_every_record_is_counted(tmp_path):
    records = [
        skipped(0, RecordReason.NOT_A_RESPONSE, record_type="warcinfo"),
        page(10),
        skipped(20, RecordReason.STATUS, status=404, content_type="text/html"),
        skipped(30, RecordReason.STATUS, status=404, content_type="text/html"),
        skipped(40, RecordReason.DAMAGED, record_type=""),
        page(50),
    ]
    tally, journal = Tally("crawl-data/CC-MAIN-2024-22/a.warc.gz"), Journal(tmp_path / "j.log", seconds=60)
    made = list(drafts(iter(records), tally, journal))
    journal.finish()
    assert [draft.page.offset for draft in made] == [10, 50]
    assert {draft.crawl for draft in made} == {"CC-MAIN-2024-22"}
    row = tally.row()
    INPUTS.batch([row])
    assert (row["num_records"], row["num_pages"], row["num_bytes"]) == (6, 2, 60)
    counts = {(c["record_type"], c["status"], c["drop_reason"]): c["records"] for c in row["counts"]}
    assert counts == {
        ("warcinfo", None, "not_a_response"): 1,
        ("response", 200, None): 2,
        ("response", 404, "status"): 2,
        ("", None, "damaged"): 1,
    }
    assert row["troubles"] == [{"offset": 40, "reason": "damaged"}]


def test_a_page_that_a_worker_died_on_keeps_its_row_and_is_listed(tmp_path):
    path = tmp_path / "j.log"
    path.write_text("attempt 1\nrecord 10\nFatal Python error: Segmentation fault\n")
    journal = Journal(path, seconds=60)
    tally = Tally("a.warc.gz")
    first, second = drafts(iter([page(10), page(20)]), tally, journal)
    journal.finish()
    assert (first.drop_reason, second.drop_reason) == (DocumentReason.CRASHED, None)
    assert tally.troubles == [{"offset": 10, "reason": "crashed"}]


def test_troubles_are_listed_up_to_a_bound():
    tally = Tally("a")
    for offset in range(MAX_TROUBLES + 5):
        tally.count(skipped(offset, RecordReason.DAMAGED))
    assert len(tally.troubles) == MAX_TROUBLES
    assert tally.num_records == MAX_TROUBLES + 5


@pytest.mark.parametrize(
    ("name", "crawl"),
    [
        ("crawl-data/CC-MAIN-2024-22/segments/1/warc/CC-MAIN-20240518041007-00000.warc.gz", "CC-MAIN-2024-22"),
        ("CC-MAIN-20240518041007-20240518071007-00000.warc.gz", None),
        ("a.warc.gz", None),
    ],
)
def test_the_crawl_is_the_one_that_the_name_says(name, crawl):
    assert crawl_of(name) == crawl
