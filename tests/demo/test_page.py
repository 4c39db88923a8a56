from __future__ import annotations

import dataclasses

import pytest

from demo.page import Kind, Picture, Verdict
from demo.pages import make_page


def test_a_page_cannot_be_changed_by_who_is_given_it() -> None:
    page = make_page(1, 14)
    with pytest.raises(dataclasses.FrozenInstanceError):
        page.url = "x"  # type: ignore[misc]
    assert Picture(b"", "image/png").status == 200


def test_kinds_and_verdicts_are_written_as_plain_words() -> None:
    assert all(member.value.replace("_", "").isalpha() for member in (*Kind, *Verdict))
