"""The section [read_warc] refuses what makes no sense."""

from __future__ import annotations

import dataclasses

import pytest

from pipeline.archive.config import Config
from schemas.errors import ConfigError


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("max_body_bytes", 0),
        ("content_types", ()),
        ("content_types", ("Text/HTML",)),
        ("content_types", ("html",)),
        ("max_requests_per_second", 0.0),
        ("max_wait_s", -1.0),
        ("timeout_s", -1.0),
        ("max_gap_bytes", -1),
        ("max_range_bytes", 0),
        ("max_pointers_per_item", 0),
    ],
)
def test_a_value_out_of_range_is_refused_by_name(name: str, value: object) -> None:
    with pytest.raises(ConfigError, match=f"read_warc.{name}"):
        Config(**{name: value})


def test_only_what_makes_a_page_can_change_a_document() -> None:
    counted = {field.name for field in dataclasses.fields(Config) if not field.metadata.get("operational")}
    assert counted == {"max_body_bytes", "content_types"}
