"""weft demo: what it deletes and what it says; the run itself is weft run's, tested as a whole in tests/integration."""

from __future__ import annotations

import json

from jobs.run_demo import summarise


def test_fresh_deletes_nothing_that_a_demo_did_not_make(weft, tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    done = weft("demo", "--out", tmp_path, "--fresh")
    assert done.code == 2
    assert "was not made by weft demo" in done.err
    assert (tmp_path / "thesis.txt").read_text() == "years of work"


def test_the_summary_says_totals_seconds_of_each_step_what_was_dropped_and_what_to_try_next(begun, capsys):
    facts = {
        "totals": {"documents": 1200, "images": 3, "shards": 2, "words": 4, "tokens": 5, "tokenizer": "clip"}
        | {"languages": {"en": 7, "de": 1}},
        "costs": [{"step": step.name, "seconds": number + 0.25} for number, step in enumerate(begun.steps)],
        "steps": [
            {"step": "01_documents", "unit": "document", "in": 9, "out": 8, "dropped": {"language": 1}},
            {"step": "01_documents", "unit": "node", "in": 99, "out": 98, "dropped": {}},
        ],
    }
    (begun.folder / "report").mkdir()
    (begun.folder / "report" / "report.json").write_text(json.dumps(facts))
    summarise(begun.folder)
    said = capsys.readouterr().out
    assert "1,200 documents with 3 images in 2 shards, 4 words, 5 tokens (clip)" in said
    assert "languages: en 7, de 1" in said
    assert "01_documents                 0.2  read_warc, block_pages, extract" in said
    assert "01_documents      9 in     8 out   language 1\n" in said
    assert "99 in" not in said
    assert f"weft show {begun.folder}" in said
