"""What the loader does with each kind of bad input. The outcomes are stated in docs/loader.md."""

import json
import shutil
from dataclasses import replace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from loader_shards import image, jpeg, key_of, sample_documents, text, write_shards

from vlm.loader import ImageConfig, Loader, LoaderConfig, read_documents
from vlm.loader.documents import parse
from vlm.loader.errors import DatasetChanged, DatasetError, ShardLost, TooManyFaults
from vlm.loader.faults import FaultKind


@pytest.fixture
def folder(tmp_path):
    return write_shards(tmp_path / "shards", sample_documents(60), 3)


@pytest.fixture
def config(small, folder):
    return LoaderConfig(**small | {"datasets": (str(folder),), "one_pass": True, "max_fault_share": 1.0})


def all_of(config):
    loader = Loader(config)
    return list(loader), loader


def damage(folder, name, at, data):
    with (folder / name).open("r+b") as file:
        file.seek(at)
        file.write(data)


def members(folder, shard):
    table = pq.read_table(folder / f"weft-{shard:06d}.idx.parquet").to_pylist()
    return [(row["key"], m) for row in table for m in row["members"]]


def assert_same_packing(batches, others):
    assert [b.keys for b in batches] == [b.keys for b in others]
    assert all(torch.equal(a.sources, b.sources) for a, b in zip(batches, others, strict=True))
    assert [b.patches.shape for b in batches] == [b.patches.shape for b in others]


def test_a_damaged_image_is_masked_and_nothing_else_changes(config, folder):
    good, _ = all_of(config)
    key, member = next((k, m) for k, m in members(folder, 1) if m["name"] == "000.jpg")
    damage(folder, "weft-000001.tar", member["offset"] + member["length"] // 2, b"\0\0\0\0")
    bad, loader = all_of(config)
    assert_same_packing(good, bad)
    assert loader.faults.by_kind == {FaultKind.CHECKSUM: 1}
    (fault,) = [f for b in bad for f in b.faults]
    assert (fault.shard, fault.key, fault.member) == ("weft-000001.tar", key, "000")
    for a, b in zip(good, bad, strict=True):
        assert torch.equal(a.tokens, b.tokens)
        masked = torch.nonzero(~b.image_ok).flatten().tolist()
        for i in masked:
            assert not b.valid[b.image_index == i].any()
            grid = b.grid_image.tolist().index(i)
            lo, hi = b.cu_patches[grid : grid + 2].tolist()
            assert b.patches[lo:hi].abs().sum() == 0
            assert a.patches[lo:hi].abs().sum() > 0
        differs = a.valid != b.valid
        assert differs.sum() <= (b.image_index >= 0).sum()
    assert sum(int((~b.image_ok).sum()) for b in bad) == 1


def test_bytes_that_are_no_image_are_a_decode_fault(small, tmp_path):
    broken = jpeg(5)[:300] + b"\xff\xd9"
    nodes = [text("a"), image(b"no image at all"), image(broken), image(jpeg(9))]
    write_shards(tmp_path, {key_of(0): nodes}, 1)
    (batch,), loader = all_of(
        LoaderConfig(**small | {"datasets": (str(tmp_path),), "one_pass": True, "max_fault_share": 1.0})
    )
    assert batch.image_ok.tolist()[0] is False
    assert batch.image_ok.tolist()[2] is True
    assert loader.faults.by_kind[FaultKind.DECODE] >= 1
    for number, good in enumerate(batch.image_ok.tolist()):
        assert batch.valid[batch.image_index == number].tolist() == [good] * 4


def test_an_image_of_another_size_than_the_index_says_is_not_decoded(small, tmp_path):
    write_shards(tmp_path, {key_of(0): [image(jpeg(1, 64, 48), 63, 48), text("a")]}, 1)
    (batch,), _ = all_of(
        LoaderConfig(**small | {"datasets": (str(tmp_path),), "one_pass": True, "max_fault_share": 1.0})
    )
    assert [f.kind for f in batch.faults] == [FaultKind.SIZE]
    assert "64x48, the index says 63x48" in batch.faults[0].detail


def test_an_image_of_more_pixels_than_any_real_one_has_is_not_decoded(small, tmp_path):
    header = jpeg(1).index(b"\xff\xc0") + 5
    bomb = jpeg(1)[:header] + (20_000).to_bytes(2, "big") * 2 + jpeg(1)[header + 4 :]
    write_shards(tmp_path, {key_of(0): [image(bomb, 20_000, 20_000), text("a")]}, 1)
    (batch,), _ = all_of(LoaderConfig(**small | {"datasets": (str(tmp_path),), "one_pass": True}))
    assert [f.kind for f in batch.faults] == [FaultKind.SIZE]
    assert "20000x20000, the index says 20000x20000; at most 178,956,970 pixels" in batch.faults[0].detail


@pytest.mark.parametrize("mode", ["fixed", "tiles", "native"])
@pytest.mark.parametrize("side", [(1, 1), (20_000, 10), (10, 3_000)])
def test_extreme_images_cost_what_was_planned(small, tmp_path, mode, side):
    width, height = side
    write_shards(tmp_path, {key_of(0): [image(jpeg(1, width, height), width, height), text("a")]}, 1)
    shape = ImageConfig(mode=mode, size=32, patch=8, tokens=4, max_patches=64)
    config = LoaderConfig(**small | {"datasets": (str(tmp_path),), "one_pass": True, "image": shape})
    (batch,), _ = all_of(config)
    assert batch.image_ok.tolist() == [True]
    assert batch.patches.shape[0] == int(batch.cu_patches[-1]) <= shape.most_patches
    assert batch.patches.isfinite().all()


def test_a_truncated_tar_costs_the_documents_behind_the_cut(config, folder):
    good, _ = all_of(config)
    tar = folder / "weft-000002.tar"
    tar.write_bytes(tar.read_bytes()[: tar.stat().st_size // 2])
    bad, loader = all_of(config)
    assert_same_packing(good, bad)
    assert set(loader.faults.by_kind) == {FaultKind.CHECKSUM}
    lost = {f.key for b in bad for f in b.faults if f.member == "json"}
    for batch in bad:
        for segment, key in zip(batch.sources.tolist(), batch.keys, strict=True):
            row, start, length = segment[:3]
            if key in lost:
                assert not batch.valid[row, start : start + length].any()
                assert not batch.loss_mask[row, start : start + length].any()


def test_an_index_of_another_shard_is_an_error_at_once(config, folder):
    shutil.copy(folder / "weft-000000.idx.parquet", folder / "weft-000001.idx.parquet")
    with pytest.raises(DatasetError, match=r"documents, the manifest says|points behind the end"):
        all_of(config)
    with pytest.raises(DatasetError):
        list(read_documents(str(folder)))


def test_an_index_whose_offsets_are_wrong_gives_faults_until_the_limit(config, folder):
    path = folder / "weft-000001.idx.parquet"
    table = pq.read_table(path)
    rows = table.to_pylist()
    for row in rows:
        for member in row["members"]:
            member["offset"] = max(0, member["offset"] - 512)
    pq.write_table(pa.Table.from_pylist(rows, schema=table.schema), path)
    with pytest.raises(TooManyFaults, match=r"11 bad items in a row; the last: checksum: weft-000001\.tar"):
        all_of(replace(config, max_faults_in_row=10))


def test_an_index_that_is_no_parquet_is_a_lost_shard(config, folder):
    (folder / "weft-000001.idx.parquet").write_bytes(b"PAR1 not really")
    with pytest.raises(ShardLost, match=r"weft-000001\.idx\.parquet"):
        all_of(config)


def test_a_lost_shard_is_an_error_or_a_recorded_skip(config, folder):
    (folder / "weft-000001.idx.parquet").unlink()
    with pytest.raises(ShardLost, match=r"weft-000001\.idx\.parquet: not there"):
        all_of(config)
    batches, loader = all_of(replace(config, on_lost_shard="skip"))
    assert loader.state_dict()["skipped"] == [[0, 1]]
    assert {s[5] for b in batches for s in b.sources.tolist()} == {0, 2}


def test_a_shard_that_is_lost_while_a_run_stands_still_can_be_skipped_when_it_goes_on(small, folder):
    """Parts of its documents were in open bins."""
    config = LoaderConfig(**small | {"datasets": (str(folder),), "lanes": 6, "batch_size": 6})
    loader = Loader(config)
    state = [next(iter(loader)), loader.state_dict()][1]
    (folder / "weft-000001.idx.parquet").unlink()
    with pytest.raises(ShardLost, match=r"weft-000001\.idx\.parquet: not there"):
        Loader(config).load_state_dict(state)
    again = Loader(replace(config, on_lost_shard="skip"))
    again.load_state_dict(state)
    batches = iter(again)
    seen = {s[5] for _ in range(8) for s in next(batches).sources.tolist()}
    assert seen == {0, 2}
    assert again.state_dict()["skipped"] == [[0, 1]]


def test_ranks_of_a_single_pass_skip_an_index_together_or_not_at_all(config, folder):
    """One that alone skipped it would plan fewer steps than the others and leave them waiting."""
    config = replace(config, on_lost_shard="skip")
    good = Loader(config, rank=0, world_size=2)
    list(good)
    index = folder / "weft-000001.idx.parquet"
    content = index.read_bytes()
    index.unlink()
    with pytest.raises(ShardLost, match="ranks of a single pass end together"):
        list(Loader(config, rank=1, world_size=2))
    alone = Loader(config)
    state = [next(iter(alone)), alone.state_dict()][1]
    index.write_bytes(content)
    two = [Loader(config, rank=r, world_size=2) for r in (0, 1)]
    for loader in two:  # what a state says, all ranks know
        loader.load_state_dict(state)
    assert len({len(list(loader)) for loader in two}) == 1
    assert two[0].state_dict()["skipped"] == [[0, 1]]


def test_a_lost_tar_is_an_error_or_masked_documents(small, tmp_path):
    """However much it held: the limits are for damage that nobody has agreed to."""
    folder = write_shards(tmp_path, sample_documents(400), 3)
    config = LoaderConfig(**small | {"datasets": (str(folder),), "one_pass": True, "max_faults_in_row": 5})
    good, _ = all_of(config)
    (folder / "weft-000001.tar").unlink()
    with pytest.raises(ShardLost, match=r"weft-000001\.tar"):
        all_of(config)
    bad, loader = all_of(replace(config, on_lost_shard="skip"))
    assert_same_packing(good, bad)
    assert set(loader.faults.by_kind) == {FaultKind.LOST}
    assert loader.faults.by_kind.total() > 200
    assert loader.faults.items > 500
    state = loader.state_dict()
    assert (state["lost"], state["skipped"]) == ([[0, 1]], [])


def test_a_tar_that_was_lost_is_still_so_after_a_resume(config, folder):
    tar = folder / "weft-000001.tar"
    content = tar.read_bytes()
    tar.unlink()
    config = replace(config, on_lost_shard="skip", batch_size=6, lanes=6)
    loader = Loader(config)
    state = [next(iter(loader)), loader.state_dict()][1]
    rest = list(loader)
    tar.write_bytes(content)
    again = Loader(config)
    again.load_state_dict(json.loads(json.dumps(state)))
    assert state["lost"] == [[0, 1]]
    assert all(torch.equal(a.valid, b.valid) for a, b in zip(rest, again, strict=True))


SENTENCES = "The quick brown fox jumps over the lazy dog again and again. " * 60


@pytest.mark.parametrize("damaged", ["json", "truncated", "removed"])
def test_what_can_be_read_of_a_paragraph_longer_than_a_pack_does_not_change_the_packing(config, folder, damaged):
    documents = sample_documents(30) | {key_of(f"long {i}"): [text(SENTENCES), text("end")] for i in range(6)}
    write_shards(folder, documents, 3)
    good, _ = all_of(config)
    tars = [folder / f"weft-{number:06d}.tar" for number in range(3)]
    if damaged == "json":
        for number, tar in enumerate(tars):
            for _, member in members(folder, number):
                if member["length"] > len(SENTENCES):
                    damage(folder, tar.name, member["offset"] + 10, b"\0\0")
    elif damaged == "truncated":
        tars[1].write_bytes(tars[1].read_bytes()[:2000])
    else:
        tars[1].unlink()
    bad, loader = all_of(replace(config, on_lost_shard="skip"))
    assert_same_packing(good, bad)
    assert loader.faults.by_kind.total() > 1


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b"[1, 2]",
        b"not json",
        b'{"texts": ["a"], "images": [null], "roles": [], "metadata": []}',
        b'{"texts": [5], "images": [null], "roles": ["paragraph"], "metadata": [null]}',
        b'{"texts": [null], "images": ["000.jpg"], "roles": ["image"], "metadata": [null]}',
        b'{"texts": ["other length"], "images": [null], "roles": ["paragraph"], "metadata": [null]}',
        b'{"texts": ["\\ud800x"], "images": [null], "roles": ["paragraph"], "metadata": [null]}',
        b"[" * 100_000 + b"]" * 100_000,
    ],
)
def test_a_json_that_breaks_the_schema_is_masked(small, tmp_path, body, monkeypatch):
    """The member is what the index says (CRC), so the writer was wrong; its number of tokens stays as planned."""
    import loader_shards

    real = json.dumps
    monkeypatch.setattr(loader_shards.json, "dumps", lambda x, **k: body.decode() if "texts" in x else real(x, **k))
    write_shards(tmp_path, {key_of(0): [text("hello")]}, 1)
    config = LoaderConfig(**small | {"datasets": (str(tmp_path),), "one_pass": True, "max_fault_share": 1.0})
    (batch,), loader = all_of(config)
    assert loader.faults.by_kind.total() == 1
    assert batch.useful_tokens == len("hello\n\n") + 2
    text_places = batch.tokens < 256
    assert not (text_places & batch.valid).any()


def test_a_json_that_is_nested_too_deeply_is_a_value_error_like_any_other():
    with pytest.raises(ValueError, match="nested too deeply"):
        parse(b"[" * 100_000 + b"]" * 100_000, None, 0)


def test_a_share_of_bad_items_stops_the_run_but_not_in_the_first_thousand(small, tmp_path):
    documents = {key_of(i): [text(f"document number {i}")] for i in range(1500)}
    folder = write_shards(tmp_path, documents, 2)
    for _, member in members(folder, 0)[::10]:
        damage(folder, "weft-000000.tar", member["offset"], b"X")
    config = LoaderConfig(**small | {"datasets": (str(folder),), "one_pass": True, "max_fault_share": 0.02})
    loader = Loader(config)
    with pytest.raises(TooManyFaults, match=r"over max_fault_share=0\.02"):
        list(loader)
    assert loader.faults.items >= 1000


def test_a_document_of_200000_tokens_is_cut_and_nothing_of_it_is_lost(small, tmp_path):
    words = "A sentence of the long page is here. " * 40
    long = [text(words.strip()) for _ in range(200_000 // len(words))] + [text("x" * 9000)]
    write_shards(tmp_path, {key_of(0): long, key_of(1): [text("short")]}, 1)
    config = LoaderConfig(**small | {"datasets": (str(tmp_path),), "one_pass": True})
    batches, _ = all_of(config)
    pieces = {}
    for batch in batches:
        for segment, key in zip(batch.sources.tolist(), batch.keys, strict=True):
            row, start, length, *_, ends = segment
            tokens = batch.tokens[row, start : start + length]
            assert batch.loss_mask[row, start + 1 : start + length].all()
            pieces.setdefault(key, []).append((ends, bytes(t for t in tokens.tolist() if t < 256)))
    assert len(pieces[key_of(0)]) > 380
    whole = "".join(t["text"] + "\n\n" for t in long).encode()
    parts = [b for _, b in pieces[key_of(0)]]
    assert sum(len(p) for p in parts) == len(whole)
    assert all(p in whole for p in parts)
    assert sorted(e for e, _ in pieces[key_of(0)])[-2:] == [1, 2]


def test_a_document_of_400_images_keeps_all_of_them(small, tmp_path):
    nodes = [image(jpeg(i, 32, 32), 32, 32) for i in range(400)] + [text("the end")]
    write_shards(tmp_path, {key_of(0): nodes}, 1)
    batches, _ = all_of(LoaderConfig(**small | {"datasets": (str(tmp_path),), "one_pass": True}))
    assert sum(len(b.image_ok) for b in batches) == 400


def test_empty_shards_and_empty_datasets(small, tmp_path):
    write_shards(tmp_path / "some", {key_of(0): [text("a")]}, 7)
    (batch,), _ = all_of(LoaderConfig(**small | {"datasets": (str(tmp_path / "some"),), "one_pass": True}))
    assert batch.keys == (key_of(0),)
    write_shards(tmp_path / "none", {}, 2)
    with pytest.raises(DatasetError, match="no document gives anything"):
        next(iter(Loader(LoaderConfig(**small | {"datasets": (str(tmp_path / "none"),), "one_pass": True}))))
    with pytest.raises(DatasetError, match="no documents"):
        next(iter(Loader(LoaderConfig(**small | {"datasets": (str(tmp_path / "none"),)}))))


def test_a_manifest_that_changes_during_the_run_stops_it(config, folder):
    loader = Loader(replace(config, one_pass=False))
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["shards"][0]["sha256"] = "0" * 64
    (folder / "manifest.json").write_text(json.dumps(manifest) + " ")
    with pytest.raises(DatasetChanged, match="changed during the run"):
        next(iter(loader))


@pytest.mark.parametrize("left", ["nothing", "other tars"])
def test_a_dataset_written_anew_once_all_indexes_are_open_stops_the_run_at_the_first_member_that_differs(
    config, folder, left
):
    loader = Loader(replace(config, one_pass=False, max_faults_in_row=10**6, on_lost_shard="skip"))
    batches = iter(loader)
    while len(loader.plans._plans) < 3:
        next(batches)
    write_shards(folder, sample_documents(60, seed=7), 3)
    if left == "nothing":
        for tar in folder.glob("*.tar"):
            tar.unlink()
    with pytest.raises(DatasetChanged, match="changed during the run"):
        next(batches)


def test_a_manifest_that_is_written_again_with_the_same_content_does_not(config, folder):
    loader = Loader(config)
    (folder / "manifest.json").write_text(json.dumps(json.loads((folder / "manifest.json").read_text()), indent=1))
    assert len(list(loader)) > 0


@pytest.mark.parametrize("body", ["", "[]", '{"format": "other"}', '{"format": "weft", "shards": [], "num_shards": 1}'])
def test_a_manifest_that_is_none_is_an_error(tmp_path, small, body):
    (tmp_path / "manifest.json").write_text(body)
    with pytest.raises(DatasetError, match=r"manifest\.json"):
        Loader(LoaderConfig(**small | {"datasets": (str(tmp_path),)}))


def test_the_plain_reader_stops_at_what_the_loader_would_mask(folder):
    _, member = next((k, m) for k, m in members(folder, 1) if m["name"] == "000.jpg")
    damage(folder, "weft-000001.tar", member["offset"], b"\0\0")
    with pytest.raises(DatasetError, match="differ from the index"):
        list(read_documents(str(folder)))
