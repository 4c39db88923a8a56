import resource

import pytest

from filters.forgotten import digest
from pipeline import tombstones
from schemas.errors import InputError


def test_tombstones_are_added_to_and_read_back_without_a_word_of_what_they_stand_for(tmp_path):
    tombstones.add(tmp_path, {("url", digest("url", "http://a.example/secret"))})
    assert tombstones.load(tmp_path).has_url("https://a.example/secret")
    tombstones.add(tmp_path, {("host", digest("host", "b.example"))})
    known = tombstones.load(tmp_path)
    assert known.has_url("https://a.example/secret")
    assert known.has_url("https://b.example/")
    for path in (tmp_path / "tombstones").iterdir():
        assert b"secret" not in path.read_bytes()


def test_a_folder_without_tombstones_forgets_nothing(tmp_path):
    assert not tombstones.load(tmp_path)


def test_lists_may_have_comments_and_empty_lines_and_tell_what_they_are_of(tmp_path):
    path = tmp_path / "list"
    path.write_text("\ufeff# asked for on a Monday\n\nhttp://a.example/1\n http://a.example/2 \n", "utf-8")
    assert len(list(tombstones.read_list(path, "url"))) == 2
    assert tombstones.read_any([path]).has_url("http://a.example/2")
    path.write_text("a.example\n")
    assert tombstones.read_any([path]).has_url("http://www.a.example/2")
    path.write_text("f" * 64)
    assert tombstones.read_any([path]).has_file("f" * 64)


@pytest.mark.parametrize(("kind", "line"), [("url", "a.example"), ("host", "http://a/b/c"), ("hash", "f" * 63)])
def test_a_line_of_another_kind_is_named_with_its_number(tmp_path, kind, line):
    path = tmp_path / "list"
    path.write_text(f"# first\n{line}\n")
    with pytest.raises(InputError, match="list:2: "):
        list(tombstones.read_list(path, kind))


def test_a_list_that_is_not_there_is_named(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        list(tombstones.read_list(tmp_path / "none", "url"))
    with pytest.raises(InputError, match="cannot be read"):
        tombstones.read_any([tmp_path / "none"])


@pytest.mark.slow
def test_a_list_of_a_million_lines_is_read_in_bounded_memory_and_every_line_counts(tmp_path):
    path = tmp_path / "list"
    with path.open("w") as out:
        out.writelines(f"https://site{n % 977}.example/path/{n}.jpg\n" for n in range(1_000_000))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert tombstones.add(tmp_path, set(tombstones.read_list(path, "url"))) == 1_000_000
    known = tombstones.load(tmp_path)
    assert all(known.has_url(f"http://site{n % 977}.example/path/{n}.jpg") for n in range(0, 1_000_000, 9_973))
    assert not known.has_url("http://site1.example/path/0.jpg")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 1_000_000  # kB
    assert sum(file.stat().st_size for file in (tmp_path / "tombstones").iterdir()) < 25_000_000
