import errno
import fcntl
import io
import json
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from loader_shards import sample_documents, write_shards

from vlm.loader import Loader, LoaderConfig
from vlm.loader.dataset import Dataset
from vlm.loader.errors import DatasetChanged, DatasetError, LoaderConfigError, ShardLost, TokenTableMissing
from vlm.loader.storage import CachedStore, LocalStore, RemoteStore, coalesce, open_store
from vlm.loader.tools.tokens import main as make_tables


@given(st.lists(st.tuples(st.integers(0, 500), st.integers(1, 60)), max_size=20), st.integers(0, 50))
def test_reads_cover_every_range_and_do_not_touch_each_other(ranges, gap):
    reads = coalesce(ranges, gap)
    assert sorted(i for _, _, which in reads for i in which) == list(range(len(ranges)))
    for offset, length, which in reads:
        for i in which:
            assert offset <= ranges[i][0]
            assert ranges[i][0] + ranges[i][1] <= offset + length
    for before, after in pairwise(reads):
        assert after[0] > before[0] + before[1] + gap


def test_ranges_of_a_local_file_come_in_the_order_of_the_question(tmp_path):
    (tmp_path / "f").write_bytes(bytes(range(256)) * 400)
    store = LocalStore(str(tmp_path))
    parts = store.read_ranges("f", [(100_000, 3), (5, 2), (102_390, 100)])
    assert [bytes(p) for p in parts] == [bytes([160, 161, 162]), bytes([5, 6]), bytes(range(246, 256))]


def test_a_file_that_is_not_there_is_a_lost_shard(tmp_path):
    with pytest.raises(ShardLost, match="nothing"):
        LocalStore(str(tmp_path)).read_ranges("nothing", [(0, 1)])


def test_a_dataset_behind_https_gives_the_same_stream_as_on_disk(server, small):
    url, _, folder = server
    streams = []
    for where in (url, str(folder)):
        loader = Loader(LoaderConfig(**small | {"datasets": (where,)}))
        it = iter(loader)
        streams.append([(next(it).keys, float(next(it).patches.sum())) for _ in range(2)])
    assert streams[0] == streams[1]


def test_a_server_that_answers_503_is_asked_again(server, small):
    url, handler, _ = server
    handler.failures = 3
    loader = Loader(LoaderConfig(**small | {"datasets": (url,), "retries": 5}))
    next(iter(loader))
    assert handler.failures == 0
    assert loader.faults.by_kind == {}


def s3_of(url, folder, monkeypatch):
    """Object stores are read by HEAD and GET with ranges alone, so a plain server will do for one."""
    fsspec = pytest.importorskip("fsspec")
    pytest.importorskip("s3fs")
    monkeypatch.setitem(fsspec.config.conf, "s3", {"endpoint_url": url, "key": "k", "secret": "s"})
    (folder / "bucket").mkdir()
    (folder / "bucket" / "data").symlink_to(folder)
    return "s3://bucket/data"


@pytest.mark.slow
def test_s3_that_answers_503_is_asked_again_and_gives_the_same_stream(server, small, monkeypatch):
    url, handler, folder = server
    on_disk = Loader(LoaderConfig(**small | {"datasets": (str(folder),)}))
    on_s3 = Loader(LoaderConfig(**small | {"datasets": (s3_of(url, folder, monkeypatch),), "retries": 6}))
    handler.failures = 4
    a, b = iter(on_disk), iter(on_s3)
    assert [next(a).keys for _ in range(2)] == [next(b).keys for _ in range(2)]
    assert handler.failures == 0
    assert on_s3.faults.by_kind == {}


def test_a_server_that_answers_503_for_ever_is_a_lost_shard(server):
    url, handler, _ = server
    handler.failures = 10**9
    with pytest.raises(ShardLost, match="gave up after 3 attempts"):
        RemoteStore(url, retries=2, timeout_s=5).read("manifest.json")
    assert handler.seen == 3


def test_a_missing_manifest_behind_a_url_is_not_tried_again(server):
    url, handler, _ = server
    with pytest.raises(DatasetError, match="holds no manifest"):
        Loader(LoaderConfig(datasets=(url + "/nowhere",), batch_size=1, view="text_only"))
    assert handler.seen <= 3


@pytest.mark.parametrize("failures", [1, 4, 10**9])
def test_a_server_that_does_not_answer_is_asked_again_and_nothing_is_taken_for_removed(server, failures):
    """HTTP's HEAD says `not there` whatever went wrong."""
    url, handler, _ = server
    dataset = Dataset(RemoteStore(url, retries=3, timeout_s=5))
    handler.failures, handler.silent = failures, True
    if failures < 10:
        dataset.check_unchanged()
        assert handler.failures == 0
        return
    with pytest.raises(ShardLost, match=r"manifest\.json: gave up after 2 attempts"):
        Dataset(RemoteStore(url, retries=1, timeout_s=5))
    with pytest.raises(ShardLost, match=r"manifest\.json: gave up after 4 attempts"):
        dataset.check_unchanged()


def test_a_manifest_that_changes_is_noticed_behind_a_server_that_tells_times_only(server):
    url, handler, folder = server
    handler.tags = False
    dataset = Dataset(RemoteStore(url, retries=0, timeout_s=5))
    path = folder / "manifest.json"
    manifest = path.read_text()
    path.write_text(manifest.replace(json.loads(manifest)["shards"][0]["sha256"], "0" * 64))
    os.utime(path, (0, 0))
    with pytest.raises(DatasetChanged, match="changed during the run"):
        dataset.check_unchanged()


def test_a_server_without_ranges_is_told_from_damage_and_serves_whole_files_to_a_cache(server, small, tmp_path):
    url, handler, _ = server
    handler.ranges = False
    config = LoaderConfig(**small | {"datasets": (url,), "retries": 0})
    with pytest.raises(DatasetError, match="sends more than the range that is asked for: give a cache_dir"):
        next(iter(Loader(config)))
    loader = Loader(replace(config, cache_dir=str(tmp_path / "cache")))
    assert next(iter(loader)).faults == ()


@pytest.mark.slow
def test_the_timeout_is_for_a_server_that_sends_nothing_and_not_for_a_large_file(server):
    url, handler, folder = server
    handler.pause = 0.25
    name = "weft-000000.tar"
    assert RemoteStore(url, retries=2, timeout_s=1.5).read(name) == (folder / name).read_bytes()


def test_a_cache_that_cannot_be_written_or_is_full_is_no_lost_shard(server, small, tmp_path, monkeypatch):
    url, _, _ = server
    (tmp_path / "file").write_text("no folder")
    config = LoaderConfig(**small | {"datasets": (url,), "retries": 0, "on_lost_shard": "skip"})
    with pytest.raises(LoaderConfigError, match=r"cache_dir=.*/file cannot be written"):
        Loader(replace(config, cache_dir=str(tmp_path / "file")))
    loader = Loader(replace(config, cache_dir=str(tmp_path / "cache")))

    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "open", lambda path, mode: (full if mode == "wb" else io.open)(path, mode))
    with pytest.raises(LoaderConfigError, match=r"cache_dir has no room for weft-.*idx\.parquet.*No space left"):
        next(iter(loader))


@pytest.mark.parametrize("scheme", ["https", "s3"])
def test_a_truncated_tar_behind_a_url_costs_what_it_costs_on_disk(server, small, monkeypatch, scheme):
    url, _, folder = server
    where = url
    if scheme == "s3":
        where = s3_of(url, folder, monkeypatch)
    tar = folder / "weft-000001.tar"
    tar.write_bytes(tar.read_bytes()[:5000])
    faults = []
    for place in (where, str(folder)):
        loader = Loader(LoaderConfig(**small | {"datasets": (place,), "one_pass": True, "retries": 0}))
        faults.append([fault for batch in loader for fault in batch.faults])
    assert faults[0] == faults[1]
    assert len(faults[0]) > 10


def test_token_tables_in_the_cache_are_found_where_the_origin_forbids_to_see_what_is_not_there(server, small, tmp_path):
    """As S3 does with 403, unless the bucket may be listed."""
    from tokenizers import Tokenizer, models

    url, handler, _ = server
    handler.absent = 403
    name, cache = str(tmp_path / "tokenizer.json"), str(tmp_path / "cache")
    Tokenizer(models.WordLevel({"?": 0}, unk_token="?")).save(name)
    config = LoaderConfig(**small | {"datasets": (url,), "retries": 0, "tokenizer": name})
    with pytest.raises(TokenTableMissing, match=f"weft loader tokens {url}"):
        Loader(config)
    assert make_tables([url, "--tokenizer", name, "--cache-dir", cache]) == 0
    seen = handler.seen
    Loader(replace(config, cache_dir=cache))
    assert handler.seen - seen <= 6  # manifest and index, nothing of the table


def cached(url, folder, limit):
    return CachedStore(RemoteStore(url, retries=0, timeout_s=5), str(folder), max_bytes=limit)


def test_the_cache_fetches_once_and_keeps_within_its_bound(server, tmp_path):
    url, handler, folder = server
    sizes = {n: (folder / n).stat().st_size for n in ("weft-000000.tar", "weft-000001.tar", "weft-000002.tar")}
    store = cached(url, tmp_path / "cache", sum(sizes.values()) - 1)
    want = (folder / "weft-000000.tar").read_bytes()[512:700]
    assert bytes(store.read_ranges("weft-000000.tar", [(512, 188)])[0]) == want
    before = handler.seen
    assert bytes(store.read_ranges("weft-000000.tar", [(512, 188)])[0]) == want
    assert handler.seen == before
    for name in sizes:
        store.read_ranges(name, [(0, 10)])
    kept = list((tmp_path / "cache").glob("*/*.tar"))
    assert sum(f.stat().st_size for f in kept) < sum(sizes.values())
    assert len(kept) == 2
    assert not list((tmp_path / "cache").glob("*/*.part"))


SHARED = """
import sys
from vlm.loader.storage import CachedStore, RemoteStore
url, folder, limit = sys.argv[1:]
store = CachedStore(RemoteStore(url, retries=0, timeout_s=5), folder, max_bytes=int(limit))
for _ in range(5):
    for i in (0, 1, 2):
        sys.stdout.buffer.write(bytes(store.read_ranges(f"weft-{i:06d}.tar", [(0, 4096)])[0]))
"""


def test_what_two_want_at_once_is_fetched_once(server, tmp_path):
    """Each GET waits for a second one; without the lock of the entry both readers would send theirs."""
    url, handler, folder = server
    gets, meet = [], threading.Barrier(2)

    def slow(self):
        if self.command == "GET":
            gets.append(self.path)
            with suppress(threading.BrokenBarrierError):
                meet.wait(timeout=0.5)
        whole(self)

    whole, handler.do_GET = handler.do_GET, slow
    with ThreadPoolExecutor(2) as pool:
        stores = [cached(url, tmp_path / "cache", 10**9) for _ in range(2)]
        read = [pool.submit(store.read, "weft-000001.tar") for store in stores]
        assert [r.result() for r in read] == [(folder / "weft-000001.tar").read_bytes()] * 2
    assert gets == ["/weft-000001.tar"]


def test_a_dataset_written_anew_is_not_served_from_the_old_cache(server, small, tmp_path):
    url, _, folder = server
    config = LoaderConfig(
        **small | {"datasets": (url,), "one_pass": True, "view": "text_only", "cache_dir": str(tmp_path / "cache")}
    )

    def texts(config):
        return [batch.tokens.tolist() for batch in Loader(config)]

    old = texts(config)
    documents = sample_documents(40)  # the same keys and lengths: only the manifest tells
    for node in (n for nodes in documents.values() for n in nodes if "text" in n):
        node["text"] = node["text"].swapcase()
    write_shards(folder, documents, 3)
    new = texts(config)
    assert new == texts(replace(config, cache_dir=None))
    assert new != old


def test_eviction_leaves_the_token_tables_and_takes_what_killed_fetches_left(server, tmp_path):
    url, _, _ = server
    cache = tmp_path / "cache"
    store = cached(url, cache, 1)
    store.read("weft-000000.tar")
    table = cache / "tokens-0123456789abcdef" / "weft-000000.tok-0.parquet"
    table.parent.mkdir()
    table.write_bytes(b"a table")
    left = next(cache.glob("*/*.tar")).with_name("weft-000002.tar.part")
    left.write_bytes(b"half a shard")
    running = left.with_name("weft-000009.tar.part")
    running.touch()
    with running.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        store.read("weft-000001.tar")
    assert [f.name for f in cache.glob("*/*.tar")] == ["weft-000001.tar"]
    assert table.exists()
    assert not left.exists()
    assert running.exists()


@pytest.mark.parametrize("told", ["by the manifest", "by the server"])
def test_a_short_transfer_is_tried_again_and_never_kept(server, tmp_path, monkeypatch, told):
    url, _, folder = server
    whole = (folder / "weft-000000.tar").read_bytes()
    remote = RemoteStore(url, retries=1, timeout_s=5)
    handed = [whole[:5000]] * 2 + [whole[:5000], whole]

    class File(io.BytesIO):
        size = len(whole)

    if told == "by the manifest":
        File.size = None
    monkeypatch.setattr(remote._fs, "open", lambda *_, **__: File(handed.pop(0)))
    monkeypatch.setattr("time.sleep", lambda _: None)
    store = CachedStore(remote, str(tmp_path / "cache"), max_bytes=10**9)
    if told == "by the manifest":
        store.expect("a version", {"weft-000000.tar": len(whole)})
    with pytest.raises(ShardLost, match=f"5000 bytes came, want {len(whole)}"):
        store.read("weft-000000.tar")
    assert not [f for f in tmp_path.glob("cache/*/*") if f.suffix != ".lock"]
    assert store.read("weft-000000.tar") == whole
    assert handed == []


@pytest.mark.slow
def test_two_processes_share_a_cache_that_is_too_small_for_both(server, tmp_path):
    url, _, folder = server
    limit = (folder / "weft-000000.tar").stat().st_size
    command = [sys.executable, "-c", SHARED, url, str(tmp_path / "cache"), str(limit)]
    root = Path(__file__).parents[3]
    runs = [subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE) for _ in range(2)]
    want = b"".join((folder / f"weft-{i:06d}.tar").read_bytes()[:4096] for i in (0, 1, 2)) * 5
    assert [run.communicate()[0] for run in runs] == [want, want]


def test_a_scheme_that_nothing_can_read_is_refused():
    with pytest.raises(LoaderConfigError, match="gopher"):
        open_store("gopher://example.org/shards")
