"""The page as arrays."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.extract.tree import Tree, attribute, attributes, parse


def tree_of(html: str) -> Tree:
    tree = parse(html.encode())
    assert tree is not None
    return tree


def test_a_subtree_is_a_range() -> None:
    tree = tree_of("<div id=a><p>one <b>two</b></p><p>three</p></div><p>four</p>")
    div = tree.at["div"][0]
    assert "".join(tree.text[div : tree.end[div]]) == "one twothree"
    assert [tree.tag[i] for i in range(div, tree.end[div])] == ["div", "p", "", "b", "", "p", ""]
    assert tree.get(div, "id") == "a"


def test_attributes_are_whole_names_with_entities_resolved() -> None:
    tree = tree_of('<img data-src=no src="a.jpg?x=1&amp;y=2" alt=\'say "hi" &lt;b&gt;\'>')
    raw = tree.attrs[tree.at["img"][0]]
    assert attribute(raw, "src") == "a.jpg?x=1&y=2"
    assert attribute(raw, "alt") == 'say "hi" <b>'
    assert attribute(raw, "rc") is None
    assert attributes(raw) == {"data-src": "no", "src": "a.jpg?x=1&y=2", "alt": 'say "hi" <b>'}


def test_scripts_styles_and_templates_are_not_text() -> None:
    tree = tree_of(
        "<p>a<script>if (1 < 2) x('<p>')</script><style>p{}</style><template><p>t</p></template>b<!-- <p>c -->d"
    )
    assert "".join(tree.text) == "abd"


@pytest.mark.parametrize(
    ("html", "text", "names"),
    [
        ("<div <p class=a>x</div>y", "xy", ["div"]),  # `<p` is the name of an attribute
        ("<b<c>x</b<c>y", "xy", ["b<c"]),
        ("<p>x<!-- <b> --><!---->y<!-->z", "xyz", ["p"]),
        ('<?xml version="1.0"?><p>x<?php echo ">"?>y', 'x"?>y', ["p"]),
        ("<p>x<!", "x", ["p"]),
        ("<math>x<wbr></wbr><input>y</math>z", "xyz", ["math", "wbr", "input"]),  # void, and yet with an end tag
        ("<p>a &lt;b&gt; &amp;lt; c", "a <b> &lt; c", ["p"]),
        ("<p>a</p><xmp><p> <!-- </xmp><p>b", "ab", ["p", "p"]),
        ("<p>a</p><plaintext><p>b <i>c", "a", ["p"]),
    ],
)
def test_marks_that_are_no_tags_are_told_apart(html: str, text: str, names: list[str]) -> None:
    tree = tree_of(html)
    assert "".join(tree.text) == text
    assert [name for name in tree.tag if name][3:] == names


def test_a_value_that_reads_like_an_attribute_is_none() -> None:
    tree = tree_of('<p title=" class=">x')
    raw = tree.attrs[tree.at["p"][0]]
    assert attribute(raw, "title") == " class="
    assert not attribute(raw, "class")


def test_inline_drawings_are_counted_and_left_out() -> None:
    tree = tree_of("<p>a<svg><title>t</title><svg></svg></svg>b<svg/></p>")
    assert "".join(tree.text) == "ab"
    assert tree.num_inline_svg == 3


def test_white_space_between_elements_is_remembered() -> None:
    tree = tree_of("<p><b>a</b> <i>b</i>\n<u>c</u><s>d</s></p>")
    assert [tree.gap[tree.at[name][0]] for name in "bius"] == ["", " ", "\n", ""]


@given(st.text(alphabet="<>/abdiptrl svg&;\"'=-!\n", max_size=120))
def test_any_markup_gives_nested_ranges(html: str) -> None:
    tree = tree_of(html)
    for i, stop in enumerate(tree.end):
        up = tree.parent[i]
        assert i < stop <= len(tree.tag)
        assert up < i
        assert up < 0 or stop <= tree.end[up]
    assert sum(map(len, tree.at.values())) == sum(map(bool, tree.tag))
