"""What is given on the command line, at its bounds."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.arguments import local, location, real, whole, writable
from schemas.errors import ConfigError, OutputError


@given(st.integers(1, 2**63 - 1))
def test_whole_numbers_from_the_least_on(number):
    assert whole("-n")(str(number)) == number


@pytest.mark.parametrize("text", ["0", "-1", "1.5", "", "many", "nan", "1" * 20, "9" * 5000])
def test_other_numbers_are_refused_by_the_name_of_their_option(text):
    with pytest.raises(ConfigError, match=f"^-n {text[:20]}.*: want a whole number"):
        whole("-n")(text)
    assert whole("-n", 0)("0") == 0


@pytest.mark.parametrize(
    ("text", "is_right"),
    [
        ("0", True),
        ("1", True),
        ("0.5", True),
        ("-0.1", False),
        ("1.1", False),
        ("nan", False),
        ("inf", False),
        ("x", False),
    ],
)
def test_numbers_within_bounds(text, is_right):
    if is_right:
        assert real("--share", 0, 1)(text) == float(text)
    else:
        with pytest.raises(ConfigError, match=f"^--share {text}: want a number from 0 to 1"):
            real("--share", 0, 1)(text)
    with pytest.raises(ConfigError, match="--x inf: want a number of 0 or more"):
        real("--x", 0)("inf")


def test_a_place_is_not_the_empty_text():
    assert location("DIR")("s3://bucket/x") == "s3://bucket/x"
    assert local("DIR")(".") == Path()
    for text in ("", "  ", "a\0b"):
        with pytest.raises(ConfigError, match=r"^DIR is empty"):
            local("DIR")(text)


def test_an_output_folder_is_made_and_nothing_is_left_in_it(tmp_path):
    writable(tmp_path / "new" / "out")
    assert list((tmp_path / "new" / "out").iterdir()) == []


@pytest.mark.parametrize("place", ["s3://bucket/out", "https://x/out", "gs://b/out"])
def test_an_output_that_is_no_folder_is_refused(place):
    with pytest.raises(ConfigError, match="must be a folder on a local or shared file system"):
        writable(Path(place))


def test_an_output_that_cannot_be_made_is_refused(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OutputError, match="cannot be written: Not a directory"):
        writable(tmp_path / "file" / "out")
