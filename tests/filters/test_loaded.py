"""One load a key and process, counted."""

from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters import loaded


def test_a_model_is_made_once_for_each_key() -> None:
    made = []

    def load() -> object:
        made.append(object())
        return made[-1]

    first = loaded.once("test-once", "a", load)
    assert loaded.once("test-once", "a", load) is first
    assert loaded.once("test-once", "b", load) is not first
    assert (len(made), loaded.count("test-once")) == (2, 2)


def test_tasks_that_ask_at_the_same_time_share_one_load() -> None:
    with ThreadPoolExecutor(8) as pool:
        models = list(pool.map(lambda _: loaded.once("test-threads", 1, object), range(32)))
    assert len(set(map(id, models))) == 1
    assert loaded.count("test-threads") == 1


def test_a_load_that_fails_is_tried_again() -> None:
    def fail() -> object:
        raise OSError("no weights")

    with pytest.raises(OSError, match="no weights"):
        loaded.once("test-fails", 1, fail)
    assert loaded.count("test-fails") == 0
    assert loaded.once("test-fails", 1, lambda: "model") == "model"


def test_loads_of_all_processes_are_counted_in_the_file_that_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "loads"
    monkeypatch.setenv(loaded.COUNT_FILE, str(path))
    for key in ("a", "b", "a"):
        loaded.once("test-file", key, object)
    assert path.read_text() == f"test-file {os.getpid()}\n" * 2


def test_what_was_never_loaded_counts_nothing() -> None:
    assert loaded.count("test-never") == 0


@pytest.mark.parametrize(("workers", "threads"), [(0, 1), (1, 6), (2, 3), (4, 1), (6, 1), (7, 1)])
def test_the_cores_are_shared_among_the_workers(workers: int, threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(6)), raising=False)
    assert loaded.num_threads(workers, 0) == threads
    assert loaded.num_threads(workers, 5) == 5


def test_where_the_system_tells_no_cores_of_a_process_those_of_the_machine_count(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    assert loaded.num_threads(2, 0) == 4


@given(keys=st.lists(st.integers(0, 5)))
def test_there_are_as_many_loads_as_different_keys(keys: list[int]) -> None:
    before = loaded.count("test-keys")
    scope = object()
    for key in keys:
        loaded.once("test-keys", (scope, key), object)
    assert loaded.count("test-keys") - before == len(set(keys))


def test_loading_a_model_may_ask_for_another() -> None:
    done: list[object] = []

    def ask() -> None:
        done.append(loaded.once("outer", "nested", lambda: [loaded.once("inner", "nested", lambda: "inner")]))

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(30)
    assert done == [["inner"]], "it waits for itself"
