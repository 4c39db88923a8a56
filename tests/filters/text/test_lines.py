"""What is measured on lines: Gopher's, FineWeb's and C4's."""

from __future__ import annotations

import pytest

from filters.text import word_lists
from filters.text.measures import measure_document

LISTS = word_lists.build({}, {}, [])


def document(*texts):
    return measure_document(texts, "en", LISTS)[0]


@pytest.mark.parametrize(
    ("text", "ends"),
    [("It ends.", True), ('He said "no"', True), ("Why?  ", True), ("Menu", False), ("，好。", True), ("a,", False)],
)
def test_a_sentence_ends_in_a_mark_or_a_quote(text, ends):
    assert measure_document([text], "en", LISTS)[1][0].terminal_punctuation is ends


def test_lines_are_counted_over_nodes_and_breaks():
    found = document(
        "- one\n- two\n\n", "Three...", "Four and this is a line of more than thirty characters.", "Three…"
    )
    assert found.num_lines == 5
    assert found.bullet_lines == pytest.approx(2 / 5)
    assert found.ellipsis_lines == pytest.approx(2 / 5)
    assert found.terminal_lines == pytest.approx(2 / 5)
    assert found.short_lines == pytest.approx(4 / 5)
    assert found.line_breaks == pytest.approx(4 / found.num_words, abs=1e-6)
    assert found.ellipses == pytest.approx(2 / found.num_words, abs=1e-6)


@pytest.mark.parametrize(("length", "short"), [(30, 1), (31, 0)])
def test_a_short_line_has_at_most_thirty_characters(length, short):
    assert document("x" * length).short_lines == short


def test_duplicate_lines_and_paragraphs():
    found = document("Same here", "Same here", "Same here\nother", "x")
    total = len("Same here\n\nSame here\n\nSame here\nother\n\nx")
    assert found.duplicate_lines == pytest.approx(2 / 5)
    assert found.duplicate_line_chars == pytest.approx(18 / total, abs=1e-6)
    assert found.duplicate_paragraphs == pytest.approx(1 / 4)
    assert found.duplicate_paragraph_chars == pytest.approx(9 / total, abs=1e-6)


def test_a_line_in_another_case_is_another_line():
    found = document("charset=utf-8\ncharset=UTF-8\ncharset=utF-8", "charset=UTF-8")
    assert found.duplicate_lines == pytest.approx(1 / 4)
    assert found.duplicate_paragraphs == 0


def test_a_line_of_code_at_another_depth_is_another_line():
    found = document("end\n  end\n  end\nend", "  end")
    assert found.duplicate_lines == pytest.approx(3 / 5)
    assert found.duplicate_line_chars == pytest.approx((5 + 3 + 5) / len("end\n  end\n  end\nend\n\n  end"), abs=1e-6)


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("This is one. This is two! Is this three?", 3),
        ("Two words.", 0),  # fewer than three words
        ("No mark at the end of it", 0),
        ("An ellipsis does not count...", 0),
        ("We use JavaScript on this page.", 0),
        ("Read our privacy policy at once.", 0),
        ("It costs 3.50 euros, e.g. here.", 2),  # abbreviations count: a bound of 5 does not mind
        ('She said "it is done." Then left it.', 2),
        ("你好 世界 朋友。他来了。", 2),
        ("x" * 1_001 + " is a very long word.", 0),
    ],
)
def test_c4_counts_the_sentences_of_the_lines_that_it_keeps(text, sentences):
    assert document(text).c4_sentences == sentences


def test_curly_brackets_and_lorem_ipsum_count_in_kept_lines_only():
    assert document("function() { return }", "This line has a { in it.").curly_brackets == 1
    assert document("Lorem ipsum", "And Lorem Ipsum dolor sit amet.").lorem_ipsum == 1
