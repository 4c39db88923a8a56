import tarfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.tar_heads import header


@given(st.text("0123456789abcdef/", min_size=1, max_size=120), st.integers(0, 8 << 30))
def test_a_head_is_the_one_of_tarfile(name, size):
    info = tarfile.TarInfo(name)
    info.size, info.mode = size, 0o644
    try:
        want = info.tobuf(tarfile.USTAR_FORMAT, "ascii", "strict")
    except ValueError:
        with pytest.raises(ValueError, match=r"(?i)name is too long|overflow"):
            header(name, size)
    else:
        assert header(name, size) == want


def test_a_name_that_is_not_ascii_has_no_head():
    with pytest.raises(UnicodeEncodeError):
        header("caf\u00e9", 1)
