"""The interface of extraction: what each call promises."""

from __future__ import annotations

import base64
import hashlib

import pytest

from filters.extract import MODES, Document, Limits, extract
from schemas.errors import ConfigError
from schemas.reasons import DocumentReason, ReferenceReason

URL = "https://paper.example/a/b.html"
LONG = (
    "The bakery opens at five, when the street is dark and only the lorries of the market pass, "
    "loaded with apples, onions and cabbage. "
)


def read(body: str, mode: str = "main", **options: object) -> Document:
    return extract(f"<html><body>{body}</body></html>".encode(), URL, mode, **options)  # type: ignore[arg-type]


def test_both_modes_exist_and_no_other() -> None:
    for mode in MODES:
        assert extract(b"<p>a text of some words</p>", URL, mode).failure is None
    with pytest.raises(ConfigError, match=r"extract\.mode"):
        extract(b"", URL, "most")


@pytest.mark.parametrize("name", Limits.__slots__)
def test_a_limit_below_one_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match=name):
        Limits(**{name: 0})


def test_recall_keeps_what_main_leaves_out_but_no_navigation() -> None:
    body = (
        f"<nav><a href=/>Home</a></nav><article><p>{LONG * 3}</p></article><aside><p>An aside of some "
        f"words, beside the text.</p><img src=/aside.jpg></aside>"
    )
    main, recall = read(body), read(body, "recall")
    assert [node.text for node in main.nodes] == [(LONG * 3).strip()]
    assert [node.image_url or node.text for node in recall.nodes][1:] == [
        "An aside of some words, beside the text.",
        "https://paper.example/aside.jpg",
    ]
    assert main.dropped[0].reason is ReferenceReason.FURNITURE


@pytest.mark.parametrize(
    "hidden",
    ['<h2 class="screen-reader-text">Steps</h2>', '<p class="sr-only">For those who listen.</p>',
     '<a class="visually-hidden" href="/x">Skip</a>', "<dialog><p>Sign in to read more.</p></dialog>",
     '<div style="clip: rect(0 0 0 0)">For those who listen.</div>', '<img hidden src="/b.jpg">'],
)  # fmt: skip
def test_what_a_reader_does_not_see_is_no_node(hidden: str) -> None:
    found = read(f"<article><p>{LONG * 3}</p>{hidden}<p>{LONG * 2}</p></article>")
    assert [node.text for node in found.nodes] == [(LONG * 3).strip(), (LONG * 2).strip()]


def test_an_open_dialog_is_read() -> None:
    shown = "<dialog open><p>The shop is shut on Monday.</p></dialog>"
    assert read(f"<article><p>{LONG * 3}</p>{shown}<p>{LONG * 2}</p></article>").nodes[1].text == (
        "The shop is shut on Monday."
    )


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    "furniture",
    [
        '<div><a href="https://www.facebook.com/sharer.php?u=x">f</a><a href="https://twitter.com/intent/tweet">t</a></div>',
        '<ul class="sns"><li><a href="https://net.example/x">Send it on</a></li></ul>',
        '<div class="ad-container"><a href="https://shop.example/"><img src="/offer.jpg"></a></div>',
        '<div class="author-box"><img src="/ann.jpg"><p>Ann Berg bakes, and writes of what she baked.</p></div>',
        '<div style="height:0;overflow:hidden"><p>What a script may show when it is asked for.</p></div>',
        '<div style="opacity:0"><p>A text for machines, which no reader sees.</p></div>',
    ],
)
def test_furniture_goes_in_both_modes(furniture: str, mode: str) -> None:
    found = read(f"<article><p>{LONG * 3}</p>{furniture}<p>{LONG * 2}</p></article>", mode)
    assert [node.text for node in found.nodes] == [(LONG * 3).strip(), (LONG * 2).strip()]


def test_a_post_that_the_text_quotes_is_read() -> None:
    post = '<blockquote><p>A loaf is a promise.</p><a href="https://net.example/1">May 18</a></blockquote>'
    for name in ("social-media-embed", "share-post", "media"):
        found = read(f'<article><p>{LONG * 3}</p><div class="{name}">{post}</div><p>{LONG * 2}</p></article>')
        assert "A loaf is a promise." in [node.text for node in found.nodes]


def test_a_picture_that_comes_from_where_its_credit_leads_is_kept() -> None:
    box = (
        '<div><a href="https://www.photos.example/ann/1"><img src="https://img7.photos.example/1.jpg"></a><br>'
        '<span><a href="https://www.photos.example/ann/1">A loaf</a><br>Uploaded by '
        '<a href="https://www.photos.example/ann">Ann</a>.</span></div>'
    )
    kept = read(f"<article><p>{LONG * 3}</p>{box}<p>{LONG * 2}</p></article>")
    assert [node.image_url for node in kept.nodes if node.image_url] == ["https://img7.photos.example/1.jpg"]
    for elsewhere in (box.replace("img7.photos", "img7.other"), box.replace("www.photos.example", "paper.example")):
        found = read(f"<article><p>{LONG * 3}</p>{elsewhere}<p>{LONG * 2}</p></article>")
        assert [node.image_url for node in found.nodes if node.image_url] == []


def test_a_paragraph_in_a_box_of_its_own_is_read_with_those_beside_it() -> None:
    box = '<div class="part"><p>{}</p></div>'
    linked = box.format('It was told in an article in the <a href="/x">Journal of the Bakers</a>.')
    whole = box.format(LONG * 2) + linked + box.format(LONG * 3)
    texts = [node.text for node in read(f"<article>{whole}</article>").nodes]
    assert texts[1] == "It was told in an article in the Journal of the Bakers."
    other = linked.replace('class="part"', 'class="box"')
    assert len(read(f"<article>{whole.replace(linked, other)}</article>").nodes) == 2


def test_a_transparent_box_that_holds_much_of_the_page_is_read() -> None:
    found = read(f'<article><div style="opacity:0"><p>{LONG * 3}</p></div><p>{LONG * 2}</p></article>')
    assert [node.text for node in found.nodes] == [(LONG * 3).strip(), (LONG * 2).strip()]
    parts = "".join(f'<div style="opacity:0"><p>{LONG}{i}</p></div>' for i in range(5))
    assert len(read(f"<article>{parts}<p>{LONG * 5}</p></article>").nodes) == 6  # none of them is much


def test_an_image_inside_a_url_has_its_bytes_kept_aside() -> None:
    png = b"\x89PNG\r\n\x1a\n" + bytes(300)
    url = "data:image/png;base64," + base64.b64encode(png).decode()
    found = read(f'<article><p>{LONG * 3}</p><img src="{url}"></article>')
    name = "data:sha256," + hashlib.sha256(png).hexdigest()
    assert [node.image_url for node in found.nodes if node.image_url] == [name]
    assert found.data_images == {name: png}
    small = read(f'<article><p>{LONG * 3}</p><img src="{url}"></article>', limits=Limits(max_data_image_bytes=100))
    assert [image.reason for image in small.dropped] == [ReferenceReason.DATA_URL]


def test_inline_drawings_are_dropped_with_a_reason() -> None:
    assert [i.reason for i in read("<p>text<svg><path d=m0></svg></p>").dropped] == [ReferenceReason.INLINE_SVG]


def test_no_more_images_than_a_shard_can_number() -> None:
    images = "".join(f"<p>{LONG}</p><img src=/{i}.jpg>" for i in range(5))
    found = read(f"<article>{images}</article>", limits=Limits(max_images=3))
    assert len([n for n in found.nodes if n.image_url]) == 3
    assert [i.reason for i in found.dropped] == [ReferenceReason.OVER_LIMIT] * 2


def test_the_indentation_between_spans_of_code_is_kept() -> None:
    code = "<pre><b>if</b> x:\n    <i>y</i>\n\n    <i>z</i></pre>"
    found = read(f"<article><p>{LONG * 3}</p>{code}<p>{LONG}</p></article>")
    assert found.nodes[1].text == "if x:\n    y\n\n    z"
    assert found.nodes[1].role == "code"


def test_indentation_that_stands_in_spans_of_its_own_is_kept() -> None:
    code = (
        '<pre><span></span><span class="k">class</span><span class="w"> </span>A:\n'
        '<span class="w">    </span><span class="k">def</span> f():</span>\n<span class="w">        </span>'
        '<span></span>\n<span class="w">        </span><b>return</b> 1</pre>'
    )
    found = read(f"<article><p>{LONG * 3}</p>{code}<p>{LONG}</p></article>")
    assert found.nodes[1].text == "class A:\n    def f():\n\n        return 1"
    first = read(f"<article><p>{LONG * 3}</p><pre>    <b>deep</b>\n<b>flat</b></pre><p>{LONG}</p></article>")
    assert first.nodes[1].text == "    deep\nflat"


def test_a_listing_keeps_the_titles_of_its_entries_and_leaves_out_their_dates() -> None:
    entry = (
        '<article class="post"><header class="entry-header"><h2 class="entry-title"><a href="/{0}">Loaf {0}</a></h2>'
        '<p class="entry-meta">12 May 2024 by <a href="/a">Anna Berg</a></p></header>'
        '<div class="entry-content"><img src="/{0}.jpg"><p>{1} <a href="/{0}">[Read more...]</a></p></div></article>'
    )
    found = read("<main>" + "".join(entry.format(i, f"{LONG}{i}.") for i in range(4)) + "</main>")
    shown = [node.text or node.image_url for node in found.nodes]
    assert shown == [
        value for i in range(4) for value in (f"Loaf {i}", f"https://paper.example/{i}.jpg", f"{LONG}{i}.")
    ]


@pytest.mark.parametrize("name", ["class", "id", "style", "role", "href"])
def test_an_attribute_that_ends_like_the_start_of_another_is_read(name: str) -> None:
    assert read(f'<div title=" {name}="><p>{LONG}</p></div>').nodes[0].text == LONG.strip()


def test_explain_says_what_was_left_out() -> None:
    found = read(f"<article><p>{LONG * 3}</p></article><footer>Imprint of the paper</footer>", explain=True)
    assert [(text.text, text.why) for text in found.dropped_texts] == [("Imprint of the paper", "furniture")]
    assert read("<footer>Imprint</footer>").dropped_texts == []


def test_the_link_density_of_a_text_is_the_share_of_its_linked_characters() -> None:
    found = read(f"<article><p>{LONG * 2}</p><p>half <a href=/x>half</a></p><p>{LONG}</p></article>")
    assert [node.link_density for node in found.nodes] == [0.0, pytest.approx(4 / 9, abs=1e-4), 0.0]
    assert found.num_links == 1


@pytest.mark.parametrize(
    ("limits", "reason"),
    [(Limits(max_depth=50), DocumentReason.TOO_DEEP), (Limits(max_elements=50), DocumentReason.TOO_MANY_ELEMENTS)],
)
def test_a_page_that_breaks_a_bound_is_a_row_with_a_reason(limits: Limits, reason: DocumentReason) -> None:
    within, over = b"<div>" * 50, b"<div>" * 51
    assert extract(b"text" + within, URL, limits=limits).failure is None
    assert extract(b"text" + over, URL, limits=limits).failure is reason


def test_a_page_over_its_time_is_a_row_with_a_reason() -> None:
    html = b"<p>a, b</p>" * 20_000
    assert extract(html, URL, limits=Limits(max_seconds=1e-6)).failure is DocumentReason.OVER_TIME


def test_the_same_page_gives_the_same_document() -> None:
    html = f"<article><p>{LONG * 3}</p><img src=a.jpg></article>".encode()
    assert extract(html, URL) == extract(html, URL)
