import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.images.exif import first_directory, orientation, tiff_header


def directory(order, *entries):
    """A TIFF structure with one directory; an entry is (tag, type, count, value)."""
    head = b"II*\0" if order == "<" else b"MM\0*"
    body = b"".join(
        struct.pack(order + "HHI", tag, kind, count)
        + (struct.pack(order + "H", value) + b"\0\0" if kind == 3 else struct.pack(order + "I", value))
        for tag, kind, count, value in entries
    )
    return head + struct.pack(order + "I", 8) + struct.pack(order + "H", len(entries)) + body + bytes(4)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("value", range(1, 9))
def test_orientation_is_read_in_both_byte_orders(order, value):
    block = directory(order, (0x010F, 3, 1, 7), (0x0112, 3, 1, value))
    assert orientation(block) == orientation(b"Exif\0\0" + block) == value


@pytest.mark.parametrize("value", [0, 9, 65_535])
def test_an_orientation_that_makes_no_sense_is_1(value):
    assert orientation(directory("<", (0x0112, 3, 1, value))) == 1


def test_long_values_and_values_behind_a_pointer_are_read():
    block = directory(">", (0x0100, 4, 1, 70_000), (0x0102, 3, 3, 0))
    at = len(block)
    block = block[:22] + struct.pack(">HHII", 0x0102, 3, 3, at) + block[34:] + struct.pack(">HHH", 8, 8, 8)
    assert first_directory(block, (0x0100, 0x0102)) == {0x0100: 70_000, 0x0102: 8}


def test_a_pointer_out_of_the_data_gives_nothing():
    assert first_directory(b"II*\0\xff\xff\xff\x7f", (0x0112,)) == {}
    assert first_directory(directory("<", (0x0102, 3, 3, 9_999)), (0x0102,)) == {}


def test_a_tiff_without_a_size_has_no_header():
    assert tiff_header(directory("<", (0x0100, 3, 1, 5))) is None


@given(st.binary(max_size=200), st.sampled_from([b"II*\0\x08\0\0\0", b"MM\0*\0\0\0\x08"]))
def test_any_bytes_have_an_orientation(tail, head):
    assert 1 <= orientation(head + tail) <= 8
