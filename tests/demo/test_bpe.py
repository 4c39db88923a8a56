"""Merges against counts taken anew, and against open_clip's tokenizer."""

from __future__ import annotations

from collections import Counter
from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from demo import bpe

pytestmark = pytest.mark.skipif(find_spec("open_clip") is None, reason="the extra `models` is not installed")

words = st.dictionaries(
    st.text("abc", min_size=1, max_size=6).map(lambda word: (*word[:-1], word[-1] + "</w>")), st.integers(1, 9)
).map(Counter)


def test_the_most_frequent_pair_is_merged_first_and_ties_go_by_the_alphabet() -> None:
    words = Counter({("a", "b", "c</w>"): 3, ("b", "c</w>"): 1, ("x", "y</w>"): 3, ("u", "v</w>"): 3})
    assert bpe.learn(words, 4) == [("b", "c</w>"), ("a", "bc</w>"), ("u", "v</w>"), ("x", "y</w>")]


def test_learning_stops_when_every_word_is_one_symbol() -> None:
    assert bpe.learn(Counter({("a", "b</w>"): 1}), 100) == [("a", "b</w>")]
    assert bpe.learn(Counter(), 100) == []


def test_a_pair_that_overlaps_itself_is_merged_from_the_left() -> None:
    assert bpe.merged(("a", "a", "a", "b</w>"), ("a", "a")) == ("aa", "a", "b</w>")


@given(words=words)
def test_counts_that_are_kept_up_are_the_counts_taken_anew(words: Counter[bpe.Word]) -> None:
    spelt = {word: word for word in words}
    for merge in bpe.learn(words, 20):
        counts: Counter[bpe.Pair] = Counter()
        for word, times in words.items():
            for pair in zip(spelt[word], spelt[word][1:], strict=False):
                counts[pair] += times
        assert merge == min(counts, key=lambda pair: (-counts[pair], pair))
        spelt = {word: bpe.merged(symbols, merge) for word, symbols in spelt.items()}


def test_words_are_cut_as_open_clip_cuts_them() -> None:
    found = bpe.words_of(["Two RED circles, two", "赤い円"])
    assert found[("t", "w", "o</w>")] == 2
    assert found[(",</w>",)] == 1
    assert sum(found.values()) == 6


@settings(max_examples=20, deadline=None)
@given(texts=st.lists(st.text(st.characters(exclude_categories=["C"]), max_size=30), min_size=1, max_size=5))
@pytest.mark.slow
def test_open_clip_reads_the_file_and_gives_every_text_back(
    texts: list[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path: Path = tmp_path_factory.mktemp("bpe") / "bpe.txt.gz"
    merges = bpe.learn(bpe.words_of(texts), 50)
    bpe.write(merges, path)
    from open_clip.tokenizer import SimpleTokenizer  # not above: every worker collects, and this takes 10 s

    theirs = SimpleTokenizer(bpe_path=str(path))
    assert theirs.vocab_size == 512 + len(merges) + 2
    for text in texts:
        cleaned = theirs.clean_fn(text)
        symbols = [symbol for word in theirs.pat.findall(cleaned) for symbol in word]
        assert theirs.decode(theirs.encode(text)).replace(" ", "") == "".join(symbols).replace(" ", "")


def test_the_same_merges_make_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        bpe.write([("a", "b</w>")], tmp_path / name)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
