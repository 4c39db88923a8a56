"""One run: where things stand, what is done, what failed slices say."""

from __future__ import annotations

import json

import pytest

from pipeline.commits import Commit, Cost
from pipeline.fetch_rounds import reopen
from pipeline.slices import USERS
from schemas.errors import InputError, OutputError, StepFailed
from schemas.image import LINKS


def test_a_step_is_done_for_its_recipe_and_inputs_only(run_of):
    run = run_of()
    run.finish("03_links", Cost(seconds=2.0), note="x")
    assert run.is_done("03_links")
    assert run_of("spark.shuffle_partitions=9").is_done("03_links")
    assert not run_of("image_urls.max_length=9").is_done("03_links")
    assert not run_of(inputs=(("other", "{}"),)).is_done("03_links")
    finished = run.finished("03_links")
    assert (finished.cost.seconds, finished.extra) == (2.0, {"note": "x"})
    assert run_of("dedup.max_paragraph_repeats=9").finished("03_links") is None


@pytest.mark.parametrize(
    ("override", "is_same"),
    [
        ("text.document.min_words=3", True),
        ("text.rules=gopher", True),
        ("text.judge_over=surviving", True),
        ("language.min_score=0.9", True),
        ("decontaminate.max_runs=3", True),
        ("text.models.perplexity_of_nodes=true", False),
        ("language.node_languages=true", False),
        ("extract.mode=recall", False),
        ("minhash.keep_shingles=true", False),
    ],
)
def test_measures_are_the_same_under_other_thresholds_and_only_then(run_of, override, is_same):
    other = run_of(override)
    assert (other.measured("01_documents") == run_of().measured("01_documents")) == is_same
    assert other.key("01_documents") != run_of().key("01_documents")


def test_a_step_that_another_opens_again_is_so_for_the_next_look_only(run_of):
    run = run_of()
    ledger, others = run.key("04_images/ledger"), run.key("shards")
    reopen(run.where("04_images/ledger"))
    assert (run.key("04_images/ledger"), run.key("shards")) == (ledger, others)
    run.look_again()
    assert run.key("04_images/ledger") != ledger
    assert run.key("shards") == run_of().key("shards") != others
    assert run.key("03_links") == run_of().key("03_links")


def test_rows_of_01_are_those_of_this_run_s_inputs(run_of):
    both = run_of(inputs=(("a", "{}"), ("b", "{}")))
    for name in ("a", "b"):
        both.where("01_documents").commit(Commit(slice=name, files=()))
    assert [commit.slice for commit in both.commits("01_documents")] == ["a", "b"]
    assert [commit.slice for commit in run_of(inputs=(("b", "{}"),)).commits("01_documents")] == ["b"]
    assert both.slices("02_unique") is None


def test_committed_rows_are_read_back_and_a_table_of_nothing_has_its_columns(spark, run_of, fill, row_of):
    run = run_of(spark=spark)
    assert run.table("links").columns == [field.name for field in LINKS.columns]
    fill(run, "03_links", (LINKS, [row_of(LINKS, url=url) for url in "ab"]))
    (run.where("03_links").path / "data" / "links-of-a-killed-attempt.parquet").write_bytes(b"PAR1")
    assert sorted(row["url"] for row in run.table("links").collect()) == ["a", "b"]
    run.write("02_unique", LINKS, run.table("links").where("url = 'a'"))
    assert [row["url"] for row in spark.read.parquet(*map(str, run.where("02_unique").files("links"))).collect()] == [
        "a"
    ]


@pytest.mark.parametrize("sign", ["No space left on device", "Read-only file system", "Disk quota exceeded"])
def test_a_full_or_read_only_disk_is_the_user_s_to_mend(run_of, sign):
    with pytest.raises(OutputError, match=f"01_documents: {sign.lower()} under .*make room and run the same command"):
        run_of().check("01_documents", [f"slice a: OSError(28, '{sign}')\ntrace"])


def test_other_failures_name_the_first_slice_and_how_many_there_are(run_of):
    run_of().check("01_documents", [])
    with pytest.raises(StepFailed, match=r"01_documents: 2 slice\(s\) failed, first: slice a: boom"):
        run_of().check("01_documents", ["slice a: boom", "slice b: boom"])


def test_an_input_that_cannot_be_had_is_one_line_for_the_user(run_of):
    with pytest.raises(InputError) as told:
        run_of().check("01_documents", [f"slice a: {USERS}http://a.example/x.warc.gz: answered 404"])
    assert str(told.value) == "01_documents: 1 slice(s) failed, first: http://a.example/x.warc.gz: answered 404"


def test_what_the_other_commands_need_is_kept_beside_the_tables(run_of):
    run = run_of("images.min_side=120")
    run.folder.mkdir()
    run.save(["crawl/*.warc.gz"])
    facts = json.loads((run.folder / "run.json").read_text())
    assert facts["given"] == ["crawl/*.warc.gz"]
    assert facts["inputs"] == [["in0", "{}"]]
    assert facts["recipe"]["name"] == "tiny"
    assert facts["recipe"]["sections"]["images"]["min_side"] == 120
    assert [path.name for path in run.folder.iterdir()] == ["run.json"]
