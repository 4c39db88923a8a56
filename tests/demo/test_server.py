from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from demo.crawl import write_crawl
from demo.pages import make_page
from demo.server import ImageProxy, main, running, serve

PAGE = make_page(5, 0)


@pytest.fixture(scope="module")
def crawl(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_crawl(tmp_path_factory.mktemp("crawl"), pages=1, seed=5, warcs=1).folder


@pytest.fixture
def proxy(crawl: Path, tmp_path: Path) -> Iterator[ImageProxy]:
    with running(crawl, log=tmp_path / "log.jsonl") as proxy:
        yield proxy


def _get(proxy_url: str, url: str) -> tuple[int, str, bytes]:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({"http": proxy_url, "https": proxy_url}))
    try:
        with opener.open(url, timeout=5) as answer:
            return answer.status, answer.headers["Content-Type"], answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers["Content-Type"], error.read()


def test_images_are_answered_under_their_own_names_and_counted(proxy: ImageProxy, tmp_path: Path) -> None:
    for url, picture in PAGE.images.items():
        assert _get(proxy.url, url) == (picture.status, picture.content_type, picture.data)
    assert set(proxy.requests) == set(PAGE.images)
    assert set(proxy.requests.values()) == {1}
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text("utf-8").splitlines()]
    assert [line["url"] for line in lines] == list(PAGE.images)


def test_what_the_crawl_does_not_know_is_not_found_and_robots_may_pass(proxy: ImageProxy) -> None:
    assert _get(proxy.url, "http://cdn.weft.example/no.jpg")[0] == 404
    assert _get(proxy.url, "http://elsewhere.weft.example/robots.txt")[2] == b"User-agent: *\nAllow: /\n"
    with pytest.raises(urllib.error.URLError, match="502"):
        _get(proxy.url, "https://cdn.weft.example/x.jpg")
    assert proxy.requests["http://cdn.weft.example/no.jpg"] == 1


def test_many_ask_at_once(proxy: ImageProxy) -> None:
    url = next(iter(PAGE.images))
    seen: list[int] = []
    threads = [threading.Thread(target=lambda: seen.append(_get(proxy.url, url)[0])) for _ in range(24)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [200] * 24
    assert proxy.requests[url] == 24


def test_it_ends_with_its_block(crawl: Path) -> None:
    with serve(crawl) as url:
        assert _get(url, next(iter(PAGE.images)))[0] == 200
    with pytest.raises(urllib.error.URLError):
        _get(url, next(iter(PAGE.images)))


def test_the_command_says_where_it_is_and_ends_by_itself(crawl: Path, tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    command = [
        sys.executable,
        "-m",
        "demo.server",
        str(crawl),
        "--ready",
        str(ready),
        "--seconds",
        "20",
        "--requests",
        "1",
    ]
    with subprocess.Popen(command, cwd=Path(__file__).resolve().parents[2]) as process:
        for _ in range(200):
            if ready.exists():
                break
            threading.Event().wait(0.05)
        assert _get(ready.read_text("utf-8").strip(), next(iter(PAGE.images)))[0] == 200
        assert process.wait(10) == 0


def test_the_command_ends_after_its_time_or_with_its_parent(crawl: Path, tmp_path: Path) -> None:
    assert main([str(crawl), "--ready", str(tmp_path / "a"), "--seconds", "0"]) == 0
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    assert main([str(crawl), "--ready", str(tmp_path / "b"), "--seconds", "30", "--parent", str(child.pid)]) == 0
    assert main([str(crawl), "--seconds", "0", "--parent", str(os.getpid())]) == 0


def test_a_folder_without_a_crawl_is_the_users_mistake(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path)]) == 2
    assert "images.tsv" in capsys.readouterr().err
