"""The window hands out what the members hold, in order, whatever is asked for."""

from __future__ import annotations

import gzip
import io
import re

from hypothesis import given
from hypothesis import strategies as st

from pipeline.archive.members import open_members
from pipeline.archive.window import Window


def opened(data: bytes) -> Window:
    window = Window(open_members(io.BytesIO(data)))
    assert window.next_member()
    return window


@given(
    st.binary(min_size=1, max_size=600),
    st.lists(st.tuples(st.booleans(), st.integers(0, 90)), max_size=12),
    st.booleans(),
)
def test_taking_and_skipping_go_through_all_bytes_in_order(data, moves, is_packed) -> None:
    data = b"x" + data  # so that it does not begin like a compressed file
    window = opened(gzip.compress(data) if is_packed else data)
    at = 0
    for is_take, count in moves:
        enough = len(data) - at >= count
        if is_take:
            assert window.fill(count) is enough
            assert window.take(count) == data[at : at + count]
        else:
            assert window.skip(count) is enough
        at = min(len(data), at + count)
        assert is_packed or window.where() == at


def test_what_is_looked_for_is_found_across_steps_and_not_behind_the_bound() -> None:
    window = opened(b"a" * 300_000 + b"\n\nrest")
    pattern = re.compile(rb"\n\n")
    assert window.find(pattern, 400_000) == 300_002
    assert opened(b"a" * 300_000 + b"\n\n").find(pattern, 100_000) == 0


def test_a_record_is_found_in_the_midst_of_garbage() -> None:
    window = opened(b"x" * 200_000 + b"\r\nWARC/1.0\r\nWARC-Type: metadata\r\n")
    assert window.find_record(is_arc=False)
    assert window.where() == 200_002
    assert not window.find_record(is_arc=False)


def test_a_record_ends_before_a_line_feed_the_next_record_or_the_end() -> None:
    assert opened(b"\r\nWARC").at_boundary()
    assert opened(b"   \r\nWARC/1.0\r\n").at_boundary()
    assert opened(b"   ").at_boundary()
    assert opened(b"WARC/1.0\r\n").at_boundary()
    assert not opened(b"</html>\r\n").at_boundary()


def test_a_block_goes_on_in_the_next_member_unless_that_begins_a_record() -> None:
    parts = [gzip.compress(text) for text in (b"one ", b"two", b"WARC/1.0\r\n")]
    window = opened(b"".join(parts))
    window.spans_members = True
    assert not window.fill(8)
    assert window.take(8) == b"one two"
    assert window.member_end() == len(parts[0]) + len(parts[1])
    assert window.next_member()
    assert window.fill(4)
    assert window.take(4) == b"WARC"
