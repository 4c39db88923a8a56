"""The order of the steps, and which of them a changed key redoes."""

from __future__ import annotations

import importlib

import pytest

from pipeline.flow import FLOW, select
from schemas.errors import ConfigError

NAMES = [step.name for step in FLOW]
LATER = {name: NAMES[NAMES.index(name) :] for name in NAMES}
STORED = {"04_images/ledger", "04_images/files", "05_matches/embeddings"}


def test_each_step_comes_after_what_it_needs():
    for number, step in enumerate(FLOW):
        assert set(step.after) <= set(NAMES[:number])
    assert [step.name for step in FLOW if not step.after] == ["01_documents"]


def test_each_table_is_written_by_one_step_and_each_stage_is_a_module():
    tables = [table.name for step in FLOW for table in step.tables]
    assert len(set(tables)) == len(tables)
    for step in FLOW:
        for stage in step.stages:
            assert importlib.import_module(f"pipeline.{stage}").__doc__
        assert step.make.__name__ == "make"


@pytest.mark.parametrize(
    ("stages", "names"),
    [
        (None, NAMES),
        ("01_documents..03_links", NAMES[:3]),
        ("..03_links", NAMES[:3]),
        ("04_images", ["04_images/ledger", "04_images/files", "04_images/images"]),
        ("04_images/files", ["04_images/files"]),
        ("05_matches..", [name for name in NAMES if name >= "05"]),
        ("04_images/images..05_matches", ["04_images/images", *[name for name in NAMES if name.startswith("05")]]),
    ],
)
def test_a_range_of_stages_names_steps_or_folders_of_steps(stages, names):
    assert [step.name for step in select(stages)] == names


@pytest.mark.parametrize(
    ("stages", "said"),
    [("nonsense", "no step nonsense; steps: 01_documents"), ("03_links..01_documents", "comes before")],
)
def test_a_range_that_names_nothing_is_refused(stages, said):
    with pytest.raises(ConfigError, match=said):
        select(stages)


@pytest.mark.parametrize(
    ("override", "first", "spared"),
    [
        ("read_warc.max_body_bytes=1_000_000", "01_documents", STORED),
        ("extract.mode=recall", "01_documents", STORED),
        ("language.min_score=0.51", "01_documents", STORED),
        ("text.rules=obelics", "01_documents", STORED),
        ("minhash.width=6", "01_documents", STORED),
        ("minhash.num_perm=113", "01_documents", STORED),
        ("minhash.keep_shingles=true", "01_documents", STORED),
        ("minhash.sketch_size=1024", "01_documents", STORED),
        ("minhash.verify=estimated", "02_unique", STORED),
        ("decontaminate.max_runs=3", "01_documents", STORED),
        ("minhash.threshold=0.9", "02_unique", STORED),
        ("minhash.bands=13", "02_unique", STORED),
        ("dedup.max_paragraph_repeats=3", "02_unique", STORED),
        ("image_urls.max_length=100", "03_links", STORED),
        ("images.min_side=200", "04_images/images", STORED),
        ("nsfw.resolution=640", "04_images/files", STORED - {"04_images/files"}),
        ("nsfw.max_score=0.5", "04_images/files", STORED - {"04_images/files"}),
        ("nsfw.action=drop_document", "04_images/images", STORED),
        ("dedup_images.max_on_site=6", "05_matches/references", STORED),
        ("dedup_with_images.image_rows=1", "05_matches/duplicates", STORED),
        ("clip.precision=bf16", "05_matches/embeddings", STORED - {"05_matches/embeddings"}),
        ("clip.min_score=0.1", "05_matches/matches", STORED),
        ("assemble.max_images=29", "05_matches/decisions", STORED),
        ("shard.quality=80", "shards", STORED),
        ("spark.shuffle_partitions=9", None, STORED),
        ("fetch.deadline_s=3.0", None, STORED),
        ("nsfw.workers=2", None, STORED),
        ("extract.watchdog_s=9.0", None, STORED),
    ],
)
def test_a_changed_key_redoes_the_steps_that_depend_on_it_and_no_other(run_of, override, first, spared):
    before, after = run_of(), run_of(override)
    redone = {name for name in NAMES if before.key(name) != after.key(name)}
    depending = set()
    for step in FLOW:
        if step.name == first or depending & set(step.after):
            depending.add(step.name)
    assert redone == depending
    moved = {name for name in NAMES if before.where(name).path != after.where(name).path}
    # Facts of their own stay where they are; slices of 01 tell inputs apart, its folder tells recipes apart.
    assert moved == redone - spared
    assert STORED & moved == (depending & STORED) - spared


def test_other_inputs_redo_every_step_but_keep_the_folders_of_facts(run_of):
    one, two = run_of(), run_of(inputs=(("in0", "{}"), ("in1", "{}")))
    assert all(one.key(name) != two.key(name) for name in NAMES)
    kept = {name for name in NAMES if one.where(name).path == two.where(name).path}
    assert kept == STORED | {"01_documents"}
