"""Section [clip]: bounds, folders and names."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.clip.config import Config, is_folder
from schemas.errors import ConfigError


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("model", ""),
        ("min_score", 1.01),
        ("min_score", -1.01),
        ("batch_size", 0),
        ("workers", -1),
        ("threads", -1),
        ("device", "gpu"),
        ("device", "cudaX"),
        ("device", ""),
    ],
)
def test_a_value_out_of_range_is_an_error_that_names_its_key(key: str, value: object) -> None:
    with pytest.raises(ConfigError, match=rf"clip\.{key}"):
        Config(**{key: value})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("key", "value"),
    [("min_score", 1.0), ("min_score", -1.0), ("device", "cuda"), ("device", "cuda:1"), ("device", "auto")],
)
def test_a_value_at_the_bound_is_taken(key: str, value: object) -> None:
    assert getattr(Config(**{key: value}), key) == value  # type: ignore[arg-type]


def test_only_none_scores_nothing() -> None:
    assert not Config().scores
    assert Config(model="demo").scores


@given(workers=st.integers(0, 64), threads=st.integers(1, 64))
def test_threads_that_are_asked_for_are_given(workers: int, threads: int) -> None:
    assert Config(workers=workers, threads=threads).num_threads() == threads
    assert Config(workers=workers).num_threads() >= 1


def test_a_folder_is_told_from_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("mine", "demo", "none"):
        (tmp_path / name).mkdir()
    names = ["mine", "./gone", "/gone", "~/gone", "ViT-B-32", "ViT-B/32", "hf-hub:a/b", "demo", "none"]
    assert [name for name in names if is_folder(name)] == ["mine", "./gone", "/gone", "~/gone"]
