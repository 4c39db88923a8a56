"""Readers' comments: out of the main content, and in where a recipe asks for them."""

from __future__ import annotations

import pytest

from filters.extract import Document, extract
from schemas.reasons import ReferenceReason

LONG = (
    "The bakery opens at five, when the street is dark and only the lorries of the market pass, "
    "loaded with apples, onions and cabbage."
)
FIRST = "I buy my rolls there every Saturday, and they are the best in town, believe me."
SECOND = "Me too, although the queue is long, and the dog in the picture is mine."
THREAD = (
    '<section id="comments" class="comments-area"><h2>2 comments</h2><ol class="comment-list">'
    f'<li><img class="avatar" src="/ann.jpg"><p>{FIRST}</p></li><li><p>{SECOND}</p><img src="/dog.jpg"></li></ol>'
    '<div id="respond"><h3>Leave a comment</h3><form><p>Your address will not be published, and fields with a star are'
    " required.</p><input><button>Send</button></form></div></section>"
)


def read(body: str, comments: bool | None, mode: str = "main", explain: bool = False) -> Document:
    return extract(f"<body>{body}</body>".encode(), "https://h.example/a", mode, comments=comments, explain=explain)


def shown(found: Document) -> list[str | None]:
    return [node.text or node.image_url for node in found.nodes]


@pytest.mark.parametrize(
    "page",
    [
        f"<article><p>{LONG}</p><p>{LONG} It smells.</p>{THREAD}</article>",
        f"<article><p>{LONG}</p><p>{LONG} It smells.</p></article><aside>{THREAD}</aside>",
    ],
)
def test_threads_follow_the_main_content_where_they_are_asked_for(page: str) -> None:
    article = [LONG, f"{LONG} It smells."]
    without = read(page, None)
    assert shown(without) == shown(read(page, False)) == article
    kept = read(page, True, explain=True)
    assert shown(kept) == [*article, FIRST, SECOND, "https://h.example/dog.jpg"]
    assert [(image.url[-8:], image.reason) for image in kept.dropped] == [("/ann.jpg", ReferenceReason.AVATAR)]
    assert not any(FIRST in text.text for text in kept.dropped_texts)
    assert any(FIRST in text.text for text in read(page, None, explain=True).dropped_texts)


def test_recall_keeps_threads_unless_they_are_not_wanted() -> None:
    page = f"<article><p>{LONG}</p></article>{THREAD}"
    assert FIRST in shown(read(page, None, "recall"))
    assert FIRST in shown(read(page, True, "recall"))
    assert shown(read(page, False, "recall")) == [LONG]


def test_a_count_of_comments_is_no_thread() -> None:
    page = f"<article><p>{LONG}</p></article><div class='comments'>There are three comments. <a href=/c>Read</a></div>"
    assert shown(read(page, True)) == [LONG]


def test_a_thread_that_is_the_content_is_given_once() -> None:
    page = f'<div class="comments"><p>{LONG}</p><p>{LONG} Yes.</p></div>'
    assert shown(read(page, True)) == [LONG, f"{LONG} Yes."]
