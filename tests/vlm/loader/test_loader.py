import json
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from loader_shards import image, jpeg, key_of, read_number, sample_documents, text, write_shards

from vlm.loader import ImageConfig, Loader, LoaderConfig, merge_states
from vlm.loader.errors import DatasetError, LoaderConfigError, ResumeError
from vlm.loader.plan import Planner

VISIBLE = ImageConfig(size=48, patch=8, tokens=4)


def batches(loader, count):
    it = iter(loader)
    out = [next(it) for _ in range(count)]
    it.close()
    return out


def same(a, b):
    return all(torch.equal(x, b.tensors()[n]) for n, x in a.tensors().items()) and a.keys == b.keys


def pixels(batch, number, patch=8):
    """(3, H, W) of the first crop of an image."""
    grid = batch.grid_image.tolist().index(number)
    lo, hi = batch.cu_patches[grid : grid + 2].tolist()
    h, w = batch.grids[grid].tolist()
    cut = batch.patches[lo:hi].float().view(h, w, 3, patch, patch)
    return cut.permute(2, 0, 3, 1, 4).reshape(3, h * patch, w * patch).numpy()


def test_the_identity_in_the_pixels_arrives_at_the_token_that_stands_for_it(small, sample, second):
    """Through shuffle, mix, cut, pack and resume."""
    numbers = {}  # (key, k-th image of the document) -> number
    for documents in (sample_documents(200), sample_documents(80, seed=1)):
        for key, nodes in documents.items():
            numbers[key] = [int(n["alt"].split()[1]) for n in nodes if "image" in n]
    config = LoaderConfig(**small | {"datasets": (str(sample), str(second)), "image": VISIBLE, "seq_len": 160})
    first = Loader(config)
    state = [batches(first, 6), first.state_dict()][1]
    rest = Loader(config)
    rest.load_state_dict(state)
    seen, cut = 0, 0
    for batch in batches(rest, 10):
        for segment, key in zip(batch.sources.tolist(), batch.keys, strict=True):
            row, start, length, *_, ends = segment
            cut += ends != 3
            index = batch.image_index[row, start : start + length]
            found = [read_number(pixels(batch, i)) for i in index[index >= 0].unique().tolist()]
            if not found:
                continue
            at = [i for i in range(len(numbers[key])) if numbers[key][i : i + len(found)] == found]
            assert at, f"{found} is no run of {numbers[key]}"
            seen += len(found)
    assert seen > 60
    assert cut > 20


def test_an_image_token_stands_between_the_texts_that_surround_it_on_the_page(small, tmp_path):
    nodes = [text("before"), image(jpeg(77)), text("after"), image(jpeg(78)), image(jpeg(79)), text("end")]
    write_shards(tmp_path, {key_of(0): nodes}, 1)
    config = LoaderConfig(**small | {"datasets": (str(tmp_path),), "image": VISIBLE, "one_pass": True})
    (batch,) = list(Loader(config))
    row = batch.sources[0, 0]
    s = Loader(config).tokenizer.specials
    shown = [
        {s.bos: "<", s.eos: ">", s.image: "I", s.image_start: "[", s.image_end: "]", s.pad: ""}.get(t, chr(t % 256))
        for t in batch.tokens[row].tolist()
    ]
    assert "".join(shown) == "<before\n\n[IIII]after\n\n[IIII][IIII]end\n\n>"
    assert [read_number(pixels(batch, i)) for i in range(3)] == [77, 78, 79]
    length = int(batch.sources[0, 2])
    assert batch.positions[row, :length].tolist() == list(range(length))
    predicted = "".join(c for c, m in zip(shown, batch.loss_mask[row].tolist(), strict=True) if m)
    assert predicted == "before\n\nafter\n\nend\n\n>"
    assert batch.num_targets == len(predicted)
    last = batch.last_image[row, :length].tolist()
    assert last[:9] == [-1] * 9
    assert last[9:22] == [0] * 13
    assert last[-1] == 2
    assert batch.document_ids[row, length:].unique().tolist() == [-1]
    assert not batch.valid[row, length:].any()
    assert batch.cu_seqlens[-1] == batch.tokens.numel()
    assert {0, length, 512} <= {int(c) - 512 * int(row) for c in batch.cu_seqlens}


def test_threads_make_no_more_batches_than_there_is_room_for(small, monkeypatch):
    loader = Loader(LoaderConfig(**small | {"threads": 2, "prefetch": 2}))
    made, assemble = [], loader._assembler.assemble
    monkeypatch.setattr(loader._assembler, "assemble", lambda plan: [made.append(plan.step), assemble(plan)][1])
    for taken, _ in enumerate(loader, 1):
        time.sleep(0.05)
        assert len(made) <= taken + 2 + 1 + 3  # in the queue, waiting for room, and one a thread and one more pending
        if taken == 12:
            break
    loader.close()


def test_retrieval_places_an_image_before_its_text(small, tmp_path):
    nodes = [text("one"), image(jpeg(5), matched=2), text("two"), image(jpeg(6), matched=0), image(jpeg(7))]
    write_shards(tmp_path, {key_of(0): nodes}, 1)
    config = LoaderConfig(
        **small | {"datasets": (str(tmp_path),), "image": VISIBLE, "one_pass": True, "view": "retrieval"}
    )
    (batch,) = list(Loader(config))
    assert [read_number(pixels(batch, i)) for i in range(3)] == [6, 5, 7]
    where = int(batch.sources[0, 0])
    row = zip(batch.tokens[where].tolist(), batch.image_index[where].tolist(), strict=True)
    shown = "".join(str(i) if i >= 0 else chr(t) for t, i in row if i >= 0 or t < 256)
    assert shown == "0000one\n\n1111two\n\n2222"


def test_pairs_are_sequences_of_an_image_and_its_caption_or_alt(small, tmp_path):
    nodes = [
        text("page"),
        image(jpeg(1), alt="first"),
        image(jpeg(2)),
        image(jpeg(3), alt="third", caption="better"),
    ]
    write_shards(tmp_path, {key_of(0): nodes}, 1)
    config = LoaderConfig(**small | {"datasets": (str(tmp_path),), "image": VISIBLE, "one_pass": True, "view": "pairs"})
    (batch,) = list(Loader(config))
    said = []
    for row, start, length, *_, ends in batch.sources.tolist():
        assert ends == 3
        tokens = batch.tokens[row, start : start + length]
        said.append(bytes(t for t in tokens.tolist() if t < 256).decode())
    assert said == ["first\n\n", "better\n\n"]
    assert [read_number(pixels(batch, i)) for i in range(2)] == [1, 3]


def test_text_only_reads_no_images(small):
    batch = batches(Loader(LoaderConfig(**small | {"view": "text_only"})), 1)[0]
    assert batch.patches.shape[0] == 0
    assert not (batch.image_index >= 0).any()


@pytest.mark.parametrize("threads", [0, 1, 3])
def test_threads_change_nothing(small, threads):
    config = LoaderConfig(**small)
    for a, b in zip(batches(Loader(config), 4), batches(Loader(replace(config, threads=threads)), 4), strict=True):
        assert same(a, b)


def test_resume_is_exact_to_the_pixel_and_on_other_ranks(small):
    config = LoaderConfig(**small | {"threads": 2})
    whole = batches(Loader(config), 7)
    four = [Loader(config, rank=r, world_size=4) for r in range(4)]
    for loader in four:
        batches(loader, 3)
    state = json.loads(json.dumps(merge_states([loader.state_dict() for loader in four])))
    two = [Loader(config, rank=r, world_size=2) for r in range(2)]
    for loader in two:
        loader.load_state_dict(state)
    parts = [batches(loader, 4) for loader in two]
    for step in range(4):
        want, got = whole[3 + step], [p[step] for p in parts]
        for rank in range(2):
            assert torch.equal(got[rank].tokens, want.tokens[rank::2])
        assert sum(g.patches.double().sum() for g in got) == pytest.approx(float(want.patches.double().sum()))


def test_prefetched_batches_are_not_counted_as_seen(small):
    config = LoaderConfig(**small | {"threads": 2, "prefetch": 8})
    loader = Loader(config)
    it = iter(loader)
    next(it)
    time.sleep(0.3)
    assert loader.state_dict()["cursor"] == config.batch_size
    loader.close()


def test_the_state_of_an_earlier_step_can_be_had(small):
    config = LoaderConfig(**small)
    loader = Loader(config)
    seen = batches(loader, 20)
    again = Loader(config)
    again.load_state_dict(loader.state_dict(step=16))
    assert same(next(iter(again)), seen[17])
    for step in (2, 20):
        with pytest.raises(ResumeError, match=f"step {step} is not one of the last 16"):
            loader.state_dict(step=step)


def test_a_new_iterator_goes_on_and_a_finished_pass_starts_again(small):
    loader = Loader(LoaderConfig(**small))
    a, b = batches(loader, 1)[0], batches(loader, 1)[0]
    assert (a.step, b.step) == (0, 1)
    once = Loader(LoaderConfig(**small | {"one_pass": True}))
    assert [x.keys for x in once] == [x.keys for x in once]


def ends(iterator):
    """What is left of an iterator that must not wait for ever, asked for in another thread."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(list, iterator).result(timeout=60)


@pytest.mark.parametrize("threads", [0, 2])
def test_an_iterator_ends_where_the_loader_goes_on_without_it(small, threads):
    loader = Loader(LoaderConfig(**small | {"threads": threads}))
    first, unused = iter(loader), iter(loader)
    assert ends(first) == []
    second = iter(loader)
    assert next(second).step == 0
    assert ends(unused) == []
    third = iter(loader)
    assert next(third).step == 1
    assert ends(second) == []
    state = loader.state_dict()
    assert [next(third).step, loader.state_dict()["cursor"]] == [2, 72]
    loader.load_state_dict(state)
    assert ends(third) == []
    assert next(fourth := iter(loader)).step == 2
    loader.close()
    assert ends(fourth) == []


def test_a_consumer_that_waits_in_another_thread_is_let_go_by_close(small, monkeypatch):
    loader = Loader(LoaderConfig(**small | {"threads": 1}))
    step, waits = Planner.step, threading.Event()

    def stopped(planner):
        while loader._run is None:
            time.sleep(0.001)
        waits.set()
        loader._run._stop.wait(60)  # nothing comes before the end
        return step(planner)

    monkeypatch.setattr(Planner, "step", stopped)
    with ThreadPoolExecutor(1) as pool:
        rest = pool.submit(list, iter(loader))
        assert waits.wait(60)
        loader.close()
        assert rest.result(timeout=60) == []


def test_what_would_break_the_stream_is_refused_by_name(small, second):
    config = LoaderConfig(**small)
    loader = Loader(config)
    batches(loader, 1)
    state = loader.state_dict()
    for change in ({"seed": 3}, {"seq_len": 1024}, {"open_bins": 9}, {"separator": " "}, {"datasets": (str(second),)}):
        name = {"separator": "tokenizer", "datasets": "manifest"}.get(next(iter(change)), next(iter(change)))
        with pytest.raises(ResumeError, match=f"\n  {name}: the state has"):
            Loader(LoaderConfig(**small | change)).load_state_dict(state)
    other = Loader(LoaderConfig(**small | {"seed": 3}))
    other.load_state_dict(state, allow=["seed"])
    seen = batches(other, 2)
    assert [b.step for b in seen] == [1, 2]
    again = Loader(LoaderConfig(**small | {"seed": 3}))
    again.load_state_dict(other.state_dict(step=1))
    assert same(batches(again, 1)[0], seen[1])


@pytest.mark.parametrize("world", [1, 2])
def test_another_batch_size_goes_on_in_the_same_stream_and_resumes_exactly(small, world):
    """From a step that is none of the new size: 24 slots, then steps of 16."""
    before, config = (LoaderConfig(**small | {"batch_size": size}) for size in (8, 16))
    loader = Loader(before)
    rows = torch.cat([b.tokens for b in batches(loader, 13)])
    state = [batches(fresh := Loader(before), 3), fresh.state_dict()][1]
    for rank in range(world):
        again = Loader(config, rank=rank, world_size=world)
        again.load_state_dict(state, allow=["batch_size"])
        assert torch.equal(torch.cat([b.tokens for b in batches(again, 5)]), rows[24:][rank::world])
        assert [again.state_dict(step=s)["cursor"] for s in (4, 5)] == [88, 104]
        third = Loader(config, rank=rank, world_size=world)
        third.load_state_dict(again.state_dict(step=2))
        assert torch.equal(torch.cat([b.tokens for b in batches(third, 3)]), rows[56:][rank::world])


COLLECTED = """
import gc, sys, threading
import torch
from vlm.loader import ImageConfig, Loader, LoaderConfig
from vlm.loader.assemble import Assembler
from vlm.loader.plan import Planner
gc.disable()
torch.set_num_threads(1)
kind, name = {"pool": (Assembler, "assemble"), "pump": (Planner, "step")}[sys.argv[2]]
whole, left = getattr(kind, name), threading.Event()
def then(self, *args):
    if left.is_set():
        left.clear()
        gc.collect()
    return whole(self, *args)
setattr(kind, name, then)
image = ImageConfig(size=16, patch=8, tokens=2)
loader = Loader(LoaderConfig(datasets=(sys.argv[1],), batch_size=6, seq_len=256, lanes=6, prefetch=10**6, image=image))
batches = iter(loader)
next(batches)
cycle = [batches]
cycle.append(cycle)
del batches, cycle, loader
left.set()
ours = [t for t in threading.enumerate() if t is not threading.main_thread()]
for thread in ours:
    thread.join(30)
sys.exit(sum(t.is_alive() for t in ours))
"""


@pytest.mark.slow
@pytest.mark.parametrize("where", ["pool", "pump"])
def test_an_iterator_that_the_collector_ends_in_a_thread_of_its_own_does_not_wait_for_itself(sample, where):
    """Frameworks hold iterators in cycles: a process hung at its end, with a thread that waited for itself."""
    command = [sys.executable, "-c", COLLECTED, str(sample), where]
    done = subprocess.run(
        command, cwd=Path(__file__).parents[3], timeout=100, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_a_folder_without_manifest_says_so(tmp_path, small):
    with pytest.raises(DatasetError, match=r"holds no manifest\.json"):
        Loader(LoaderConfig(**small | {"datasets": (str(tmp_path),)}))


@pytest.mark.parametrize(
    "change",
    [
        {"batch_size": 0},
        {"datasets": ()},
        {"view": "sideways"},
        {"weights": (0.0,)},
        {"weights": (1.0, 1.0)},
        {"patch_budget": 3},
        {"seq_len": 9},
    ],
)
def test_a_configuration_that_makes_no_sense_is_refused(small, change):
    with pytest.raises(LoaderConfigError):
        LoaderConfig(**small | change)


RUN = """
import json, sys, hashlib
import torch; torch.set_num_threads(1)
from vlm.loader import ImageConfig, Loader, LoaderConfig
folder, where, log, stop = sys.argv[1:]
loader = Loader(LoaderConfig(datasets=(folder,), batch_size=6, seq_len=256, lanes=6, threads=1, dtype="float32",
                             image=ImageConfig(size=16, patch=8, tokens=2)))
try:
    loader.load_state_dict(json.load(open(where)))
except FileNotFoundError:
    pass
for batch in loader:
    line = hashlib.sha256(batch.tokens.numpy().tobytes() + batch.patches.numpy().tobytes()).hexdigest()
    with open(log, "a") as f: f.write(f"{batch.step} {line}\\n")
    with open(where + ".new", "w") as f: json.dump(loader.state_dict(), f)
    import os; os.replace(where + ".new", where)
    if batch.step + 1 >= int(stop): os._exit(0)
"""


def follow(folder, sample, kills, steps):
    """Lines (step, hash) of a run that is killed whenever its log has so many lines."""
    state, log = folder / "state", folder / "log"
    for kill in [*kills, None]:
        command = [sys.executable, "-c", RUN, str(sample), str(state), str(log), str(steps)]
        with subprocess.Popen(command, cwd=Path(__file__).parents[3], env=os.environ | {"OMP_NUM_THREADS": "1"}) as run:
            while kill is not None and run.poll() is None:
                if log.exists() and len(log.read_text().splitlines()) >= kill:
                    run.send_signal(signal.SIGKILL)
                    break
                time.sleep(0.002)
            run.wait()
    return [line.split() for line in log.read_text().splitlines()]


@pytest.mark.slow
def test_a_run_that_is_killed_at_random_gives_the_same_stream(tmp_path, sample):
    """Twenty kills are in benchmarks/loader; here four, each wherever the process happens to be."""
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    whole = follow(tmp_path / "a", sample, [], 60)
    killed = follow(tmp_path / "b", sample, [3, 17, 30, 41], 60)
    assert len(whole) == 60
    assert dict(killed) == dict(whole)
    assert len(dict(killed)) == 60
