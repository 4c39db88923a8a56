import dataclasses
import datetime

import pytest

from filters.extract import Document, Node
from filters.text.personal_data import Config
from pipeline.archive.record import Page
from pipeline.draft import Draft
from pipeline.mask_personal_data import FIELDS, stage

SECRET = "jane.doe@example.org"


@pytest.fixture
def draft():
    page = Page(
        offset=0,
        length=1,
        url="http://a.example/",
        fetched_at=datetime.datetime(2024, 1, 1, tzinfo=datetime.UTC),
        payload_digest="sha1:A",
        body=b"",
        content_type="text/html",
        http_charset=None,
        robots_headers=(),
        tdm_header=None,
        status=200,
    )
    image = Node(image_url="http://a.example/a.jpg", role="image", alt=f"Of {SECRET}", title=SECRET, caption=SECRET)
    nodes = [Node(text=f"Write to {SECRET} or {SECRET}."), image, Node(text="Nothing here.")]
    return Draft(
        page=page, warc_filename="a.warc.gz", document=Document(nodes=nodes, title=f"By {SECRET}", author=SECRET)
    )


def test_no_field_that_is_written_keeps_it_and_each_is_counted(draft):
    kept = draft.document.nodes[2]
    stage(Config())(draft)
    assert draft.document.nodes[0].text == "Write to <email> or <email>."
    assert (draft.document.title, draft.document.author) == ("By <email>", "<email>")
    shown = [getattr(node, name) for node in draft.document.nodes for name in FIELDS]
    assert not any(SECRET in text for text in shown if text)
    assert draft.masked == {"email": 7}
    assert draft.document.nodes[2] is kept


def test_a_recipe_that_masks_nothing_changes_nothing(draft):
    before = dataclasses.replace(draft.document)
    stage(Config(mask=()))(draft)
    assert draft.document == before
    assert draft.masked == {}


def test_a_page_without_a_document_stays_so(draft):
    draft.document = None
    stage(Config())(draft)
    assert draft.document is None
