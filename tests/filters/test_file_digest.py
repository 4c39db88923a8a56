"""A file's digest follows its content, and is taken once while the file stays as it is."""

from __future__ import annotations

import hashlib
import os

import pytest

from filters import file_digest as module
from filters.file_digest import file_digest


def test_the_digest_is_that_of_the_bytes_and_follows_them(tmp_path):
    path = tmp_path / "list"
    path.write_bytes(b"one")
    assert file_digest(path) == hashlib.sha256(b"one").hexdigest()
    path.write_bytes(b"two!")
    assert file_digest(path) == hashlib.sha256(b"two!").hexdigest()
    path.write_bytes(b"2wo!")  # as long as before
    os.utime(path, ns=(1, 1))
    assert file_digest(path) == hashlib.sha256(b"2wo!").hexdigest()


def test_a_file_that_did_not_change_is_read_once(tmp_path):
    path = tmp_path / "list"
    path.write_bytes(b"one")
    file_digest(path)
    before = module._digest.cache_info().misses
    assert file_digest(path) == file_digest(path)
    assert module._digest.cache_info().misses == before


def test_a_file_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        file_digest(tmp_path / "none")
