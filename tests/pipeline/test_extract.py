"""Stage extract: what a page allows and what it holds, as a decision on the draft."""

from __future__ import annotations

import dataclasses

import pytest

from filters.extract import Limits
from pipeline.draft import Draft
from pipeline.extract import Config, stage
from schemas.reasons import DocumentReason

TEXT = "<p>" + "A paragraph that a reader reads, of a length that nobody takes for a menu. " * 4 + "</p>"


@pytest.fixture
def extracted(tea):
    def run(body, config=None, **response):
        draft = Draft(page=dataclasses.replace(tea, body=body.encode(), **response), warc_filename="a")
        stage(config or Config())(draft)
        return draft

    return run


def test_a_page_with_text_goes_on(extracted):
    draft = extracted(f"<html><body>{TEXT}</body></html>")
    assert draft.drop_reason is None
    assert draft.node_texts()[0].startswith("A paragraph")


@pytest.mark.parametrize(
    ("html", "response"),
    [
        (f'<head><meta name="robots" content="noai"></head>{TEXT}', {}),
        (TEXT, {"robots_headers": ("noai",)}),
        (TEXT, {"tdm_header": "1"}),
    ],
)
def test_a_page_or_response_that_opts_out_is_dropped_for_that(extracted, html, response):
    assert extracted(html, **response).drop_reason == DocumentReason.OPTED_OUT


def test_pages_over_a_budget_and_pages_without_text_say_so(extracted):
    budget = Config(limits=Limits(max_depth=20))
    assert extracted("<div>" * 100 + TEXT, budget).drop_reason == DocumentReason.TOO_DEEP
    assert extracted("<html><body><img src=/a.jpg></body></html>").drop_reason == DocumentReason.NO_TEXT


def test_the_mode_decides_how_much_of_the_page_is_read(extracted):
    html = f"<body><main>{TEXT}</main><div><p>An aside of a few words.</p></div></body>"
    recall = extracted(html, Config(mode="recall"))
    assert "An aside of a few words." in recall.node_texts()
    assert len(recall.node_texts()) >= len(extracted(html).node_texts())


def test_comments_are_kept_or_dropped_as_the_recipe_says(extracted):
    thread = "A comment that a reader wrote below the article, of a length that counts as one."
    html = f"<body><article>{TEXT}</article><div class='comments'><p>{thread}</p></div></body>"
    kept = {
        (mode, comments): thread in extracted(html, Config(mode=mode, comments=comments)).node_texts()
        for mode in ("main", "recall")
        for comments in ("by_mode", "keep", "drop")
    }
    assert kept == {
        ("main", "by_mode"): False,
        ("main", "keep"): True,
        ("main", "drop"): False,
        ("recall", "by_mode"): True,
        ("recall", "keep"): True,
        ("recall", "drop"): False,
    }
