import asyncio
import hashlib

import pytest

from pipeline.fetch import Config, fetch
from pipeline.fetch.block_lists import BlockLists
from pipeline.fetch.crawl import Crawl
from pipeline.fetch.robots import MemoryTable
from schemas.reasons import FetchStatus


def test_a_crawl_gives_each_url_one_answer(site, config):
    site.routes["*"] = site.image()
    answers = []
    urls = [site.url(f"/{i}") for i in range(20)]
    asyncio.run(Crawl(config, MemoryTable()).run(urls, answers.append))
    assert sorted(a.url for a in answers) == sorted(urls)


def test_a_mistake_of_ours_is_raised_and_hangs_nobody(site, config, monkeypatch):
    site.routes["*"] = site.image()
    monkeypatch.setattr("pipeline.fetch.crawl.judge_bytes", lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        list(fetch([site.url("/1"), site.url("/2")], config))


def test_what_a_list_blocks_is_not_asked_or_not_kept(site, config):
    site.routes["*"] = site.image()
    body = site.image().partition(b"\r\n\r\n")[2]
    lists = BlockLists([site.url("/private/"), hashlib.sha1(body).hexdigest()])
    got = {a.url: a for a in fetch([site.url("/private/1"), site.url("/2")], config, registry=lists)}
    assert {a.status for a in got.values()} == {FetchStatus.BLOCKED_BY_LIST}
    assert "/private/1" not in site.asked
    hit = got[site.url("/2")]
    assert (hit.data, hit.sha256) == (None, hashlib.sha256(body).hexdigest())


def test_a_redirect_to_a_blocked_place_is_not_followed(site, patient, tmp_path):
    site.routes["/x"] = site.answer(302, b"", "Location: /private/1")
    path = tmp_path / "list.txt"
    path.write_text(site.url("/private/") + "\n")
    [got] = fetch([site.url("/x")], Config(**patient, block_lists=(str(path),)))
    assert got.status is FetchStatus.BLOCKED_BY_LIST
    assert "/private/1" not in site.asked


def test_the_event_loop_of_python_does_the_same(site, config, faults, monkeypatch):
    monkeypatch.setattr("pipeline.fetch.client._loop_factory", lambda: None)
    site.routes |= {"/good": site.image(), "/stall": faults.stall, "/endless": faults.endless, "/cut": faults.truncated}
    got = fetch([site.url(path) for path in ("/good", "/stall", "/endless", "/cut", "/404")], config)
    assert {answer.url.removeprefix(site.url("")): answer.status for answer in got} == {
        "/good": FetchStatus.OK,
        "/stall": FetchStatus.TIMEOUT,
        "/endless": FetchStatus.TOO_LARGE,
        "/cut": FetchStatus.TRUNCATED,
        "/404": FetchStatus.HTTP_4XX,
    }
