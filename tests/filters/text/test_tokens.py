"""Counts equal those of open_clip's own tokenizer."""

from __future__ import annotations

import importlib.util
import itertools
import subprocess
import sys
import unicodedata

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


PIECES = st.sampled_from(
    ["\u2019", "\u201c", "\u2014", "\u2026", "\xa0", "a", "A", " ", ".", "1", "\u2022", "\u2013", "\u2018"]
)


def branches():
    """The alternatives of ftfy's pattern of mojibake, each as sets of characters that follow each other; None: any."""
    from re import _constants, _parser

    from ftfy.badness import BADNESS_RE

    def characters(code, value):
        if code is _constants.LITERAL:
            return {value}
        if code is not _constants.IN or any(c not in (_constants.LITERAL, _constants.RANGE) for c, _ in value):
            return None
        spans = [(v, v) if c is _constants.LITERAL else v for c, v in value]
        return {point for first, last in spans for point in range(first, last + 1)}

    def items(branch):
        for code, value in branch:
            yield from items(value[3]) if code is _constants.SUBPATTERN else [characters(code, value)]

    ((code, (_, alternatives)),) = _parser.parse(BADNESS_RE.pattern, BADNESS_RE.flags)
    assert code is _constants.BRANCH
    return [list(items(branch)) for branch in alternatives]


def test_each_alternative_of_ftfy_s_pattern_needs_what_is_looked_for_first():
    def found(text):
        return bool(tokens._NOT_BY_WORD.search(text) or tokens._MAY_BE_BAD.search(text))

    paired = [p for p in (chr(c) for c in range(0x80, 0x10000) if not 0xD800 <= c < 0xE000) if found(p + p)]
    alone = {ord(p) for p in paired if found(p)}
    paired = {ord(p) for p in paired}
    found_alternatives = branches()
    assert len(found_alternatives) > 30
    for sets in found_alternatives:
        has_pair = any(a and b and (a | b) <= paired for a, b in itertools.pairwise(sets))
        assert has_pair or any(s and s <= alone for s in sets)


@settings(max_examples=300)
@given(
    st.text(alphabet="ab .\xa0\xc2\xc3\xe9\xe2\u20ac\u2122\u201c\u201d\u0152\u0413\u0412\xb0\xbb\u4e00", max_size=12)
)
def test_what_may_not_be_bad_is_not(text):
    from ftfy.badness import is_bad

    assert tokens._NOT_BY_WORD.search(text) or tokens._MAY_BE_BAD.search(text) or not is_bad(text)


@given(st.lists(PIECES, max_size=6).map("".join))
@settings(max_examples=400)
def test_quotes_dashes_and_ellipses_alone_are_never_mojibake(text):
    from ftfy.badness import is_bad

    assert not is_bad(text)


CARE = [
    "caf\xe9", "Stra\xdfe", "\u0421\u041b\u041e\u0412\u041e", "\u201cQuote\u201d", "it\u2019s", "\xab\xa0mot\xa0\xbb",
    "\uff21\uff22\uff0c", "\u65e5\u672c\u3002", "\u0130stanbul", "s\xc3\xb3", "\xe2\u20ac\u2122", "e\u0301", "J\u030c",
    "\ufb01ne", "R&D", "\uff06amp;", "\u3000", "\x1c", "\u0153", "\xc2", "\xb0C", "\u200b", "\ufeffx", "\U0001f600",
]  # fmt: skip


def test_what_is_taken_as_it_stands_is_what_ftfy_makes_of_it():
    import ftfy

    for char in map(chr, range(0x110000)):
        if tokens._AS_IT_STANDS.fullmatch(char) and unicodedata.is_normalized("NFC", char):
            assert ftfy.fix_text(char, fix_encoding=False, unescape_html=False) == char


@given(st.lists(st.sampled_from(CARE), max_size=8), st.sampled_from(["", " ", "\n"]))
@settings(max_examples=300)
def test_texts_that_need_care_are_counted_as_open_clip_does(ours, theirs, words, gap):
    text = gap.join(words)
    assert ours.count(text) == len(theirs.encode(text))


@pytest.mark.parametrize(
    "text", ["\xc2\u3000", "x \xc3\u3000y", "\xe9\ufeff\u20ac", "\uff21\u03ae\xaa", "\xe9\uffe1", "\u0153\ufeff."]
)
def test_what_is_mojibake_only_when_it_was_cleaned_is_counted_as_open_clip_does(ours, theirs, text):
    assert ours.count(text) == len(theirs.encode(text))


def test_memory_is_bounded(monkeypatch):
    monkeypatch.setattr(tokens, "_MAX_REMEMBERED", 100)
    counter = tokens.load()
    for number in range(1_000):
        assert counter.count(f"word{number}") >= 1
        assert counter.count(f"w\xf6rd{number}") >= 1
    assert len(counter._known) <= 100
    assert len(counter._raw) <= 100


def test_one_endless_word_is_cut_and_counted(ours):
    assert ours.count("x" * 200_000) > 1_000


def test_counting_needs_no_torch():
    code = (
        "import sys; from filters.text import tokens; tokens.load().count('a cat'); assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
