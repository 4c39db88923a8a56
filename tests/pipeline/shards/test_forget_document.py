import pytest

from filters.forgotten import Forgotten, digest
from pipeline.shards.check_document import Options, check_document
from pipeline.shards.forget_document import forget_in_document

URLS = ["http://img.example/1.png", "http://img.example/2.png", "http://img.example/3.png"]


@pytest.fixture
def document():
    """Text 0, image 1, text 2, image 3, text 4, image 5; each image matched to the text before it."""
    facts = [{"url": url, "sha256": f"s{n}", "original_sha256": f"o{n}", "licence": None} for n, url in enumerate(URLS)]
    texts = dict.fromkeys(("alt", "title", "caption"))
    return {
        "texts": ["a", None, "b", None, "see http://img.example/2.png", None],
        "images": [None, "000.jpg", None, "001.jpg", None, "002.jpg"],
        "roles": ["paragraph", "image"] * 3,
        "metadata": [None, facts[0] | texts, None, facts[1] | texts, None, facts[2] | texts],
        "similarity_matrix": [[0.1, 0.2, 0.3], [0.4, 0.5, 0.6], [0.7, 0.8, 0.9]],
        "matched_text_index": [0, 2, 4],
        "general_metadata": {"url": "http://page.example/", "title": None, "licence": None},
        "extra": {},
    }


def known(kind, *entries):
    return Forgotten([(kind, digest(kind, entry)) for entry in entries])


def test_what_is_left_keeps_its_order_and_its_scores(document):
    made, kept = forget_in_document(document, known("url", URLS[1]), lambda _: False, 1)
    assert kept == ["000.jpg", "002.jpg"]
    assert made["texts"] == ["a", None, "b", "see <url>", None]
    assert made["images"] == [None, "000.jpg", None, None, "001.jpg"]
    assert made["roles"] == ["paragraph", "image", "paragraph", "paragraph", "image"]
    assert [facts and facts["url"] for facts in made["metadata"]] == [None, URLS[0], None, None, URLS[2]]
    assert made["similarity_matrix"] == [[0.1, 0.2, 0.3], [0.7, 0.8, 0.9]]
    assert made["matched_text_index"] == [0, 3]


@pytest.mark.parametrize("gone", ["s0", "o0"])
def test_a_file_goes_by_the_hash_of_the_member_or_of_what_was_fetched(document, gone):
    made, kept = forget_in_document(document, known("url"), lambda sha256: sha256 == gone, 1)
    assert kept == ["001.jpg", "002.jpg"]
    assert made["matched_text_index"] == [1, 3]


def test_a_document_that_loses_too_many_goes_as_a_whole(document):
    assert forget_in_document(document, known("host", "img.example"), lambda _: False, 0) is None
    assert forget_in_document(document, known("url", URLS[0]), lambda _: False, 3) is None
    assert forget_in_document(document, known("url", URLS[0]), lambda _: False, 2) is not None


def test_a_page_goes_by_its_url(document):
    assert forget_in_document(document, known("host", "page.example"), lambda _: False, 1) is None


def test_a_document_that_holds_nothing_of_it_is_the_same(document):
    made, kept = forget_in_document(document, known("url", "http://other.example/"), lambda _: False, 1)
    assert made == document
    assert kept == ["000.jpg", "001.jpg", "002.jpg"]


def test_what_is_left_is_sound(sound_document):
    key, document = sound_document
    url = next(facts["url"] for facts in document["metadata"] if facts)
    made, _ = forget_in_document(document, known("url", "http://other.example/"), lambda _: False, 1)
    faults = [*check_document(key, made, {}, {document["recipe"]}, Options())]
    assert [str(fault) for fault, _ in faults] == ["image_missing"]  # of its bytes nothing was said here
    assert forget_in_document(document, known("url", url), lambda _: False, 1) is None
