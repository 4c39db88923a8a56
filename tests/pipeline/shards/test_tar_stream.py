import hashlib
import io

from hypothesis import given
from hypothesis import strategies as st

from pipeline.shards.tar_stream import TarStream
from pipeline.tar_heads import BLOCK, END, header
from schemas.shard_faults import ShardFault


def tar(*members):
    return b"".join(header(name, len(data)) + data + bytes(-len(data) % BLOCK) for name, data in members) + END


WHOLE = tar(("a.json", b"{}"), ("a.000.jpg", b"x" * 700), ("b.json", b""))


def test_members_come_with_their_place_and_everything_is_hashed():
    stream = TarStream(io.BytesIO(WHOLE))
    found = list(stream)
    assert [(m.key, m.suffix, m.data) for m in found] == [
        ("a", "json", b"{}"),
        ("a", "000.jpg", b"x" * 700),
        ("b", "json", b""),
    ]
    assert all(WHOLE[m.offset : m.offset + len(m.data)] == m.data for m in found)
    assert (stream.size, stream.sha256, stream.faults) == (len(WHOLE), hashlib.sha256(WHOLE).hexdigest(), [])


def test_members_of_a_key_stand_together():
    found = [(key, len(members)) for key, members in TarStream(io.BytesIO(WHOLE)).documents()]
    assert found == [("a", 2), ("b", 1)]


@given(st.integers(0, len(WHOLE) - 1))
def test_a_cut_anywhere_is_named_and_what_stands_before_it_is_given(length):
    stream = TarStream(io.BytesIO(WHOLE[:length]))
    found = list(stream)
    assert [fault for fault, _ in stream.faults] == [ShardFault.TAR_CUT]
    assert all(WHOLE[m.offset : m.offset + len(m.data)] == m.data for m in found)
    assert stream.size == length


@given(st.binary(max_size=3000))
def test_any_bytes_are_read_to_their_end_without_an_error(data):
    stream = TarStream(io.BytesIO(data))
    list(stream)
    assert stream.size == len(data)
    assert stream.faults


def test_a_member_that_claims_to_be_huge_is_not_read():
    stream = TarStream(io.BytesIO(header("a.json", 5 << 30) + bytes(BLOCK)))
    assert list(stream) == []
    assert [fault for fault, _ in stream.faults] == [ShardFault.TAR_HEADER]
