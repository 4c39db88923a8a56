import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.commits import Commit, Cost, StepFolder, new_attempt, put_if_absent
from schemas.errors import OutputError


@pytest.fixture
def folder(tmp_path):
    return StepFolder(tmp_path / "01_documents" / "0123456789abcdef")


def written(folder, slice_name, attempt="a", text="rows"):
    path = folder.new_file(slice_name, attempt, ".parquet")
    path.write_text(text)
    return folder.describe(path, table="documents", rows=3)


def test_a_commit_comes_back_whole(folder):
    commit = Commit(
        slice="s1",
        files=(written(folder, "s1"),),
        cost=Cost(seconds=1.5, cpu_seconds=1.0, peak_bytes=7),
        extra={"a": 1},
    )
    assert folder.commit(commit)
    assert folder.commits() == {"s1": commit}


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"slice": "s1"}', '{"slice": "s1", "files": [{}], "cost": {}, "extra": {}}']
)
def test_a_damaged_record_is_named_and_says_what_to_do(folder, text):
    folder.commit(Commit(slice="s1", files=()))
    (folder.path / "_commits" / "s1.json").write_text(text)
    with pytest.raises(OutputError, match=r"_commits/s1\.json is damaged .*delete it, and weft run does"):
        folder.commits()


def test_only_the_first_commit_of_a_slice_counts(folder):
    first, second = written(folder, "s1", "a"), written(folder, "s1", "b")
    assert folder.commit(Commit(slice="s1", files=(first,)))
    assert not folder.commit(Commit(slice="s1", files=(second,)))
    assert folder.files("documents") == [folder.path / first.path]
    assert folder.unnamed_files() == [folder.path / second.path]


def test_of_many_writers_at_once_exactly_one_wins_and_its_bytes_are_whole(tmp_path):
    path = tmp_path / "record.json"
    bodies = [json.dumps([number] * 1000).encode() for number in range(16)]
    with ThreadPoolExecutor(16) as pool:
        won = list(pool.map(lambda body: put_if_absent(path, body), bodies))
    assert sum(won) == 1
    assert path.read_bytes() == bodies[won.index(True)]
    assert list(tmp_path.iterdir()) == [path]


def test_files_of_named_slices_only(folder):
    for name in ("b", "a", "c"):
        folder.commit(Commit(slice=name, files=(written(folder, name),)))
    assert [path.name[0] for path in folder.files("documents", ["c", "a"])] == ["a", "c"]
    assert folder.files("other") == []


def test_a_step_is_complete_when_each_planned_slice_is_committed(folder):
    assert not folder.is_complete()
    folder.plan(["a", "b"])
    folder.commit(Commit(slice="a", files=()))
    assert not folder.is_complete()
    folder.commit(Commit(slice="b", files=()))
    assert folder.is_complete()


def test_another_plan_for_the_same_folder_is_refused(folder):
    folder.plan(["a"])
    folder.plan(["a"])
    with pytest.raises(OutputError, match="another input"):
        folder.plan(["a", "b"])


def test_rounds_are_numbered_after_the_last(folder):
    assert folder.next_round() == 0
    folder.commit(Commit(slice="r0000-data", files=()))
    folder.commit(Commit(slice="r0012-000000", files=()))
    folder.commit(Commit(slice="done-0123", files=()))
    assert folder.next_round() == 13


@given(st.integers(2, 50))
def test_attempts_never_share_a_name(number):
    assert len({new_attempt() for _ in range(number)}) == number
