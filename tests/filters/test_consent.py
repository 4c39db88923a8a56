"""Signals of consent, in the page and in its response."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.consent import SIGNALS, consent_of, images_opt_out, opts_out, robots_directives
from filters.extract import extract


@pytest.mark.parametrize(
    ("value", "signals"),
    [("noai, noimageai", ["noai", "noimageai"]), ("NOAI", ["noai"]), ("otherbot: noai", ["noai"]),
     ("none", ["noindex"]),
     ("max-image-preview:none, noai", ["noai"]), ("max-image-preview: none", []), ("googlebot: none", ["noindex"]),
     ("unavailable_after: none, noml", ["noml"]), ("max-snippet:-1;noindex", ["noindex"]),
     ("index, follow", []), ("noaim", []), ("noindex,noimageindex;noml", ["noindex", "noimageindex", "noml"]),
      ("", [])],
)  # fmt: skip
def test_directives_are_whole_words(value: str, signals: list[str]) -> None:
    assert robots_directives(value) == signals


def test_where_a_signal_stood_is_recorded() -> None:
    metas = [("robots", "noai"), ("description", "noml"), ("tdm-reservation", "1")]
    found = consent_of(metas, ("noimageai",), "1")
    assert found == ("meta:noai", "header:noimageai", "header:tdm_reservation", "meta:tdm_reservation")
    assert consent_of([("tdm-reservation", "0")], (), "0") == ()


@pytest.mark.parametrize(
    ("signal", "page", "images"),
    [("noai", True, True), ("noml", True, True), ("tdm_reservation", True, True), ("noimageai", False, True),
     ("noimageindex", False, True), ("noindex", False, False)],
)  # fmt: skip
def test_what_a_signal_forbids(signal: str, page: bool, images: bool) -> None:
    assert opts_out((f"meta:{signal}",)) is page
    assert images_opt_out((f"header:{signal}",)) is images


def test_the_page_and_its_response_are_read_together() -> None:
    html = b'<meta name="robots" content="max-image-preview:large, noimageai"><p>text</p>'
    found = extract(html, "http://h/", robots_headers=("googlebot: noml",), tdm_header="1")
    assert found.consent == ("header:noml", "meta:noimageai", "header:tdm_reservation")
    assert found.opted_out
    assert found.images_opted_out


def test_a_page_over_its_budget_still_reports_its_headers() -> None:
    assert extract(b"x" * 20_000_000, "http://h/", robots_headers=("noai",)).opted_out


@given(
    st.lists(st.tuples(st.text(max_size=20), st.text(max_size=40)), max_size=5),
    st.lists(st.text(max_size=40), max_size=3),
)
def test_only_known_signals_are_reported(metas: list[tuple[str, str]], headers: list[str]) -> None:
    for signal in consent_of(metas, headers):
        where, _, what = signal.partition(":")
        assert where in ("meta", "header")
        assert what in SIGNALS
