import json
from itertools import islice

import pytest
from loader_shards import sample_documents, write_shards

from vlm.loader import Loader, LoaderConfig, Phase, merge_states
from vlm.loader.errors import ResumeError
from vlm.loader.state import decode_lanes


def batches(loader, count):
    return list(islice(loader, count))


def test_another_mix_begins_in_its_own_phase_with_nothing_served(small, sample, second):
    two = small | {"datasets": (str(sample), str(second))}
    phases = (Phase(from_step=0, weights=(1, 0)), Phase(from_step=2, weights=(0, 1)))
    old = Loader(LoaderConfig(**two | {"phases": phases}))
    state = [batches(old, 5), old.state_dict()][1]
    more = (*phases, Phase(from_step=4, weights=(1, 1)), Phase(from_step=9, weights=(1, 0)))
    for change, phase in (({"weights": (0.5, 0.5)}, 0), ({"phases": more}, 2)):
        loader = Loader(LoaderConfig(**two | change))
        loader.load_state_dict(state, allow=["mix"])
        assert {(s.phase, s.served) for s in decode_lanes(loader.state_dict()["lanes"]).values()} == {(phase, (0, 0))}
        assert len(batches(loader, 1)) == 1


def test_a_merged_state_has_the_faults_of_all_ranks_also_after_it_was_shared_out(small, tmp_path):
    folder = write_shards(tmp_path, sample_documents(120), 4)
    tar = folder / "weft-000001.tar"
    tar.write_bytes(tar.read_bytes()[:3000])
    config = LoaderConfig(**small | {"datasets": (str(folder),), "max_fault_share": 1.0})
    whole = Loader(config)
    batches(whole, 3)
    want = whole.state_dict()
    four = [Loader(config, rank=r, world_size=4) for r in range(4)]
    for loader in four:
        batches(loader, 3)
    state = merge_states([loader.state_dict() for loader in four])
    assert want["faults"]["checksum"] > 20
    assert state == want
    fresh = [Loader(config, rank=r, world_size=3) for r in range(3)]
    for loader in fresh:
        loader.load_state_dict(state)
    assert merge_states([loader.state_dict() for loader in fresh]) == want


def test_a_merged_state_names_the_shards_that_any_rank_went_on_without(small):
    config = LoaderConfig(**small)
    states = [Loader(config, rank=r, world_size=2).state_dict() for r in range(2)]
    found = ({"lost": [[0, 3]], "skipped": []}, {"lost": [[0, 1], [0, 3]], "skipped": [[0, 2]]})
    merged = merge_states([state | more for state, more in zip(states, found, strict=True)])
    assert (merged["lost"], merged["skipped"]) == ([[0, 1], [0, 3]], [[0, 2]])


def test_a_state_of_one_rank_is_not_taken_for_all(small):
    config = LoaderConfig(**small)
    loader = Loader(config, rank=1, world_size=2)
    batches(loader, 1)
    with pytest.raises(ResumeError, match="lacks 12 of this rank's lanes"):
        Loader(config).load_state_dict(loader.state_dict())


def test_a_damaged_state_is_refused(small):
    loader = Loader(LoaderConfig(**small))
    batches(loader, 1)
    state = loader.state_dict() | {"lanes": "0000000000"}
    with pytest.raises(ResumeError, match="damaged"):
        loader.load_state_dict(state)


def test_a_pass_that_was_saved_at_its_end_has_nothing_left_and_the_next_starts_again(small):
    once = Loader(LoaderConfig(**small | {"one_pass": True}))
    whole = [b.keys for b in once]
    again = Loader(LoaderConfig(**small | {"one_pass": True}))
    again.load_state_dict(json.loads(json.dumps(once.state_dict())))
    assert [[b.keys for b in again] for _ in range(3)] == [[], whole, whole]


def test_a_shard_that_was_skipped_stays_so_for_a_loader_that_has_read_its_index(small):
    """As one with a token table has at its start."""
    config = LoaderConfig(**small | {"on_lost_shard": "skip"})
    state = Loader(config).state_dict() | {"skipped": [[0, 1]]}
    loader = Loader(config)
    loader.plans.plan(0, 1)
    loader.load_state_dict(state)
    assert {s[5] for b in batches(loader, 5) for s in b.sources.tolist()} == {0, 2, 3, 4}
