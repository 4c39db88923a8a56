"""weft fetch: what it needs, and what it hands on."""

from __future__ import annotations

import pytest

from jobs import fetch as command
from pipeline import fetch_images
from pipeline.commits import Cost
from schemas.errors import ConfigError, InputError


@pytest.fixture
def listed(begun, monkeypatch):
    """A run whose image URLs are listed; the statuses that were retried."""
    seen = []
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    monkeypatch.setattr(fetch_images, "_ask", lambda _run, again=frozenset(): seen.append(sorted(again)))
    begun.finish("03_links", Cost())
    return begun, seen


def test_without_a_list_of_urls_it_says_what_makes_one(begun, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    with pytest.raises(InputError, match="no list of image URLs"):
        command.main([str(begun.folder)])


def test_the_statuses_are_handed_on_and_the_steps_after_it_are_open(listed):
    run, seen = listed
    run.finish("04_images/ledger", Cost())
    assert command.main(["--retry", "timeout, http_5xx", str(run.folder)]) == 0
    assert command.main([str(run.folder)]) == 0
    assert seen == [["http_5xx", "timeout"], []]
    assert run.is_done("04_images/ledger"), "a run that is at work keeps its keys"
    run.look_again()
    assert not run.is_done("04_images/ledger")
    assert run.is_done("03_links")


def test_a_status_that_does_not_exist_is_an_error(listed):
    run, seen = listed
    with pytest.raises(ConfigError, match="no such status"):
        command.main(["--retry", "slow", str(run.folder)])
    assert seen == []
