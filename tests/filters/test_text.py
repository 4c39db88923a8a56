"""The package's own surface."""

from __future__ import annotations

import filters.text
from filters.text import Config, check


def test_everything_exported_is_there():
    assert all(hasattr(filters.text, name) for name in filters.text.__all__)


def test_the_shipped_lists_and_tokenizer_are_there():
    check(Config())
