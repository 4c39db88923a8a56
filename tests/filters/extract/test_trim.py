"""What goes by what it says and where it stands."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.extract import Node
from filters.extract.trim import trim

LONG = (
    "The bakery on the corner opens at five in the morning, when the street is dark and only the "
    "lorries of the market pass, loaded with apples."
)


def texts(*values: str | Node) -> list[Node]:
    return [value if isinstance(value, Node) else Node(text=value) for value in values]


def reasons(nodes: list[Node], title: str | None = None, author: str | None = None) -> dict[int, str]:
    return dict(trim(nodes, title, author))


def test_the_title_a_byline_and_a_date_before_the_text_go() -> None:
    nodes = texts(Node(text="Bread, again", role="heading1"), "By Anna Berg", "12 May 2024", "Anna Berg", LONG)
    assert reasons(nodes, "Bread again", "Anna Berg") == {0: "title", 1: "byline", 2: "byline", 3: "byline"}


def test_the_same_lines_after_the_text_has_begun_stay() -> None:
    nodes = texts(LONG, Node(text="Bread again", role="heading2"), "By seven the queue is long.", LONG)
    assert reasons(nodes, "Bread again") == {}


def test_what_stands_under_a_heading_of_related_articles_goes_until_the_next_of_its_rank() -> None:
    nodes = texts(
        LONG,
        Node(text="Related articles", role="heading3"),
        "A mill.",
        Node(text="x", role="heading4"),
        Node(text="Bread", role="heading3"),
        LONG,
    )
    assert reasons(nodes) == {1: "related", 2: "related", 3: "related"}


def test_links_and_legal_lines_at_the_end_go_with_the_pictures_between_them() -> None:
    picture = Node(image_url="http://h/p.jpg", role="image")
    nodes = texts(
        LONG,
        picture,
        LONG,
        picture,
        Node(text="A mill that still turns", link_density=1.0),
        picture,
        "\u00a9 2026 The Paper",
    )
    assert sorted(reasons(nodes)) == [4, 5, 6]


@pytest.mark.parametrize(
    "label", ["Advertisement", "ANZEIGE", "Share", "Read more", "广告", "3 comments", "Facebook Twitter WhatsApp"]
)
def test_labels_go_anywhere(label: str) -> None:
    assert reasons(texts(LONG, label, LONG)) == {1: "label"}


@pytest.mark.parametrize(
    "text",
    [
        "Share prices fell.",
        "More than half of them came.",
        "Print is not dead.",
        "link",
        "Close to the river stands a mill.",
    ],
)
def test_sentences_that_begin_like_labels_stay(text: str) -> None:
    assert reasons(texts(LONG, text, LONG)) == {}


def test_a_caption_shown_twice_is_shown_once() -> None:
    caption = Node(text="The oven before dawn, seen from the street, in May", role="caption")
    assert reasons(texts(LONG, caption, LONG, caption, LONG)) == {3: "repeated"}
    assert reasons(texts(LONG, LONG)) == {}


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["paragraph", "heading2", "caption", "list_item"]),
            st.text(min_size=1, max_size=200),
            st.floats(0, 1),
        ),
        max_size=8,
    )
)
def test_a_long_sentence_without_links_is_never_trimmed(parts: list[tuple[str, str, float]]) -> None:
    nodes = [Node(text=text, role=role, link_density=density) for role, text, density in parts]
    nodes.insert(len(nodes) // 2, Node(text=LONG))
    assert len(parts) // 2 not in reasons(nodes)


@pytest.mark.parametrize(
    "notice",
    [
        "We use cookies to make this site better.",
        "Wir nutzen Cookies auf unserer Website. Einige sind n\u00f6tig.",
        "Diese Website verwendet Cookies.",
        "Nous utilisons des cookies.",
        "Sie k\u00f6nnen selbst entscheiden, ob Sie die Cookies zulassen m\u00f6chten.",
    ],
)
def test_a_notice_of_cookies_at_the_end_goes(notice: str) -> None:
    assert reasons(texts(LONG, LONG + " again", notice)) == {2: "cookies"}
    assert reasons(texts(LONG, notice, LONG + " again")) == {}


def test_cookies_that_are_baked_stay() -> None:
    assert reasons(texts(LONG, "We use butter for our cookies, and bake them until they are brown.")) == {}
    assert reasons(texts(LONG, "Let the cookies cool before you eat them.")) == {}


def test_a_sentence_that_is_mostly_link_stays_before_the_text_and_a_link_goes() -> None:
    linked = Node(text="The suspect was sentenced to life in prison last Thursday.", link_density=0.7)
    assert reasons(texts(linked, LONG)) == {}
    assert reasons(texts(Node(text="News of the town", link_density=0.7), LONG)) == {0: "links"}
    assert reasons(texts(Node(text="All news of the town.", link_density=1.0), LONG)) == {0: "links"}


def title(text: str, rank: int = 4, density: float = 1.0) -> Node:
    return Node(text=text, role=f"heading{rank}", link_density=density)


def test_headings_in_a_row_that_are_links_are_titles_of_other_articles() -> None:
    rows = (title("A mill that still turns"), title("Salt"))
    assert reasons(texts(LONG, LONG + " again", *rows, LONG)) == {2: "related", 3: "related"}
    assert reasons(texts(*rows, LONG, LONG)) == {}
    picture = Node(image_url="http://h/p.jpg", role="image")
    for others in (
        (rows[0], "A text under it.", rows[1]),
        (rows[0], picture, rows[1]),
        (rows[0], title("Salt", 5)),
        (rows[0], title("Salt", 4, 0.9)),
    ):
        assert reasons(texts(LONG, LONG + " again", *others, "A text under it.", LONG)) == {}


def test_a_line_that_says_what_to_read_next_goes_with_the_links_under_it() -> None:
    picture = Node(image_url="http://h/p.jpg", role="image")
    link = Node(text="A mill that still turns", role="list_item", link_density=1.0)
    assert reasons(texts(LONG, "Read next:", picture, link, link, picture, LONG)) == dict.fromkeys(
        range(1, 5), "related"
    )
    assert reasons(texts(LONG, "Read also", LONG)) == {}
    assert reasons(texts(LONG, "Read also what was said of it in the year before that", link, LONG)) == {}
    half = Node(text="A mill that still turns", role="list_item", link_density=0.6)
    assert reasons(texts(LONG, "Read also", half, LONG)) == {}
