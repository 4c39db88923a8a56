"""What `--in` names becomes work items, and what cannot be read is said in one sentence."""

from __future__ import annotations

import gzip
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.archive.config import Config
from pipeline.archive.inputs import COMMON_CRAWL, InputFile, Pointers, expand, read_input, resolve
from pipeline.archive.record import Page
from schemas.errors import InputError


@pytest.fixture
def crawl(tmp_path: Path, page, gz) -> Path:
    """A folder of archives and other files."""
    folder = tmp_path / "crawl"
    (folder / "deep").mkdir(parents=True)
    (folder / "b.warc.gz").write_bytes(gz(page(1), page(2)))
    (folder / "deep" / "a.warc").write_bytes(page(3))
    (folder / "notes.txt").write_bytes(b"notes")
    (folder / "c.warc.wet.gz").write_bytes(gz(page(4)))
    return folder


def names(items: list[InputFile]) -> list[str]:
    return [item.warc_filename for item in items]


def test_a_folder_is_searched_for_archives_by_name(crawl: Path) -> None:
    items = expand([str(crawl)])
    assert names(items) == ["a.warc", "b.warc.gz"]
    assert [item.size_bytes for item in items] == [
        (crawl / "deep" / "a.warc").stat().st_size,
        (crawl / "b.warc.gz").stat().st_size,
    ]
    assert all(Path(item.path).is_absolute() for item in items)


def test_each_archive_counts_once_in_the_same_order_however_it_is_named(crawl: Path, monkeypatch) -> None:
    monkeypatch.chdir(crawl)
    ways = [str(crawl), "*.warc.gz", "deep", f"file://{crawl}/b.warc.gz", "**/a.warc", "./b.warc.gz"]
    assert expand(ways) == expand(list(reversed(ways))) == expand([str(crawl)])


def test_a_file_named_by_itself_is_taken_whatever_its_name(crawl: Path) -> None:
    assert names(expand([str(crawl / "c.warc.wet.gz")])) == ["c.warc.wet.gz"]
    assert names(expand([str(crawl / "*")])) == ["a.warc", "b.warc.gz", "c.warc.wet.gz", "notes.txt"]


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        ("nowhere.warc.gz", "does not exist"),
        ("nowhere/*.warc.gz", "matches no file"),
        ("empty.warc.gz", "is empty"),
        ("void", "holds no archive"),
        ("text.warc.gz", "is no WARC or ARC file .it begins with b'just some words"),
        ("empty.paths", "is empty"),
        ("binary.paths", "not a list of names"),
        ("broken.paths.gz", "cannot be read|not a list"),
        ("missing.paths", "names 1 files that do not exist, first .*gone.warc.gz"),
        ("nowhere.paths", "cannot be read"),
        ("nowhere.parquet", "does not exist"),
        ("text.parquet", "no readable Parquet"),
        ("s4://bucket/a.warc.gz", "s4"),
    ],
)
def test_what_cannot_be_read_is_said(tmp_path: Path, monkeypatch, path: str, sentence: str) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "void").mkdir()
    (tmp_path / "text.warc.gz").write_bytes(b"just some words\n")
    (tmp_path / "text.parquet").write_bytes(b"just some words\n")
    (tmp_path / "binary.paths").write_bytes(b"\xff\xfe\x00\x01")
    (tmp_path / "broken.paths.gz").write_bytes(b"\x1f\x8b\x08 cut")
    (tmp_path / "missing.paths").write_bytes(b"gone.warc.gz\n")
    for name in ("empty.warc.gz", "empty.paths"):
        (tmp_path / name).write_bytes(b"")
    with pytest.raises(InputError, match=sentence) as caught:
        expand([path])
    assert "\n" not in str(caught.value)


def test_no_path_at_all_is_said() -> None:
    with pytest.raises(InputError, match="--in"):
        expand([])


def test_one_file_that_is_no_archive_stops_nothing_where_others_are(crawl: Path, tmp_path: Path) -> None:
    (tmp_path / "words.warc.gz").write_bytes(b"words")
    assert names(expand([str(crawl), str(tmp_path / "words.warc.gz")])) == ["a.warc", "b.warc.gz", "words.warc.gz"]


def test_two_archives_of_one_name_are_refused(crawl: Path) -> None:
    (crawl / "deep" / "b.warc.gz").write_bytes((crawl / "b.warc.gz").read_bytes())
    with pytest.raises(InputError, match=r"both called b\.warc\.gz"):
        expand([str(crawl)])


@pytest.mark.parametrize("is_packed", [False, True])
def test_a_list_gives_its_names_to_the_data(crawl: Path, is_packed: bool) -> None:
    text = b"# two archives\n\ndeep/a.warc\r\nb.warc.gz\ndeep/a.warc\n"
    path = crawl / ("two.paths.gz" if is_packed else "two.paths")
    path.write_bytes(gzip.compress(text) if is_packed else text)
    items = expand([str(path)])
    assert names(items) == ["b.warc.gz", "deep/a.warc"]
    assert items[1].path == str(crawl / "deep" / "a.warc")


def test_names_are_looked_up_under_the_base_or_at_common_crawl(crawl: Path) -> None:
    name = "crawl-data/CC-MAIN-2024-22/segments/1/warc/x.warc.gz"
    listed = str(crawl / "warc.paths")
    assert resolve(name, Config(), listed).path == COMMON_CRAWL + name
    assert resolve(name, Config(base="s3://commoncrawl/"), listed).path == f"s3://commoncrawl/{name}"
    assert resolve("deep/a.warc", Config(base=str(crawl)), "elsewhere.paths").size_bytes is not None
    assert (
        resolve("x.warc.gz", Config(), "https://example.com/crawl/all.paths").path
        == "https://example.com/crawl/x.warc.gz"
    )
    assert resolve(COMMON_CRAWL + name, Config(), listed).warc_filename == name
    assert resolve(str(crawl / "b.warc.gz"), Config(), listed).warc_filename == "b.warc.gz"
    (crawl / "crawl-data").mkdir()
    (crawl / "crawl-data" / "y.warc.gz").write_bytes(b"x")
    assert resolve("crawl-data/y.warc.gz", Config(), listed).path == str(crawl / "crawl-data" / "y.warc.gz")


def test_a_url_is_an_archive_whose_size_only_the_server_knows() -> None:
    (item,) = expand(["https://example.com/crawl/a%20b.warc.gz?x=1"])
    assert (item.warc_filename, item.size_bytes) == ("a b.warc.gz", None)


def test_pointers_are_cut_into_items_of_bounded_size_that_give_each_record_once(crawl: Path) -> None:
    whole = expand([str(crawl / "b.warc.gz")])[0]
    pages = [item for item in read_input(whole, Config()) if isinstance(item, Page)]
    rows = {
        "warc_filename": ["b.warc.gz"] * 3,
        "warc_record_offset": [pages[1].offset, pages[0].offset, pages[1].offset],
        "warc_record_length": [pages[1].length, pages[0].length, pages[1].length],
    }
    pq.write_table(pa.table(rows), crawl / "some.parquet")
    (together,) = expand([str(crawl / "some.parquet")])
    apart = expand([str(crawl / "some.parquet")], Config(max_pointers_per_item=1))
    assert [len(item.pointers) for item in apart if item.pointers] == [1, 1]
    assert list(read_input(together, Config())) == pages
    assert [page for item in apart for page in read_input(item, Config())] == pages
    assert together.size_bytes == sum(page.length for page in pages)


def test_the_same_archive_whole_and_by_pointer_is_refused(crawl: Path) -> None:
    rows = {"warc_filename": ["b.warc.gz"], "warc_record_offset": [0], "warc_record_length": [10]}
    pq.write_table(pa.table(rows), crawl / "some.parquet")
    with pytest.raises(InputError, match="both called"):
        expand([str(crawl / "some.parquet"), str(crawl / "b.warc.gz")])


@given(
    st.lists(st.tuples(st.integers(0, 2**60), st.integers(1, 2**31)), max_size=20), st.one_of(st.none(), st.integers(0))
)
def test_an_item_comes_back_from_its_line_and_in_pieces(pairs: list[tuple[int, int]], size: int | None) -> None:
    item = InputFile(path="/a", warc_filename="a", size_bytes=size, pointers=Pointers.of(pairs))
    assert InputFile.from_json(item.to_json()) == item
    pieces = item.split(Config(max_pointers_per_item=3))
    together = [pair for piece in pieces if piece.pointers for pair in piece.pointers.pairs()]
    assert together == sorted(set(pairs))
    assert all(len(piece.pointers) <= 3 for piece in pieces if piece.pointers)
    plain = InputFile(path="/a", warc_filename="a", size_bytes=size)
    assert InputFile.from_json(plain.to_json()) == plain
    assert plain.split(Config()) == (plain,)


def test_an_item_is_known_by_what_is_read_and_not_by_where_it_lies() -> None:
    here = InputFile(path="/here/a", warc_filename="a", size_bytes=5, pointers=Pointers.of([(0, 5)]))
    there = InputFile(path="/there/a", warc_filename="a", size_bytes=5, pointers=Pointers.of([(0, 5)]))
    other = InputFile(path="/here/a", warc_filename="a", size_bytes=5, pointers=Pointers.of([(1, 5)]))
    assert here.identity() == there.identity()
    assert here.identity() != other.identity()
