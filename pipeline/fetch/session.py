"""The HTTP client of a fetch: its connections, name resolution and time-outs."""

from __future__ import annotations

import ssl

import aiohttp

from pipeline.fetch.addresses import PublicResolver
from pipeline.fetch.config import Config
from pipeline.fetch.proxies import Proxies


def open_session(config: Config, proxies: Proxies) -> aiohttp.ClientSession:
    """A session that verifies TLS, keeps no cookies, decodes nothing and resolves to public addresses only."""
    resolver = None if config.allow_private else PublicResolver(proxies.hosts)
    connector = aiohttp.TCPConnector(limit=0, ssl=ssl.create_default_context(), resolver=resolver, ttl_dns_cache=300)
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=config.connect_s, sock_read=config.idle_s)
    return aiohttp.ClientSession(
        connector=connector,
        timeout=timeout,
        auto_decompress=False,
        headers={"User-Agent": config.user_agent_line},
        cookie_jar=aiohttp.DummyCookieJar(),
        requote_redirect_url=False,
    )
