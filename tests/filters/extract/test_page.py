"""The time of a page is looked at between its passes and within the walk."""

from __future__ import annotations

import pytest

from filters.extract import Limits, budget, extract
from schemas.reasons import DocumentReason


@pytest.mark.parametrize("body", ["<p>word, and more words than one</p>" * 500, "<img src=a.jpg alt='a tree'>" * 500])
def test_a_page_over_its_time_ends_in_the_walk_with_what_it_allows(body: str, monkeypatch: pytest.MonkeyPatch) -> None:
    class Clock:
        """A second for each look at it."""

        now = 0.0

        def process_time(self) -> float:
            self.now += 1.0
            return self.now

    clock = Clock()
    monkeypatch.setattr(budget, "time", clock)
    html = f"<meta name=robots content=noimageai><article>{body}</article>".encode()
    in_time = extract(html, "https://h.example/", "recall", limits=Limits(max_seconds=100_000.0))
    looks = int(clock.now)
    assert in_time.failure is None
    assert looks > 8
    for seconds in (1, 3, looks - 3):
        found = extract(html, "https://h.example/", "recall", limits=Limits(max_seconds=float(seconds)))
        assert (found.failure, found.nodes) == (DocumentReason.OVER_TIME, [])
        assert found.images_opted_out
