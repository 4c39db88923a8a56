"""Rows of share links."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.extract.density import lengths_of, sums_of
from filters.extract.share_links import share_rows
from filters.extract.tree import build

FACEBOOK = '<a href="https://www.facebook.com/sharer/sharer.php?u=x">f</a>'
TWITTER = '<a href="//twitter.com/intent/tweet?text=x">t</a>'


def rows(markup: str) -> list[str]:
    """The opening of each row: name and attributes."""
    tree = build(f"<html><body>{markup}</body></html>")
    found = share_rows(tree, sums_of(tree, lengths_of(tree), {}))
    return [tree.attrs[i] or tree.tag[i] for i in found]


@pytest.mark.parametrize(
    "href",
    [
        "https://www.facebook.com/sharer.php?u=x", "http://facebook.com/share.php?u=x", "https://x.com/intent/post?text=x",
        "https://twitter.com/share?url=x", "https://www.linkedin.com/shareArticle?mini=true",
        "https://www.linkedin.com/sharing/share-offsite/?url=x", "https://www.pinterest.com/pin/create/button/?url=x",
        "https://www.reddit.com/submit?url=x", "https://t.me/share/url?url=x", "https://api.whatsapp.com/send?text=x",
        "whatsapp://send?text=x", "https://wa.me/?text=x", "https://vk.com/share.php?url=x", "mailto:?subject=x",
        "https://service.weibo.com/share/share.php?url=x", "https://bsky.app/intent/compose?text=x",
        "https://social-plugins.line.me/lineit/share?url=x", "https://b.hatena.ne.jp/add?url=x",
        "https://connect.ok.ru/dk/offer/share?url=x", "https://sns.qzone.qq.com/cgi-bin/qzshare/share?url=x",
    ],
)  # fmt: skip
def test_two_links_to_share_by_are_a_row_whatever_it_is_called(href: str) -> None:
    row = f'<ul lang="row"><li><a href="{href}">x</a></li><li>{FACEBOOK}</li></ul>'
    assert rows(f"<div>{row}<p>{'text ' * 30}</p></div>") == ['ul lang="row"']


@pytest.mark.parametrize(
    "markup",
    [
        f"<p>{FACEBOOK}</p>",
        '<p><a href="https://www.facebook.com/paper">a</a><a href="https://twitter.com/paper">b</a></p>',
        f"<p>Of the buttons by which a page is sent on, {FACEBOOK} and {TWITTER} are the oldest and the most used.</p>",
        f"<div>{FACEBOOK}<a href=/1>1</a><a href=/2>2</a><a href=/3>3</a>{TWITTER}</div>",
    ],
)
def test_what_a_text_speaks_of_is_no_row(markup: str) -> None:
    assert rows(markup) == []


def test_a_row_is_as_large_as_it_holds_nothing_else() -> None:
    row = f'<div lang="row"><span>Share this:</span><p>{FACEBOOK}</p><p>{TWITTER}</p></div>'
    assert rows(f'<figure lang="figure"><img src="a.jpg">{row}</figure>') == ['div lang="row"']
    assert rows(f"<article>{row}</article>") == ['div lang="row"']
    assert rows(f'<section lang="all">{row}<p>12 shares</p></section>') == ['section lang="all"']


PIECES = [FACEBOOK, TWITTER, "<a href=/x>x</a>", "<div>", "</div>", "<img src=a>", "text"]


@given(st.lists(st.sampled_from(PIECES), max_size=30))
def test_rows_do_not_overlap(pieces: list[str]) -> None:
    tree = build("<html><body>" + "".join(pieces) + "</body></html>")
    found = share_rows(tree, sums_of(tree, lengths_of(tree), {}))
    assert all(tree.end[before] <= after for before, after in pairwise(found))
