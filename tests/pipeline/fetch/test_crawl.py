import asyncio
import hashlib

import pytest

from pipeline.fetch import Config, Start, fetch
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


@pytest.mark.slow
def test_the_event_loop_of_python_does_the_same(site, quick, config, faults, monkeypatch):
    monkeypatch.setattr("pipeline.fetch.client._loop_factory", lambda: None)
    site.routes |= {"/good": site.image(), "/stall": faults.stall, "/endless": faults.endless, "/cut": faults.truncated}
    got = [*fetch([site.url(path) for path in ("/good", "/endless", "/cut", "/404")], config)]
    got += fetch([site.url("/stall")], Config(**quick))
    assert {answer.url.removeprefix(site.url("")): answer.status for answer in got} == {
        "/good": FetchStatus.OK,
        "/stall": FetchStatus.TIMEOUT,
        "/endless": FetchStatus.TOO_LARGE,
        "/cut": FetchStatus.TRUNCATED,
        "/404": FetchStatus.HTTP_4XX,
    }


def test_a_redirect_to_a_host_of_another_task_is_deferred_with_its_target(site, quick):
    site.routes["/x"] = site.answer(302, b"", f"Location: {site.url('/y', 'localhost')}")
    site.routes["*"] = site.image()
    [got] = fetch([site.url("/x")], Config(**quick), share=lambda group: int(group != "localhost"))
    assert (got.status, got.final_url, got.redirects) == (FetchStatus.DEFERRED, site.url("/y", "localhost"), 1)
    assert "/y" not in site.asked
    [got] = fetch([Start(got.url, got.final_url, got.redirects)], Config(**quick))
    assert (got.url, got.status, got.final_url) == (site.url("/x"), FetchStatus.OK, site.url("/y", "localhost"))
    assert site.asked.count("/x") == 1


def test_a_way_from_task_to_task_has_an_end(site, config):
    [got] = fetch([Start("http://a.example/", site.url("/y"), config.max_redirects)], config)
    assert got.status is FetchStatus.HTTP_4XX
    site.routes["/y"] = site.answer(302, b"", "Location: /z")
    [got] = fetch([Start("http://a.example/", site.url("/y"), config.max_redirects)], config)
    assert got.status is FetchStatus.REDIRECT_LOOP


def test_every_request_for_a_url_is_in_its_log(site, config, faults):
    site.routes["/a"] = site.answer(302, b"", "Location: /b")
    site.routes["/b"] = faults.once(503, "Retry-After: 0")
    [got] = fetch([site.url("/a")], config)
    told = [(each.asked, each.status, each.http_status) for each in got.log]
    assert told == [
        (site.url("/a"), FetchStatus.HTTP_OTHER, 302),
        (site.url("/b"), FetchStatus.HTTP_5XX, 503),
        (site.url("/b"), FetchStatus.OK, 200),
    ]
    assert got.attempts == 2
