import pytest

from filters.text.rule_sets import SETS
from pipeline.report.cards import Cards, archive_copy

SECRET = "http://listed.example/secret.jpg"


class Drawn:
    """Draws anything, and remembers what it was asked for."""

    def __init__(self):
        self.asked = []

    def draw(self, image, _side=160):
        self.asked.append(image)
        return "data:image/jpeg;base64,AA"


@pytest.fixture
def cards():
    heads = {"d": {"title": "Tea \u202e", "url": "javascript:alert(1)", "drop_reason": None}}
    heads["out"] = {"title": "closed", "url": "http://closed.example/", "drop_reason": "opted_out"}
    return Cards(thumbnails=Drawn(), rules=SETS["weft"], heads=heads)


def image(**values):
    row = {
        "url": SECRET,
        "sha256": "beef",
        "store_file": "a.tar",
        "store_offset": 0,
        "store_length": 10,
        "alt": "secret",
    }
    return row | {"width": 640, "height": 480, "nsfw_score": 0.9, "detail": "sha256 on list l", "id": "d"} | values


@pytest.mark.parametrize(
    "reason", ["file:nsfw", "fetch:opted_out", "fetch:robots", "url:opted_out", "file:nsfw_not_scored"]
)
def test_a_grey_box_has_reason_measures_and_address_but_the_bytes_are_not_even_read(cards, reason):
    card = cards.of_image(image(), reason)
    assert card["picture"] is None
    assert card["withheld"]
    assert cards.thumbnails.asked == []
    assert ("NSFW score", "0.9000") in card["facts"]
    assert card["link"] == SECRET


@pytest.mark.parametrize("reason", ["fetch:blocked_by_list", "url:blocked", "url:forgotten"])
def test_of_what_a_list_named_nothing_is_said_that_leads_to_it(cards, reason):
    said = str(cards.of_image(image(), reason))
    assert not any(word in said for word in ("listed.example", "secret", "sha256 on list", "Tea", "beef"))


def test_what_broke_a_measure_is_drawn_with_the_page_it_is_of(cards):
    card = cards.of_image(image(), "file:too_small")
    assert card["picture"]
    assert card["other"] == {"how": "on the page", "title": "Tea [U+202E]", "url": "javascript:alert(1)", "link": None}


def test_a_page_that_opted_out_is_never_named_beside_its_images(cards):
    assert cards.of_image(image(id="out"), "file:too_small")["other"] is None


def page(**values):
    nodes = [{"role": "paragraph", "text": "a text", "image_url": None, "alt": None, "drop_reason": None}]
    row = {"id": "p", "title": "T", "url": "http://p.example/", "site": "p.example", "language": "en"}
    row |= {"language_score": 0.9, "num_words": 2, "num_tokens": 3, "measures": None, "num_nodes": 1, "nodes": nodes}
    return row | {"warc_filename": "w", "warc_record_offset": 1, "warc_record_length": 2} | values


def test_a_page_that_opted_out_shows_its_address_and_no_text(cards):
    card = cards.of_page(page(), "opted_out", {})
    assert (card["title"], card["excerpt"], card["link"]) == ("", "", "http://p.example/")
    assert cards.of_page(page(), "blocked", {})["url"] == ""
    assert cards.of_page(page(), "too_few_words", {})["excerpt"] == "a text"


def test_a_document_keeps_its_order_and_says_what_was_dropped(cards):
    nodes = [
        {"role": "heading1", "text": "H", "image_url": None, "alt": None, "drop_reason": None},
        {"role": "image", "text": None, "image_url": SECRET, "alt": "secret", "drop_reason": None},
        {"role": "image", "text": None, "image_url": "http://i.example/2.jpg", "alt": "two", "drop_reason": None},
        {"role": "paragraph", "text": "twice", "image_url": None, "alt": None, "drop_reason": None},
    ]
    match = {"clip_score": 0.3, "nsfw_score": 0.0, "width": 1, "height": 1, "count_in_corpus": 1}
    images = {1: match | {"drop_reason": "fetch:blocked_by_list", "clip_score": None}, 2: match | {"drop_reason": None}}
    card = cards.of_document(page(nodes=nodes), {"dropped_nodes": [3], "num_images": 1}, images)
    assert [node["reason"] for node in card["nodes"]] == [None, "fetch:blocked_by_list", None, "repeated_on_site"]
    assert "secret" not in str(card)
    assert card["nodes"][2]["picture"]
    assert card["best_score"] == 0.3


def test_only_archives_of_common_crawl_have_an_address():
    assert archive_copy(page(warc_filename="crawl-data/a.warc.gz"))["link"].endswith("/crawl-data/a.warc.gz")
    assert archive_copy(page())["link"] is None
