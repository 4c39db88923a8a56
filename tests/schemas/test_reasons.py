"""Reasons stand on disk and in reports: names, spelling and order are part of the format."""

from __future__ import annotations

import inspect
from enum import StrEnum

import pytest

from schemas import reasons
from schemas.reasons import DocumentReason, FetchStatus, FileReason, NodeReason, ReferenceReason

ENUMS = [found for _, found in inspect.getmembers(reasons, inspect.isclass) if found.__module__ == reasons.__name__]


@pytest.mark.parametrize("enum", ENUMS, ids=lambda enum: enum.__name__)
def test_a_reason_is_spelt_as_its_name_and_can_stand_behind_a_prefix(enum):
    assert issubclass(enum, StrEnum)
    for member in enum:
        assert member.value == member.name.lower()
        assert ":" not in member
    assert len(set(enum)) == len(enum.__members__)


def test_what_kills_a_worker_is_told_apart_and_comes_first():
    first = [DocumentReason.CRASHED, DocumentReason.OVER_TIME, DocumentReason.OVER_MEMORY, DocumentReason.OPTED_OUT]
    assert list(DocumentReason)[:4] == first
    assert FileReason.CRASHED in FileReason
    assert FetchStatus.CRASHED in FetchStatus


def test_duplicates_are_dropped_in_the_order_in_which_they_are_looked_for():
    order = ["same_record", "same_url", "same_text", "near_duplicate", "no_images", "too_many_images"]
    places = [list(DocumentReason).index(DocumentReason(name)) for name in order]
    assert places == sorted(places)


@pytest.mark.parametrize("enum", [NodeReason, ReferenceReason])
def test_what_stands_in_a_document_can_go_with_it(enum):
    assert enum("document")


def test_only_ok_keeps_a_url():
    assert [status for status in FetchStatus if status == "ok"] == [FetchStatus.OK]
    assert next(iter(FetchStatus)) is FetchStatus.OK


def test_each_reason_has_a_meaning_that_a_report_can_show():
    said = reasons.meanings()
    assert {name: list(members) for name, members in said.items()} == {
        enum.__name__: [str(member) for member in enum]
        for enum in sorted(ENUMS, key=lambda e: list(said).index(e.__name__))
    }
    assert [(name, value) for name, members in said.items() for value, meaning in members.items() if not meaning] == []
    assert said["FileReason"]["too_small"] == "a side below `images.min_side`"
