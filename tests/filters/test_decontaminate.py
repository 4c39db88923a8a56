"""A document that holds an evaluation text is found; one that shares phrases is not."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.decontaminate import Config, build, fingerprint, load
from filters.text.words import lay_out
from schemas.errors import ConfigError, InputError

LONG = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen"
SHORT = "which of these eight words is not here"


def words(text):
    return lay_out([text]).word_hashes


@pytest.mark.parametrize(
    ("text", "runs"),
    [
        (f"Before. {LONG.upper()}! After", 3),
        ("x " + " ".join(LONG.split()[:13]) + " y", 1),
        (" ".join(LONG.split()[:12]) + " other", 0),
        (f"He asked: {SHORT}?", 1),
        ("which of these eight words is not", 0),
        ("", 0),
    ],
)
def test_runs_in_common_are_counted(text, runs):
    assert build([LONG, SHORT, "too short to count"], Config()).count(words(text)) == runs


@given(st.lists(st.sampled_from("abcdef"), max_size=30), st.lists(st.sampled_from("abcdef"), max_size=30))
def test_counts_are_those_of_sets_of_tuples(document, evaluation):
    config = Config(width=3, min_words=2)
    n = min(3, len(evaluation))
    known = {tuple(evaluation[i : i + n]) for i in range(len(evaluation) - n + 1)} if len(evaluation) >= 2 else set()
    found = [tuple(document[i : i + n]) for i in range(len(document) - n + 1)] if n else []
    assert build([" ".join(evaluation)], config).count(words(" ".join(document))) == sum(t in known for t in found)


def test_an_empty_index_finds_nothing():
    assert build([], Config()).count(words(LONG)) == 0
    assert build([LONG], Config()).count(np.zeros(0, dtype=np.uint64)) == 0


def test_text_and_json_lines_are_read(tmp_path):
    text = tmp_path / "a.txt"
    text.write_text(LONG + "\n")
    lines = tmp_path / "b.jsonl"
    lines.write_text(json.dumps({"q": {"text": SHORT}, "choices": ["no", 3, None]}) + "\n\n")
    index = load(Config(paths=(str(text), str(lines))))
    assert index.count(words(LONG)) == 3
    assert index.count(words(SHORT)) == 1


def test_files_that_cannot_be_read_are_named(tmp_path):
    with pytest.raises(InputError, match="nowhere"):
        load(Config(paths=("nowhere.txt",)))
    for name, data in (("bad.jsonl", b"{not json"), ("bad.txt", b"\xff\xfe\x00")):
        (tmp_path / name).write_bytes(data)
        with pytest.raises(InputError, match=name):
            load(Config(paths=(str(tmp_path / name),)))


def test_no_paths_are_no_index_and_a_file_without_a_long_text_is_refused(tmp_path):
    assert load(Config()) is None
    short = tmp_path / "short.txt"
    short.write_text("too short\n")
    with pytest.raises(InputError, match=r"no text of 8 words in .*short.txt"):
        load(Config(paths=(str(short),)))


def test_the_fingerprint_is_of_the_content(tmp_path):
    one, other = tmp_path / "a.txt", tmp_path / "b.txt"
    one.write_text(LONG)
    other.write_text(LONG)
    assert fingerprint(Config(paths=(str(one),))) == fingerprint(Config(paths=(str(other),)))
    other.write_text(SHORT)
    assert fingerprint(Config(paths=(str(one),))) != fingerprint(Config(paths=(str(other),)))
    with pytest.raises(InputError, match="nowhere"):
        fingerprint(Config(paths=("nowhere.txt",)))


@pytest.mark.parametrize("bad", [{"min_words": 0}, {"min_words": 14}, {"max_runs": -1}])
def test_settings_that_make_no_sense_are_refused(bad):
    with pytest.raises(ConfigError):
        Config(**bad)
