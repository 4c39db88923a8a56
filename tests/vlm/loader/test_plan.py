import hashlib
import json
from collections import Counter
from dataclasses import replace

import pytest
from loader_shards import write_indexes

from vlm.loader import Loader
from vlm.loader.config import ImageConfig, LoaderConfig, Phase
from vlm.loader.dataset import Dataset
from vlm.loader.errors import DatasetError, LoaderConfigError, ResumeError
from vlm.loader.plan import Planner, ShardPlans, check_ranks, open_datasets
from vlm.loader.runs import lengthen, shorten
from vlm.loader.state import decode_lanes, encode_lanes
from vlm.loader.tokenizers import ByteTokenizer


def stream_hash(packs):
    """Which documents, cut where, in which order."""
    total = hashlib.sha256()
    for pack in packs:
        total.update(repr((len(pack), *pack)).encode())
    return total.hexdigest()


def planners(config, world=1, cursor=0, lanes=None):
    datasets = open_datasets(config)
    plans = ShardPlans(datasets, ByteTokenizer(), config, keep=64)
    return [
        Planner(config, datasets, plans, rank=r, world_size=world, cursor=cursor, lanes=lanes) for r in range(world)
    ]


def run(config, steps, world=1, cursor=0, lanes=None):
    """(the packs of all ranks in the order of slots, the lanes after them)."""
    ranks = planners(config, world, cursor, lanes)
    packs, after = [], dict(lanes or {})
    for _ in range(steps):
        plans = [p.step() for p in ranks]
        packs += [plans[j % world].rows[j // world] for j in range(config.batch_size)]
        for plan in plans:
            after |= plan.lanes
    return packs, after


def saved(config, lanes):
    """Lanes as they come out of a state, in a process that begins with it."""
    text = encode_lanes(shorten(lanes, ShardPlans(open_datasets(config), ByteTokenizer(), config, keep=64)))
    again = lengthen(decode_lanes(text), ShardPlans(open_datasets(config), ByteTokenizer(), config, keep=64))
    assert again == lanes
    return again


def test_lanes_that_read_several_datasets_keep_a_shard_of_each(small, tmp_path, monkeypatch):
    """An index that is read again for each document costs ten times the planning."""
    folders = [tmp_path / "a", tmp_path / "b"]
    for seed, folder in enumerate(folders):
        folder.mkdir()
        write_indexes(folder, 60 * 30, 60, seed=seed)
    more = {"datasets": tuple(map(str, folders)), "lanes": 60, "batch_size": 60, "open_bins": 2, "seq_len": 1024}
    loader = Loader(config := LoaderConfig(**small | more))
    planner, read, index = Planner(config, loader.datasets, loader.plans), Counter(), Dataset.index
    monkeypatch.setattr(Dataset, "index", lambda d, shard: index(d, shard) if read.update([(d, shard)]) is None else 0)
    for _ in range(12):
        planner.step()
    assert len(read) == 120
    assert max(read.values()) <= 2


def test_the_stream_is_the_same_for_every_number_of_ranks(small):
    config = LoaderConfig(**small)
    assert len({stream_hash(run(config, 12, world)[0]) for world in (1, 2, 3, 4, 6, 8)}) == 1


def test_seed_and_configuration_decide_the_stream(small):
    config = LoaderConfig(**small)
    assert stream_hash(run(config, 3)[0]) == stream_hash(run(config, 3)[0])
    assert stream_hash(run(config, 3)[0]) != stream_hash(run(replace(config, seed=1), 3)[0])


@pytest.mark.parametrize("stops", [[1], [7], [3, 9], [1, 2, 3, 4, 11]])
def test_a_run_that_stops_and_goes_on_with_other_ranks_gives_the_same_stream(small, second, stops):
    config = LoaderConfig(**small | {"datasets": (*small["datasets"], str(second)), "weights": (0.7, 0.3)})
    whole = run(config, 12)[0]
    packs, lanes, step = [], None, 0
    for stop, world in zip([*stops, 12], (4, 8, 2, 1, 6, 3), strict=False):
        more, after = run(config, stop - step, world, step * config.batch_size, lanes)
        packs += more
        lanes = saved(config, after)
        step = stop
    assert stream_hash(packs) == stream_hash(whole)


def test_one_pass_gives_every_document_once_and_ends_on_all_ranks_together(small, sample, second):
    config = LoaderConfig(**small | {"datasets": (str(sample), str(second)), "one_pass": True})
    ranks = planners(config, 4)
    begun, steps = Counter(), 0
    while not any(p.exhausted for p in ranks):
        plans = [p.step() for p in ranks]
        steps += 1
        begun.update((x.dataset, x.shard, x.row) for p in plans for row in p.rows for x in row if x.ends & 1)
        assert len({p.last for p in plans}) == 1
    assert all(p.exhausted for p in ranks)
    assert steps > 3
    assert set(begun.values()) == {1}
    assert len(begun) == 280


def test_the_last_step_of_one_pass_is_not_empty(small):
    planner = planners(LoaderConfig(**small | {"one_pass": True}))[0]
    while not planner.exhausted:
        plan = planner.step()
    assert any(plan.rows)


def test_datasets_mix_in_the_proportion_of_their_weights(small, sample, second):
    config = LoaderConfig(**small | {"datasets": (str(sample), str(second)), "weights": (0.8, 0.2)})
    tokens = Counter()
    for pack in run(config, 40)[0]:
        for piece in pack:
            tokens[piece.dataset] += piece.tokens
    assert tokens[1] / tokens.total() == pytest.approx(0.2, abs=0.02)


def test_the_mix_can_be_counted_in_documents(small, sample, second):
    more = {"datasets": (str(sample), str(second)), "weights": (0.5, 0.5), "mix_unit": "documents"}
    begun = Counter()
    for pack in run(LoaderConfig(**small | more), 40)[0]:
        begun.update(p.dataset for p in pack if p.ends & 1)
    assert begun[0] / begun.total() == pytest.approx(0.5, abs=0.03)


def test_a_phase_of_the_mix_begins_at_its_step_with_full_packs_and_resumes_exactly(small, sample, second):
    phases = (Phase(from_step=0, weights=(1, 0)), Phase(from_step=80, weights=(0, 1)))
    config = LoaderConfig(**small | {"datasets": (str(sample), str(second)), "phases": phases})
    packs = run(config, 100)[0]
    assert {p.dataset for pack in packs[: 80 * 24] for p in pack} == {0}
    late = Counter(p.dataset for pack in packs[81 * 24 : 86 * 24] for p in pack)
    assert late[1] > 0.9 * late.total()
    assert sum(p.tokens for pack in packs[: 80 * 24] for p in pack) > 0.9 * 80 * 24 * 512
    early, lanes = run(config, 70)
    late, _ = run(config, 30, cursor=70 * 24, lanes=saved(config, lanes))
    assert early + late == packs


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    """2,000 documents as indexes alone: pictures with short texts for alt, paragraphs of some words to hundreds."""
    from loader_shards import write_indexes

    return write_indexes(tmp_path_factory.mktemp("many"), 2_000, 4)


@pytest.mark.parametrize("view", ["natural", "retrieval", "pairs", "text_only"])
@pytest.mark.slow
def test_the_state_of_240_full_lanes_is_under_a_megabyte_and_exact(small, many, view):
    """Every 24th lane is planned until its bins are all open; the state of 240 may be 24 times as large."""
    more = {"datasets": (str(many),), "lanes": 240, "batch_size": 240, "seq_len": 8192, "view": view}
    config = LoaderConfig(**small | more | {"image": ImageConfig(size=224, patch=16, tokens=64)})
    datasets = open_datasets(config)
    plans = ShardPlans(datasets, ByteTokenizer(), config, keep=64)
    planner = Planner(config, datasets, plans, rank=0, world_size=24)
    lanes = [planner.step() for _ in range(40)][-1].lanes
    assert len(lanes) == 10
    assert min(len(s.bins) for s in lanes.values()) > 24
    assert sum(len(b) for s in lanes.values() for b in s.bins) > 10 * (2_000 if view == "pairs" else 300)
    assert len(json.dumps(encode_lanes(shorten(lanes, plans)))) < 1_000_000 / 24
    saved(config, lanes)


def test_runs_pass_over_documents_without_sequences_and_end_where_the_stream_is_not_followed(small):
    """Pairs of pages of which some have none; the last sequence of a lane has no next."""
    config = LoaderConfig(**small | {"view": "pairs", "lanes": 2, "batch_size": 2})
    _, lanes = run(config, 5)
    plans = ShardPlans(open_datasets(config), ByteTokenizer(), config, keep=64)
    runs = [r for s in shorten(lanes, plans).values() for b in s.bins for r in b]
    pieces = [p for s in lanes.values() for b in s.bins for p in b]
    assert sum(r.length for r in runs) == len(pieces)
    assert len(runs) < len(pieces) / 2
    saved(config, lanes)


def test_a_state_that_points_behind_the_stream_is_refused(small):
    config = LoaderConfig(**small)
    plans = ShardPlans(open_datasets(config), ByteTokenizer(), config, keep=64)
    short = shorten(run(config, 1)[1], plans)
    run_ = short[0].bins[0][0]
    for bad in (run_._replace(offset=10**6), run_._replace(length=10**6)):
        with pytest.raises(ResumeError, match="damaged"):
            lengthen({0: short[0]._replace(bins=((bad,),))}, plans)


def test_a_single_pass_with_too_many_lanes_says_how_many_would_do(small, caplog):
    config = LoaderConfig(**small | {"one_pass": True})

    def fill(lanes):
        caplog.clear()
        planner = planners(replace(config, lanes=lanes, batch_size=2))[0]
        rows = []
        while not planner.exhausted:
            rows += planner.step().rows
        return sum(p.tokens for row in rows for p in row) / len(rows) / 512

    assert fill(60) < 0.8
    assert "a single pass: each of the 60 lanes ends with open bins" in caplog.text
    assert "lanes=2, or the number of ranks" in caplog.text
    assert fill(2) > 0.9
    assert not caplog.text


def test_ranks_that_do_not_divide_the_lanes_are_refused_with_those_that_do(small):
    config = LoaderConfig(**small)
    with pytest.raises(
        LoaderConfigError, match=r"5 ranks do not divide 24 lanes; these do: \[1, 2, 3, 4, 6, 8, 12, 24\]"
    ):
        check_ranks(config, 0, 5)
    with pytest.raises(LoaderConfigError, match=r"batch_size=10 rows cannot be shared by 4 ranks; by these: \[1, 2\]"):
        check_ranks(replace(config, batch_size=10), 0, 4)


def test_a_view_that_leaves_nothing_is_an_error_and_not_an_endless_loop(small, tmp_path):
    from loader_shards import key_of, text, write_shards

    write_shards(tmp_path, {key_of(i): [text("only text")] for i in range(5)}, 2)
    config = LoaderConfig(**small | {"datasets": (str(tmp_path),), "view": "pairs"})
    for once in (False, True):
        with pytest.raises(DatasetError, match="no document gives anything under view='pairs'"):
            run(replace(config, one_pass=once), 1)


@pytest.mark.parametrize("unit", ["tokens", "documents"])
def test_a_mix_goes_on_without_a_dataset_of_which_the_view_leaves_nothing(small, sample, tmp_path, unit, caplog):
    from loader_shards import key_of, text, write_shards

    write_shards(tmp_path, {key_of(i): [text("only text")] for i in range(5)}, 2)
    two = {"datasets": (str(sample), str(tmp_path)), "view": "pairs", "mix_unit": unit, "seq_len": 128}
    config = LoaderConfig(**small | two)
    packs, _ = run(config, 40)
    assert {p.dataset for pack in packs for p in pack} == {0}
    assert "lane 3 goes on without dataset 1: 13 documents gave nothing" in caplog.text
    early, lanes = run(config, 7)
    late, _ = run(config, 33, cursor=7 * 24, lanes=saved(config, lanes))
    assert early + late == packs


@pytest.mark.slow
def test_fewer_shards_and_documents_than_lanes_still_feed_every_rank(small, tmp_path):
    from loader_shards import key_of, text, write_shards

    write_shards(tmp_path, {key_of(i): [text(f"document {i}")] for i in range(7)}, 9)
    config = LoaderConfig(**small | {"datasets": (str(tmp_path),)})
    packs = run(config, 2)[0]
    assert all(packs)
    once = planners(replace(config, one_pass=True))[0]
    rows = []
    while not once.exhausted:
        rows += once.step().rows
    assert sorted((p.shard, p.row) for row in rows for p in row) == sorted({(p.shard, p.row) for r in packs for p in r})
