from __future__ import annotations

import csv
import hashlib
import json
from collections import Counter
from pathlib import Path

import pytest
from warcio.archiveiterator import ArchiveIterator

from demo.crawl import Crawl, main, write_crawl
from demo.pages import make_page


@pytest.fixture(scope="module")
def crawl(tmp_path_factory: pytest.TempPathFactory) -> Crawl:
    return write_crawl(tmp_path_factory.mktemp("crawl"), pages=22, seed=5, warcs=2)


def _digests(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_the_same_arguments_give_the_same_bytes(crawl: Crawl, tmp_path: Path) -> None:
    again = write_crawl(tmp_path, pages=22, seed=5, warcs=2)
    assert _digests(tmp_path) == _digests(crawl.folder)
    assert (again.records, again.image_urls) == (crawl.records, crawl.image_urls)
    assert _digests(write_crawl(tmp_path / "x", pages=2, seed=6).folder) != _digests(crawl.folder)


def test_the_archives_hold_the_pages_and_what_else_a_crawl_meets(crawl: Crawl) -> None:
    kinds: Counter[str] = Counter()
    statuses: Counter[str] = Counter()
    bodies = {}
    for path in crawl.warcs:
        with path.open("rb") as file:
            for record in ArchiveIterator(file):
                kinds[record.rec_type] += 1
                if record.rec_type == "response":
                    statuses[record.http_headers.get_statuscode()] += 1
                    bodies[record.rec_headers.get_header("WARC-Target-URI")] = record.content_stream().read()
    assert kinds == {"warcinfo": 2, "request": 34, "response": 34, "metadata": 34}
    assert crawl.records == sum(kinds.values())
    assert statuses == {"200": 30, "301": 2, "404": 2}
    for number in range(22):
        page = make_page(5, number)
        assert bodies[page.url] == page.html


def test_every_image_that_a_page_loads_is_in_the_table_and_on_disk(crawl: Crawl) -> None:
    with (crawl.folder / "images.tsv").open(encoding="utf-8", newline="") as file:
        rows = {row["url"]: row for row in csv.DictReader(file, delimiter="\t")}
    assert len(rows) == crawl.image_urls
    for number in range(22):
        for url, picture in make_page(5, number).images.items():
            assert (crawl.folder / rows[url]["file"]).read_bytes() == picture.data
            assert rows[url]["content_type"] == picture.content_type
            assert rows[url]["status"] == str(picture.status)


def test_the_truth_is_a_line_a_page(crawl: Crawl) -> None:
    lines = [json.loads(line) for line in (crawl.folder / "truth.jsonl").read_text("utf-8").splitlines()]
    assert [line["number"] for line in lines] == list(range(22))
    assert [tuple(node) for node in lines[0]["nodes"]] == list(make_page(5, 0).truth.nodes)


@pytest.mark.parametrize("arguments", [{"pages": 0}, {"warcs": 0}])
def test_less_than_one_page_or_file_is_refused(tmp_path: Path, arguments: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        write_crawl(tmp_path / "none", **arguments)
    assert not (tmp_path / "none").exists()


def test_the_command_says_what_it_wrote_and_refuses_nonsense(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(tmp_path / "a"), "--pages", "1", "--warcs", "1"]) == 0
    assert "1 pages in 1 WARC files" in capsys.readouterr().out
    assert main([str(tmp_path / "b"), "--pages", "0"]) == 2
    (tmp_path / "file").write_text("x")
    assert main([str(tmp_path / "file"), "--pages", "1"]) == 2
    assert "demo.crawl:" in capsys.readouterr().err
