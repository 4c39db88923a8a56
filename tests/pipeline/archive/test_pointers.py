"""Records read by pointer are the records that reading the whole archive gives."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.archive.config import Config
from pipeline.archive.pointers import coalesce, read_pointers
from pipeline.archive.record import Page
from pipeline.archive.records import read_records
from schemas.reasons import RecordReason


@pytest.mark.parametrize("is_packed", [False, True])
@pytest.mark.parametrize("gap", [0, 1_000_000])
def test_each_record_comes_back_by_its_own_bytes(tmp_path: Path, page, record, gz, is_packed: bool, gap: int) -> None:
    records = [page(number) if number % 3 else record(b"GET /", "request") for number in range(12)]
    path = tmp_path / "a.warc"
    path.write_bytes(gz(*records) if is_packed else b"".join(records))
    whole = list(read_records(path, limits=Config()))
    pointers = [(item.offset, item.length) for item in whole]
    random.Random(1).shuffle(pointers)
    assert list(read_pointers(str(path), pointers, Config(max_gap_bytes=gap))) == whole


def test_a_pointer_to_no_record_is_damaged_and_the_others_stand(tmp_path: Path, page, gz) -> None:
    path = tmp_path / "a.warc.gz"
    data = gz(page(1), page(2))
    path.write_bytes(data)
    first = len(gz(page(1)))
    items = list(read_pointers(str(path), [(0, first), (5, 50), (first, first), (10 * first, 7)], Config()))
    assert [item.url if isinstance(item, Page) else item.reason for item in items] == [
        "https://example.com/1",
        RecordReason.DAMAGED,
        "https://example.com/2",
        RecordReason.DAMAGED,
    ]
    assert [(item.offset, item.length) for item in items] == [(0, first), (5, 50), (first, first), (10 * first, 7)]


def test_a_pointer_that_is_too_short_is_damaged(tmp_path: Path, page, gz) -> None:
    path = tmp_path / "a.warc.gz"
    path.write_bytes(gz(page(1), page(2)))
    (item,) = read_pointers(str(path), [(0, 60)], Config())
    assert not isinstance(item, Page)
    assert item.reason is RecordReason.DAMAGED


def test_ranges_are_joined_up_to_the_bounds_and_no_further() -> None:
    assert list(coalesce([(0, 10), (20, 10)], 10, 30)) == [[(0, 10), (20, 10)]]
    assert list(coalesce([(0, 10), (20, 10)], 9, 30)) == [[(0, 10)], [(20, 10)]]
    assert list(coalesce([(0, 10), (20, 10)], 10, 29)) == [[(0, 10)], [(20, 10)]]
    assert list(coalesce([(0, 1000)], 0, 10)) == [[(0, 1000)]]
    assert list(coalesce([(0, 100), (5, 10), (90, 20)], 0, 1000)) == [[(0, 100), (5, 10), (90, 20)]]
    assert list(coalesce([], 0, 10)) == []


@given(
    st.lists(st.tuples(st.integers(0, 10_000), st.integers(1, 500)), max_size=40, unique=True),
    st.integers(0, 300),
    st.integers(1, 3000),
)
def test_joining_loses_and_doubles_nothing(pointers: list[tuple[int, int]], gap: int, longest: int) -> None:
    groups = list(coalesce(sorted(pointers), gap, longest))
    assert [pointer for group in groups for pointer in group] == sorted(pointers)
    for group in groups:
        end = max(offset + length for offset, length in group)
        assert len(group) == 1 or end - group[0][0] <= longest


@pytest.mark.shared
@pytest.mark.slow
def test_each_page_of_the_corpus_and_of_the_wild_comes_back_by_pointer(shared: Path) -> None:
    files = [*sorted((shared / "corpus" / "pages").glob("*.warc.gz")), *sorted((shared / "wild").glob("*arc*"))]
    compared = 0
    for path in files:
        pages = [item for item in read_records(path, limits=Config()) if isinstance(item, Page) and item.length]
        again = list(read_pointers(str(path), [(page.offset, page.length) for page in pages], Config()))
        assert again == pages
        compared += len(pages)
    assert compared > 1400
