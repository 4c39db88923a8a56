"""Counts equal those of open_clip's own tokenizer."""

from __future__ import annotations

import importlib.util
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filters.text import tokens


@pytest.fixture(scope="module")
def ours():
    return tokens.load()


@pytest.fixture(scope="module")
def theirs():
    """The file alone: the package around it imports every model that it has, half a minute of it."""
    pytest.importorskip("torch")
    path = tokens.vocabulary_file().with_name("tokenizer.py")
    spec = importlib.util.spec_from_file_location("open_clip_tokenizer_alone", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.SimpleTokenizer()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "a photo of a cat",
        "Hello, world! Don't you'll we'd I'VE he's",
        "naïve café’s “quotes” &amp;amp; &lt;b&gt; &eacute; ﬁne",
        "日本語のテキスト 12345 \U0001f600\U0001f600 ‘a’",
        "<start_of_text>x<END_OF_TEXT>",
        "\x00\x1babc\x1c d\x7f e\u0085f",
        "ﬀ Ⅷ ½ ก็ İstanbul ǅ \u212a Straße ΣΊΣΥΦΟΣ",
        "sÃ³ mojibake â€œhereâ€\x9d",
        "supercalifragilisticexpialidocious antidisestablishmentarianism",
        "https://example.com/a?b=c&d=e user@example.com #tag ...---...",
        "tabs\tand\nnew\r\nlines\u3000wide ＦＵＬＬ",
        "مرحبا بالعالم हिन्दी में한국어 문장 ภาษาไทย",
        "!!!???...,,," * 20,
    ],
)
def test_known_texts_have_as_many_tokens_as_open_clip_says(ours, theirs, text):
    assert ours.count(text) == len(theirs.encode(text))


@given(text=st.text(max_size=80))
@settings(max_examples=300, deadline=None)
def test_any_text_has_as_many_tokens_as_open_clip_says(ours, theirs, text):
    assert ours.count(text) == len(theirs.encode(text))


@given(
    words=st.lists(
        st.sampled_from(["cat", "don't", "Zürich's", "x2y", "...", "a&b", "'s", "&amp;", "it’s"]), max_size=12
    )
)
def test_words_are_counted_alike_the_first_and_the_second_time(ours, theirs, words):
    text = " ".join(words)
    want = len(theirs.encode(text))
    assert ours.count(text) == want
    assert ours.count(text) == want


def test_memory_is_bounded(monkeypatch):
    monkeypatch.setattr(tokens, "_MAX_REMEMBERED", 100)
    counter = tokens.load()
    for number in range(1_000):
        assert counter.count(f"word{number}") >= 1
    assert len(counter._known) <= 100


def test_one_endless_word_is_cut_and_counted(ours):
    assert ours.count("x" * 200_000) > 1_000


def test_counting_needs_no_torch():
    code = (
        "import sys; from filters.text import tokens; tokens.load().count('a cat'); assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
