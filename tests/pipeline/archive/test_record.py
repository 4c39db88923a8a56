"""What is wanted is told by record type and media type."""

from __future__ import annotations

import pytest

from pipeline.archive.record import IMAGES, Wanted


@pytest.mark.parametrize(
    ("wanted", "content_type", "is_wanted"),
    [
        (Wanted(), "text/html", True),
        (Wanted(), "application/xhtml+xml", True),
        (Wanted(), "text/plain", False),
        (IMAGES, "image/png", True),
        (IMAGES, "imagery/png", False),
        (IMAGES, "text/html", False),
    ],
)
def test_a_media_type_is_wanted_by_itself_or_by_its_family(wanted: Wanted, content_type: str, is_wanted: bool) -> None:
    assert wanted.has_type(content_type) is is_wanted


def test_images_are_wanted_from_resources_too() -> None:
    assert "resource" in IMAGES.record_types
    assert Wanted().record_types == {"response"}
