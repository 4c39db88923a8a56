"""One contract for both engines; what img2dataset cannot do is marked, and would fail there.

Starting img2dataset takes seconds (its imports), so everything is asked in one run of each engine.
"""

import importlib.util
import tempfile

import pytest

from pipeline.fetch import Config, fetch
from schemas.reasons import FetchStatus

CONTRACT = {
    "/good": (FetchStatus.OK, True),
    "/404": (FetchStatus.HTTP_4XX, True),
    "/410": (FetchStatus.HTTP_410, True),
    "/500": (FetchStatus.HTTP_5XX, True),
    "/truncated": (FetchStatus.TRUNCATED, True),
    "/stall": (FetchStatus.TIMEOUT, True),
    "/hang_up": (FetchStatus.CONNECT, True),
    "/loop": (FetchStatus.REDIRECT_LOOP, True),
    "/html": (FetchStatus.NOT_AN_IMAGE, True),
    "/noai": (FetchStatus.OPTED_OUT, True),
    "/moved": (FetchStatus.OK, True),
    # img2dataset: no limit of bytes while it reads, no robots.txt, no TDM header, retries without patience
    "/forbidden": (FetchStatus.ROBOTS, False),
    "/tdm": (FetchStatus.OPTED_OUT, False),
    "/drip": (FetchStatus.TIMEOUT, False),
    "/later": (FetchStatus.OK, False),
}
"""Path -> (status, both engines give it)."""


@pytest.fixture
def misbehaving(site, faults):
    site.routes |= {
        "/robots.txt": site.answer(200, b"User-agent: *\nDisallow: /forbidden"),
        "/good": site.image(),
        "/410": site.answer(410),
        "/500": site.answer(500),
        "/truncated": faults.truncated,
        "/stall": faults.stall,
        "/hang_up": faults.hang_up,
        "/loop": site.answer(302, b"", "Location: /loop"),
        "/html": site.answer(200, b"<!doctype html>", "Content-Type: image/jpeg"),
        "/noai": site.image("X-Robots-Tag: noai"),
        "/moved": site.answer(301, b"", "Location: /good"),
        "/forbidden": site.image(),
        "/tdm": site.image("TDM-Reservation: 1"),
        "/drip": faults.drip,
        "/later": faults.once(503, "Retry-After: 1"),
    }
    return site


def statuses(site, config, paths):
    answers = list(fetch([site.url(path) for path in paths], config))
    assert len(answers) == len(paths)
    for answer in answers:
        assert (answer.data is not None) is (answer.sha256 is not None) is (answer.status is FetchStatus.OK)
    return {answer.url.removeprefix(site.url("")): answer.status for answer in answers}


@pytest.mark.slow
def test_our_engine_keeps_the_whole_contract(misbehaving, quick, config):
    late = [path for path, (status, _) in CONTRACT.items() if status is FetchStatus.TIMEOUT]
    found = statuses(misbehaving, Config(**quick), late)
    found |= statuses(misbehaving, config, [path for path in CONTRACT if path not in late])
    assert found == {path: status for path, (status, _) in CONTRACT.items()}


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("img2dataset") is None, reason="img2dataset is not installed")
def test_img2dataset_keeps_what_it_can_and_leaves_nothing_behind(misbehaving, quick, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))  # of this process
    monkeypatch.setenv("TMPDIR", str(tmp_path))  # of those that it starts
    paths = {path: status for path, (status, both) in CONTRACT.items() if both}
    config = Config(**{**quick, "deadline_s": 8.0, "retries": 1}, engine="img2dataset")
    assert statuses(misbehaving, config, paths) == paths
    assert list(tmp_path.iterdir()) == []
