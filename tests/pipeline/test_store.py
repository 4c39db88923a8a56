import errno
import hashlib
import io
import tarfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline import store
from pipeline.store import Address, StoreWriter, coalesce, erase, read_ranges
from schemas.errors import ConfigError, OutputError, StepFailed


def digest(data):
    return hashlib.sha256(data).hexdigest()


def write(root, items, name="slice-1", **options):
    writer = StoreWriter(str(root), name, **options)
    addresses = [writer.append(data, name=digest(data)) for data in items]
    return addresses, writer.close()


ITEMS = [b"a" * 10, b"", b"b" * 512, b"c" * 513, bytes(range(256)) * 40]


def test_bytes_come_back_from_their_addresses(tmp_path):
    addresses, _ = write(tmp_path, ITEMS)
    assert dict(read_ranges(str(tmp_path), addresses)) == dict(zip(addresses, ITEMS, strict=True))


def test_files_are_plain_tars_under_a_prefix(tmp_path):
    addresses, files = write(tmp_path, ITEMS)
    [(file, members)] = files
    assert members == len(ITEMS)
    prefix = hashlib.sha256(b"slice-1").hexdigest()[:2]
    assert file.startswith(prefix + "/slice-1-")
    with tarfile.open(tmp_path / file) as tar:
        got = [(m.name, m.offset_data, m.size) for m in tar]
        assert [(m.mtime, m.uid, m.gid, m.mode) for m in tar.getmembers()] == [(0, 0, 0, 0o644)] * len(ITEMS)
    assert got == [(digest(i), a.offset, a.length) for i, a in zip(ITEMS, addresses, strict=True)]


def test_a_full_file_is_followed_by_the_next(tmp_path):
    addresses, files = write(tmp_path, [bytes([i]) * 600 for i in range(10)], max_bytes=4_000)
    assert [members for _, members in files] == [3, 3, 3, 1]
    assert len({a.file for a in addresses}) == 4
    assert [data for _, data in read_ranges(str(tmp_path), addresses)] == [bytes([i]) * 600 for i in range(10)]


def test_two_attempts_of_one_slice_never_meet(tmp_path):
    (one,), _ = write(tmp_path, [b"one"])
    (two,), _ = write(tmp_path, [b"two"])
    assert one.file != two.file
    assert dict(read_ranges(str(tmp_path), [two, one])) == {one: b"one", two: b"two"}


def test_a_writer_without_images_writes_nothing(tmp_path):
    assert write(tmp_path, []) == ([], [])
    assert list(tmp_path.iterdir()) == []


def test_a_failed_task_promises_nothing(tmp_path):
    writer = StoreWriter(str(tmp_path), "slice")
    error = RuntimeError("the task fails")

    def fail():
        with writer:
            writer.append(b"x", name="x")
            raise error

    with pytest.raises(RuntimeError, match="the task fails"):
        fail()
    assert writer.close() == []


@pytest.mark.parametrize("name", ["", "a/b", "..", ".hidden", "with space", "ümlaut"])
def test_names_that_could_leave_the_store_are_refused(tmp_path, name):
    with pytest.raises(ConfigError):
        StoreWriter(str(tmp_path), name)


def test_a_full_disk_is_an_output_error(tmp_path, monkeypatch):
    class Full(io.BytesIO):
        def write(self, _data):
            raise OSError(errno.ENOSPC, "No space left on device")

    writer = StoreWriter(str(tmp_path), "slice")
    monkeypatch.setattr(writer._fs, "open", lambda *_: Full(), raising=False)
    with pytest.raises(OutputError, match="No space left"):
        writer.append(b"x", name="x")


def test_a_store_in_the_way_of_a_file_is_an_output_error(tmp_path):
    (tmp_path / "store").write_text("a file")
    with pytest.raises(OutputError):
        StoreWriter(str(tmp_path / "store"), "slice").append(b"x", name="x")


def test_other_bytes_than_stored_are_noticed(tmp_path):
    (address,), _ = write(tmp_path, [b"right"])
    assert list(read_ranges(str(tmp_path), [address], digests={address: digest(b"right")})) == [(address, b"right")]
    with pytest.raises(StepFailed, match="not those"):
        list(read_ranges(str(tmp_path), [address], digests={address: digest(b"wrong")}))


def test_a_lost_or_shortened_file_fails_the_step(tmp_path):
    (address,), _ = write(tmp_path, [b"right" * 1000])
    path = tmp_path / address.file
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(StepFailed, match="ends before"):
        list(read_ranges(str(tmp_path), [address]))
    path.unlink()
    with pytest.raises(StepFailed, match="lost"):
        list(read_ranges(str(tmp_path), [address]))


def test_an_address_asked_twice_is_given_once(tmp_path):
    (address,), _ = write(tmp_path, [b"x"])
    assert len(list(read_ranges(str(tmp_path), [address, address]))) == 1


def test_neighbours_are_read_together(tmp_path, monkeypatch):
    addresses, _ = write(tmp_path, [bytes(1000)] * 50)
    reads = []
    original = store._read
    monkeypatch.setattr(store, "_read", lambda *a: reads.append(a) or original(*a))
    assert len(list(read_ranges(str(tmp_path), addresses))) == 50
    assert len(reads) == 1
    reads.clear()
    list(read_ranges(str(tmp_path), addresses[::10], max_gap=100))
    assert len(reads) == 5


def test_an_object_store_works_the_same():
    addresses, files = write("memory://images", ITEMS, name="remote")
    assert files[0][1] == len(ITEMS)
    assert dict(read_ranges("memory://images", addresses)) == dict(zip(addresses, ITEMS, strict=True))
    with pytest.raises(StepFailed, match="lost"):
        list(read_ranges("memory://images", [Address("00/none.tar", 0, 1)]))


def test_erased_bytes_are_zeros_and_the_others_stay(tmp_path):
    addresses, _ = write(tmp_path, [b"keep", b"erase me", b"keep too"])
    assert erase(str(tmp_path), [addresses[1], addresses[1]]) == 1
    got = dict(read_ranges(str(tmp_path), addresses))
    assert list(got.values()) == [b"keep", bytes(8), b"keep too"]
    with tarfile.open(tmp_path / addresses[0].file) as tar:
        assert len(tar.getmembers()) == 3
    with pytest.raises(OutputError):
        erase("memory://images", [addresses[1]])


@settings(max_examples=100)
@given(
    st.lists(st.tuples(st.integers(0, 5_000), st.integers(0, 900)), max_size=30),
    st.integers(0, 500),
    st.integers(1, 2_000),
)
def test_runs_cover_every_address_once_within_their_bounds(places, max_gap, max_read):
    addresses = sorted({Address("f", offset, length) for offset, length in places})
    runs = list(coalesce(addresses, max_gap=max_gap, max_read=max_read))
    assert [a for run in runs for a in run] == addresses
    for run in runs:
        span = max(a.offset + a.length for a in run) - run[0].offset
        assert span <= max_read or len(run) == 1 or span == max(a.length for a in run)
