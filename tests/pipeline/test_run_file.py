"""What an output folder says of its run, whole, absent and damaged."""

from __future__ import annotations

import json

import pytest

from pipeline.run_file import NAME, holds_run, read_run
from schemas.errors import InputError


@pytest.fixture
def saved(run_of):
    """A folder as `Run.save` leaves it."""
    run = run_of()
    run.folder.mkdir()
    run.save(["crawl/*.warc.gz"])
    return run.folder


def test_what_was_saved_comes_back(saved):
    facts = read_run(saved)
    assert holds_run(saved)
    assert (facts["recipe"]["name"], facts["inputs"], facts["given"]) == ("tiny", [["in0", "{}"]], ["crawl/*.warc.gz"])


def test_a_folder_without_a_run_says_what_to_give(tmp_path):
    assert not holds_run(tmp_path)
    with pytest.raises(InputError, match=r"holds no run \(no run.json\); give the folder that was --out of weft run"):
        read_run(tmp_path)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"recipe": None}, "it names no recipe"),
        ({"recipe": {"name": 7, "sections": {}}}, "it names no recipe"),
        ({"recipe": {"name": "tiny"}}, "its recipe has no sections"),
        ({"recipe": {"name": "tiny", "sections": {"text": 1}}}, "its recipe has no sections"),
        ({"inputs": {}}, "it names no inputs"),
        ({"inputs": [["a"]]}, "it names no inputs"),
        ({"inputs": [["a", 7]]}, "it names no inputs"),
        ({"inputs": [["a", "[]"]]}, "it names no inputs"),
        ({"inputs": [["a", "{"]]}, "it names no inputs"),
        ({"given": None}, "given and tables"),
        ({"tables": []}, "given and tables"),
    ],
)
def test_what_is_not_as_it_was_saved_is_named(saved, change, why):
    facts = json.loads((saved / NAME).read_text())
    (saved / NAME).write_text(json.dumps(facts | change))
    with pytest.raises(InputError, match=rf"run\.json is damaged \({why}.*writes it anew and redoes nothing"):
        read_run(saved)


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b"\xff"])
def test_what_is_no_json_is_named(saved, text):
    (saved / NAME).write_bytes(text)
    with pytest.raises(InputError, match=r"run\.json is damaged \("):
        read_run(saved)
