from dataclasses import replace

from filters.extract import Document, DroppedImage, Node
from filters.forgotten import Forgotten, digest, replacement
from pipeline.draft import Draft
from pipeline.forget_pages import closed, stages
from schemas.document import DOCUMENTS
from schemas.reasons import DocumentReason, ReferenceReason

KNOWN = Forgotten([("url", digest("url", "http://a.example/gone")), ("host", digest("host", "gone.example"))])
BEFORE, AFTER = stages(KNOWN)


def test_a_page_that_was_to_be_forgotten_is_not_even_extracted(tea):
    draft = Draft(page=replace(tea, url="http://a.example/gone"), warc_filename="a")
    BEFORE(draft)
    assert draft.drop_reason == DocumentReason.FORGOTTEN
    other = Draft(page=replace(tea, url="http://a.example/here"), warc_filename="a")
    BEFORE(other)
    assert other.drop_reason is None


def test_images_and_addresses_go_from_other_pages(tea):
    gone, here = "http://gone.example/1.png", "http://here.example/1.png"
    nodes = [Node(image_url=gone, role="image", alt="x"), Node(image_url=here, role="image", alt=f"from {gone}")]
    document = Document(
        nodes=[Node(text=f"See {gone}."), *nodes],
        dropped=[DroppedImage(url=gone, reason=ReferenceReason.ADVERT)],
        title=f"Of {gone}",
        licence=gone,
    )
    draft = Draft(page=tea, warc_filename="a", document=document)
    AFTER(draft)
    made = draft.document
    assert made.nodes[0].text == "See <url>."
    assert (made.nodes[1].image_url, made.nodes[1].alt) == (replacement(gone), None)
    assert (made.nodes[2].image_url, made.nodes[2].alt) == (here, "from <url>")
    assert [image.url for image in made.dropped] == [replacement(gone)]
    assert (made.title, made.licence) == ("Of <url>", None)
    assert "gone.example" not in repr(made)


def test_the_row_of_such_a_page_names_nothing(row_of):
    url = "http://a.example/gone"
    row = row_of(DOCUMENTS, url=url, url_key=url, site="a.example", title="T", drop_reason="forgotten")
    assert "a.example" not in repr(closed(row))
    assert DOCUMENTS.batch([closed(row)]).num_rows == 1
    kept = row_of(DOCUMENTS, url=url)
    assert closed(kept) == kept
