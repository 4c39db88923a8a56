import pytest

from pipeline.report.disclosure import shows_address, shows_page_address, shows_picture, shows_text, withholds
from schemas.reasons import DocumentReason, FetchStatus, FileReason, UrlReason

WITHHELD = [
    *("opted_out", "url:opted_out", "fetch:opted_out", "fetch:robots", "fetch:blocked_by_list", "url:blocked"),
    *("file:nsfw", "file:nsfw_not_scored", "url:forgotten", "fetch:forgotten", "a reason of tomorrow"),
]


@pytest.mark.parametrize("reason", WITHHELD)
def test_what_was_dropped_for_consent_a_list_or_safety_is_never_drawn(reason):
    assert not shows_picture(reason)
    assert withholds(reason)


@pytest.mark.parametrize("reason", ["furniture", "inline_svg", "url:extension", "fetch:connect", "fetch:not_an_image"])
def test_what_was_never_there_is_no_grey_box(reason):
    assert not shows_picture(reason)
    assert not withholds(reason)


@pytest.mark.parametrize("reason", ["fetch:blocked_by_list", "url:blocked", "url:forgotten", "a reason of tomorrow"])
def test_what_a_list_named_or_nobody_thought_of_has_no_address(reason):
    assert not shows_address(reason)


def test_what_broke_a_rule_on_measures_may_be_seen():
    assert all(map(shows_picture, [None, "file:too_small", "file:blurred", "repeated_in_corpus", "low_score"]))
    assert all(map(shows_address, [None, "file:too_small", "file:nsfw", "fetch:timeout", "url:scheme", "opted_out"]))


def test_no_answer_of_a_server_is_drawn():
    assert not any(shows_picture(f"fetch:{status}") for status in FetchStatus)
    assert not any(shows_picture(f"url:{reason}") for reason in UrlReason)
    assert not shows_picture(f"file:{FileReason.DECODE_ERROR}")


def test_pages_that_opted_out_or_stand_on_a_list_have_no_text():
    assert not shows_text("opted_out")
    assert shows_page_address("opted_out")
    assert not shows_page_address("blocked")
    assert not shows_page_address("forgotten")
    assert not shows_text("forgotten")
    assert not shows_text("blocked")
    assert not shows_text("a reason of tomorrow")
    assert shows_text(None)
    assert shows_text(DocumentReason.TOO_FEW_WORDS)
