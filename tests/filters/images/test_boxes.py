from hypothesis import given
from hypothesis import strategies as st

from filters.images.boxes import avif_header


def box(kind, content=b""):
    return (8 + len(content)).to_bytes(4, "big") + kind + content


def ispe(width, height):
    return box(b"ispe", bytes(4) + width.to_bytes(4, "big") + height.to_bytes(4, "big"))


def avif(*properties, brand=b"avif"):
    meta = bytes(4) + box(b"hdlr", bytes(20)) + box(b"iprp", box(b"ipco", b"".join(properties)))
    return box(b"ftyp", brand + bytes(4) + b"avif") + box(b"meta", meta)


def test_the_largest_size_is_that_of_the_picture():
    assert avif_header(avif(ispe(512, 512), ispe(1000, 700), ispe(64, 64))) == (1000, 700, False, False)


def test_alpha_and_sequences_are_seen():
    alpha = box(b"auxC", bytes(4) + b"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha\0")
    assert avif_header(avif(ispe(10, 20), alpha)) == (10, 20, True, False)
    assert avif_header(avif(ispe(10, 20), brand=b"avis")) == (10, 20, False, True)


def test_a_file_without_a_size_has_no_header():
    assert avif_header(avif()) is None
    assert avif_header(box(b"ftyp", b"avif")) is None


def test_a_box_longer_than_its_parent_ends_the_walk():
    broken = bytearray(avif(ispe(10, 20)))
    broken[-20 + 3] = 0xFF
    assert avif_header(bytes(broken)) is None


@given(st.binary(max_size=200))
def test_any_bytes_are_walked(data):
    found = avif_header(box(b"ftyp", b"avif") + data)
    assert found is None or found[0] > 0
