import asyncio

import pytest

from pipeline.fetch import Config
from pipeline.fetch import pool as pools
from pipeline.fetch.addresses import PrivateAddressError
from pipeline.fetch.pool import NameLookupError, Pool, ProxyRefusedError
from pipeline.fetch.proxies import Proxies, Proxy
from pipeline.fetch.target import target_of


class Taker:
    def head(self, code, _headers):
        from pipeline.fetch.connection import Verdict

        self.code = code
        return Verdict.DRAIN

    async def room(self):
        raise AssertionError("nobody waits here")


async def get(pool, url, *, new=False):
    """(code, connection) of one request."""
    target, taker, now = target_of(url), Taker(), asyncio.get_running_loop().time()
    connection = await pool.take(target, now + 5, new=new)
    try:
        line = f"GET {target.path} HTTP/1.1\r\nHost: {target.authority}\r\n\r\n"
        await connection.exchange(line.encode(), taker, deadline=now + 5, idle_s=5)
    finally:
        pool.put(target, connection)
    return taker.code, connection


def inside(config, work, proxies=None):
    async def run():
        async with Pool(config, Proxies(proxies or {})) as pool:
            return await work(pool)

    return asyncio.run(run())


def test_a_connection_is_used_again(site, config):
    async def work(pool):
        _, first = await get(pool, site.url("/x"))
        _, second = await get(pool, site.url("/y"))
        _, other = await get(pool, site.url("/y"), new=True)
        return first is second, other is first

    assert inside(config, work) == (True, False)
    assert site.asked == ["/x", "/y", "/y"]


def test_a_connection_that_the_server_closed_is_not(site, config):
    site.routes["/x"] = site.answer(404, b"", "Connection: close")

    async def work(pool):
        _, first = await get(pool, site.url("/x"))
        _, second = await get(pool, site.url("/x"))
        return first is second

    assert inside(config, work) is False


def test_only_so_many_unused_connections_are_kept_and_not_for_long(site, config, monkeypatch):
    monkeypatch.setattr(pools, "MAX_KEPT", 2)

    async def work(pool):
        found = [await pool.take(target_of(site.url("/x")), 1e12) for _ in range(3)]
        for each in found:
            pool.put(target_of(site.url("/x")), each)
        assert [each.is_open for each in found] == [False, True, True]
        monkeypatch.setattr(pools, "KEEP_S", -1.0)
        pool._sweep()
        return [each.is_open for each in found]

    assert inside(config, work) == [False, False, False]


def test_names_of_this_machine_are_not_connected_to(site, patient):
    async def work(pool):
        return (await get(pool, site.url("/x", "localhost")))[0]

    assert inside(Config(**patient), work) == 404
    with pytest.raises(NameLookupError) as caught:
        inside(Config(**{**patient, "allow_private": False}), work)
    assert isinstance(caught.value.__cause__, PrivateAddressError)
    assert site.asked == ["/x"]


def test_a_proxy_may_stand_inside_the_network_and_its_refusal_is_told(site, patient):
    config = Config(**{**patient, "allow_private": False})
    proxies = {"https": Proxy("http", "localhost", site.port, "Basic x")}

    async def work(pool):
        await pool.take(target_of("https://far.example/"), 1e12)

    with pytest.raises(ProxyRefusedError):
        inside(config, work, proxies)


def test_a_connection_that_does_not_come_up_has_its_time(site, quick, monkeypatch):
    async def never(*_args, **_options):
        await asyncio.sleep(60)

    monkeypatch.setattr(pools.aiohappyeyeballs, "start_connection", never)

    async def work(pool):
        await pool.take(target_of(site.url("/x")), 1e12)

    with pytest.raises(TimeoutError):
        inside(Config(**{**quick, "connect_s": 0.05}), work)
