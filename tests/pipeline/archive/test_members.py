"""Members know where they begin and end, in any pieces that they are read."""

from __future__ import annotations

import gzip
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.archive.members import (
    GZIP_MAGIC,
    LZ4_MAGIC,
    ZSTD_MAGIC,
    DamageError,
    GzipMembers,
    PlainMembers,
    begins_record,
    open_members,
)


def walk(data: bytes, step: int) -> list[tuple[int, int, bytes]]:
    members = open_members(io.BytesIO(data))
    found = []
    while members.next_member():
        text = b"".join(iter(lambda: members.read(step), b""))
        found.append((members.start, members.position, text))
    return found


@given(st.lists(st.binary(max_size=400), min_size=1, max_size=6), st.integers(1, 500))
def test_gzip_members_have_their_bounds_and_text_whatever_the_step(texts: list[bytes], step: int) -> None:
    packed = [gzip.compress(text, mtime=0) for text in texts]
    bounds = [(sum(map(len, packed[:i])), sum(map(len, packed[: i + 1]))) for i in range(len(packed))]
    found = walk(b"".join(packed), step)
    assert found == [(*bound, text) for bound, text in zip(bounds, texts, strict=True)]


def test_a_plain_file_is_one_member_and_can_be_skipped_through() -> None:
    data = bytes(range(256)) * 4000
    members = open_members(io.BytesIO(data))
    assert isinstance(members, PlainMembers)
    assert members.next_member()
    first = members.read(10)
    assert members.skip(900_000)
    assert (first, members.position) == (data[:10], 900_010)
    assert members.read(5) == data[900_010:900_015]
    assert members.skip(len(data) - 900_015)
    assert members.read(1) == b""


def test_a_skip_behind_the_end_is_noticed() -> None:
    members = open_members(io.BytesIO(b"x" * 400_000))
    assert members.next_member()
    assert isinstance(members, PlainMembers)
    assert not members.skip(400_001)


def test_a_cut_member_raises() -> None:
    members = open_members(io.BytesIO(gzip.compress(b"text" * 100)[:-1]))
    assert members.next_member()
    with pytest.raises(DamageError):
        list(iter(lambda: members.read(1000), b""))


def test_a_gzip_file_whose_first_byte_is_damaged_is_still_one(page, gz) -> None:
    data = b"\0" + gz(page(1), page(2))[1:]
    assert isinstance(open_members(io.BytesIO(data)), GzipMembers)


def test_the_next_record_is_found_behind_false_beginnings(page, gz) -> None:
    fake = b"\x1f\x8b\x08\x00 not a member " + gzip.compress(b"a member that is no record")
    data = b"?" * 300_000 + fake + gz(page(1))
    members = GzipMembers(io.BytesIO(data), 0, b"")
    assert members.find_next(1) == (300_000 + len(fake), True)
    assert members.find_next(300_001 + len(fake)) == (len(data), False)


@pytest.mark.parametrize(
    ("text", "is_record"),
    [
        (b"WARC/1.0\r\n", True),
        (b"\r\n\r\nwarc/0.17\n", True),
        (b"filedesc://a 0.0.0.0 19990101000000 text/plain 76", True),
        (b"filedesc://a", False),
        (b"http://a/ 192.0.2.1 20080430204826 text/html 680\n", True),
        (b"WARC/invalid\r\n", False),
        (b"WARC/1.0 is a format", False),
        (b"", False),
    ],
)
def test_records_are_known_by_their_first_line(text: bytes, is_record: bool) -> None:
    assert begins_record(text) is is_record


@pytest.mark.parametrize("magic", [GZIP_MAGIC, ZSTD_MAGIC, LZ4_MAGIC, b"\x50\x2a\x4d\x18"])
@pytest.mark.parametrize("is_packed", [False, True])
def test_a_damaged_beginning_that_looks_like_another_format_is_seen_through(page, gz, magic, is_packed):
    whole = gz(*map(page, range(4))) if is_packed else b"".join(map(page, range(4)))
    members = open_members(io.BytesIO(magic + whole[len(magic) :]))
    assert isinstance(members, GzipMembers if is_packed else PlainMembers)
    assert members.find_next(1)[1]
