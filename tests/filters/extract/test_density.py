"""Sums over subtrees, and texts as long as a reader sees them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.extract.density import lengths_of, sums_of
from filters.extract.tree import Tree, outermost, parse


def tree_of(html: str) -> Tree:
    tree = parse(html.encode())
    assert tree is not None
    return tree


@given(
    st.lists(st.sampled_from(("<div>", "</div>", "<a>", "</a>", "<p>", "a, b", "c\n d", " ")), max_size=30),
    st.sets(st.integers(0, 40), max_size=5),
)
def test_sums_are_those_of_the_texts_that_are_left(markup: list[str], picked: set[int]) -> None:
    tree = tree_of("".join(markup))
    gone = outermost(tree, [i for i in picked if i < len(tree.tag)])
    out = {j for i in gone for j in range(i, tree.end[i])}
    lengths = lengths_of(tree)
    sums = sums_of(tree, lengths, gone)
    for of_nodes, prefix in ((lengths.text, sums.text), (lengths.link, sums.link), (lengths.comma, sums.comma)):
        left = [0 if i in out else size for i, size in enumerate(of_nodes)]
        assert prefix == [sum(left[:i]) for i in range(len(left) + 1)]


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("one two", 7),
        ("\n one two\n", 7),  # white space around it
        ("one\n  two", 7),  # a break in the markup is one space
        ("one  two\n", 7),
        ("one  two", 8),  # without a break white space counts as it stands: what is weighed is not shown
        ("one\u00a0\u00a0two\n", 7),
    ],
)
def test_a_text_is_as_long_as_it_is_shown(text: str, size: int) -> None:
    tree = tree_of(f"<p>{text}</p>")
    assert lengths_of(tree).text[tree.texts[0]] == size


def test_commas_are_counted_in_their_scripts() -> None:
    tree = tree_of("<p>a, b\uff0c c\u3001 d\u060c e</p>")
    assert sum(lengths_of(tree).comma) == 4
