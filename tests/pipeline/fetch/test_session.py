import asyncio

import aiohttp
import pytest

from pipeline.fetch import Config
from pipeline.fetch.addresses import PrivateAddressError
from pipeline.fetch.proxies import Proxies
from pipeline.fetch.session import open_session


def test_names_of_this_machine_are_not_connected_to(site, quick):
    async def get(config):
        async with open_session(config, Proxies({})) as session, session.get(site.url("/x", "localhost")) as response:
            return response.status

    assert asyncio.run(get(Config(**quick))) == 404
    with pytest.raises(aiohttp.ClientConnectorDNSError) as caught:
        asyncio.run(get(Config(**{**quick, "allow_private": False})))
    assert isinstance(caught.value.os_error, PrivateAddressError)
    assert site.asked == ["/x"]


def test_no_cookie_is_sent_back(site, config):
    headers = []

    async def route(site, _w):
        return site.answer(200, b"", "Set-Cookie: a=b")

    site.routes["/x"] = route

    async def get():
        async with open_session(config, Proxies({})) as session:
            for _ in range(2):
                async with session.get(site.url("/x")) as response:
                    headers.append(response.request_info.headers)

    asyncio.run(get())
    assert ["Cookie" in each for each in headers] == [False, False]
