import asyncio
import base64

import pytest

from pipeline.fetch import fetch
from pipeline.fetch.proxies import Proxy, from_environment
from schemas.errors import ConfigError
from schemas.reasons import FetchStatus


@pytest.fixture
def environment(monkeypatch):
    def use(**names):
        for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
            monkeypatch.delenv(name, raising=False)
            monkeypatch.delenv(name.upper(), raising=False)
        for name, value in names.items():
            monkeypatch.setenv(name, value)
        return from_environment()

    return use


def test_without_proxies_everything_is_direct(environment):
    proxies = environment()
    assert proxies.of("http", "a.example") is None
    assert proxies.hosts == frozenset()


def test_each_scheme_has_its_proxy(environment):
    proxies = environment(http_proxy="http://one.example:3128", https_proxy="two.example:8080")
    assert proxies.of("http", "a.example") == Proxy("http", "one.example", 3128)
    assert proxies.of("https", "a.example") == Proxy("http", "two.example", 8080)
    assert proxies.hosts == {"one.example", "two.example"}


def test_hosts_that_need_no_proxy_are_direct(environment):
    proxies = environment(http_proxy="http://one.example:3128", no_proxy="inside.example")
    assert proxies.of("http", "a.inside.example") is None
    assert proxies.of("http", "a.example") is not None


def test_credentials_are_taken_out_of_the_address(environment):
    found = environment(http_proxy="http://me:s%40cret@one.example").of("http", "a.example")
    assert found == Proxy("http", "one.example", 80, "Basic " + base64.b64encode(b"me:s@cret").decode())


@pytest.mark.parametrize("address", ["socks5://one.example:1080", "http://:3128", "http://one.example:port"])
def test_a_proxy_that_cannot_be_used_is_an_error_before_anything_is_asked(environment, address):
    with pytest.raises(ConfigError, match="proxy"):
        environment(http_proxy=address)


def test_an_image_comes_through_a_proxy_that_wants_credentials(site, config, monkeypatch):
    seen = []

    async def proxy(reader, writer):
        seen.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(site.image("Connection: close"))
        writer.close()

    server = asyncio.run_coroutine_threadsafe(asyncio.start_server(proxy, "127.0.0.1", 0), site.loop).result()
    monkeypatch.setenv("http_proxy", f"http://me:secret@127.0.0.1:{server.sockets[0].getsockname()[1]}")
    monkeypatch.setenv("no_proxy", "")
    [answer] = fetch(["http://far.example/x.png"], config)
    site.loop.call_soon_threadsafe(server.close)
    assert answer.status is FetchStatus.OK, answer.detail
    assert all(b"Proxy-Authorization: Basic bWU6c2VjcmV0" in request for request in seen)
    assert seen[-1].startswith(b"GET http://far.example/x.png HTTP/1.1")
