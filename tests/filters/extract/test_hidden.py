"""What attributes hide."""

from __future__ import annotations

import pytest

from filters.extract.hidden import is_faded, is_hidden


@pytest.mark.parametrize(
    "attributes",
    [
        'hidden=""',
        'aria-hidden="true"',
        'style="display:none"',
        'style="color: red; Visibility : hidden"',
        'style="position:absolute; left:-9999px"',
        'style="clip: rect(0, 0, 0, 0)"',
        'style="clip:rect(0 0 0 0)"',
        'style="clip-path: inset(50%)"',
        'style="height:0;overflow:hidden"',
        'style="overflow: hidden; max-height: 0px;"',
        'style="width:1px;height:1px;overflow:hidden"',
    ],
)
def test_what_a_reader_does_not_see_is_hidden(attributes: str) -> None:
    assert is_hidden(f"div {attributes}")


@pytest.mark.parametrize(
    "attributes",
    [
        'hidden="until-found"',
        'aria-hidden="false"',
        'style="height:0"',
        'style="overflow:hidden"',
        'style="height:0;overflow:hidden;padding-bottom:56.25%"',
        'style="line-height:0;overflow:hidden"',
        'style="height:0.5em;overflow:hidden"',
        'style="height:100px;overflow:hidden"',
        'style="left:-9px"',
        'style="opacity:0"',
        'title=" style="',
    ],
)
def test_what_a_reader_sees_is_not(attributes: str) -> None:
    assert not is_hidden(f"div {attributes}")


@pytest.mark.parametrize(
    ("attributes", "faded"),
    [
        ('style="opacity:0"', True),
        ('style="opacity: 0.00; position:absolute"', True),
        ('style="opacity:.0"', True),
        ('style="opacity:0.5"', False),
        ('style="opacity:0;transform:translateY(20px)"', False),
        ('style="transition: opacity 1s; opacity: 0"', False),
        ('class="fade-in" style="opacity:0"', False),
        ('data-w-id="7" style="opacity:0"', False),
        ('class="box"', False),
    ],
)
def test_what_is_transparent_is_faded_unless_a_script_shows_it(attributes: str, faded: bool) -> None:
    assert is_faded(f"div {attributes}") == faded
