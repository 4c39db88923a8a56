import time

import pytest

from pipeline.fetch import fetch
from pipeline.fetch.robots import Entry
from pipeline.fetch.robots_table import FolderTable
from schemas.errors import OutputError
from schemas.reasons import FetchStatus

ORIGIN = "https://a.example"


@pytest.mark.parametrize("where", ["folder", "memory://robots"])
def test_entries_come_back_for_whoever_looks(tmp_path, where):
    root = str(tmp_path / where) if where == "folder" else where
    entry = Entry(fetched_at=time.time(), text=None, failure=FetchStatus.DNS, detail="no such name")
    FolderTable(root).put(ORIGIN, entry)
    assert FolderTable(root).get(ORIGIN) == entry
    assert FolderTable(root).get("https://b.example") is None
    newer = Entry(fetched_at=time.time(), text="User-agent: *\nDisallow: /\n")
    FolderTable(root).put(ORIGIN, newer)
    assert FolderTable(root).get(ORIGIN) == newer


def test_old_and_broken_entries_are_none(tmp_path):
    table = FolderTable(str(tmp_path))
    table.put(ORIGIN, Entry(fetched_at=time.time() - 86_401, text=""))
    assert table.get(ORIGIN) is None
    table.put(ORIGIN, Entry(fetched_at=time.time(), text=""))
    [path] = tmp_path.rglob("*.json")
    for broken in (b"", b"{}", b"[1]", b'{"fetched_at": "x"}', path.read_bytes()[:-9]):
        path.write_bytes(broken)
        assert table.get(ORIGIN) is None


def test_nothing_but_entries_is_left_in_the_folder(tmp_path):
    table = FolderTable(str(tmp_path))
    for _ in range(3):
        table.put(ORIGIN, Entry(fetched_at=time.time(), text=""))
    assert len([path for path in tmp_path.rglob("*") if path.is_file()]) == 1


def test_a_folder_that_cannot_be_written_is_an_output_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError):
        FolderTable(str(tmp_path / "file")).put(ORIGIN, Entry(fetched_at=time.time(), text=""))


def test_a_later_run_asks_no_robots_again(site, config, tmp_path):
    site.routes["*"] = site.image()
    for i in range(2):
        [answer] = fetch([site.url(f"/{i}")], config, robots=FolderTable(str(tmp_path)))
        assert answer.status is FetchStatus.OK
    assert site.asked.count("/robots.txt") == 1


def test_hosts_that_failed_are_asked_again_where_that_is_wanted(tmp_path):
    now = time.time()
    FolderTable(str(tmp_path)).put(ORIGIN, Entry(fetched_at=now, text=None, failure=FetchStatus.TIMEOUT))
    assert FolderTable(str(tmp_path), failed_since=now + 1).get(ORIGIN) is None
    assert FolderTable(str(tmp_path), failed_since=now - 1).get(ORIGIN) is not None
    FolderTable(str(tmp_path)).put(ORIGIN, Entry(fetched_at=now, text=""))
    assert FolderTable(str(tmp_path), failed_since=now + 1).get(ORIGIN) is not None
