import asyncio
import base64
import contextlib
import shutil
import ssl
import subprocess

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


@pytest.mark.parametrize(
    ("code", "status"), [(502, FetchStatus.CONNECT), (504, FetchStatus.TIMEOUT), (500, FetchStatus.ROBOTS)]
)
def test_a_host_that_the_proxy_does_not_reach_forbade_nothing_and_is_not_asked(site, config, monkeypatch, code, status):
    async def proxy(reader, writer):
        seen.append((await reader.readuntil(b"\r\n\r\n")).split(b" ", 2)[1])
        writer.write(site.answer(code, b"", "Connection: close"))
        writer.close()

    seen = []
    with listening(site, proxy) as port:
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{port}")
        monkeypatch.setenv("no_proxy", "")
        [answer] = fetch(["http://far.example/x.png"], config)
    assert (answer.status, answer.attempts) == (status, 0), answer.detail
    assert set(seen) == {b"http://far.example/robots.txt"}


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """(certificate, key) of 127.0.0.1, of its own making."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("the openssl command is not there")
    folder = tmp_path_factory.mktemp("certificate")
    key, cert = folder / "key.pem", folder / "cert.pem"
    command = [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1"]
    command += ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(cert)]
    subprocess.run(command, check=True, capture_output=True)
    return cert, key


@contextlib.contextmanager
def listening(site, handle, context=None):
    """The port of a server in the site's loop; its connections end as those of the site do."""
    made = site.loop.create_server(lambda: site.protocol(handle), "127.0.0.1", 0, ssl=context)
    server = asyncio.run_coroutine_threadsafe(made, site.loop).result(30)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        site.loop.call_soon_threadsafe(server.close)


async def pass_on(reader, writer):
    """Bytes of one side to the other until it ends."""
    with contextlib.suppress(OSError):
        while piece := await reader.read(65_536):
            writer.write(piece)
            await writer.drain()
    writer.close()


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_images_come_through_a_proxy_that_is_spoken_to_over_tls(site, config, monkeypatch, certificate, scheme):
    """Of https the tunnel is TLS within TLS."""
    asked = []

    async def proxy(reader, writer):
        method, place, _ = (await reader.readuntil(b"\r\n\r\n")).split(b" ", 2)
        asked.append(method + b" " + place)
        if method != b"CONNECT":
            writer.write(site.image("Connection: close"))
            return writer.close()
        host, port = place.decode().rsplit(":", 1)
        there = await asyncio.open_connection(host, int(port))
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        await asyncio.gather(pass_on(reader, there[1]), pass_on(there[0], writer))

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    site.routes["/x.png"] = site.image()
    with listening(site, site.handle, context) as origin, listening(site, proxy, context) as port:
        url = f"https://127.0.0.1:{origin}/x.png" if scheme == "https" else "http://far.example/x.png"
        monkeypatch.setenv(f"{scheme}_proxy", f"https://127.0.0.1:{port}")
        monkeypatch.setenv("no_proxy", "")
        [unknown] = fetch([url], config)
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
        [known] = fetch([url], config)
    assert unknown.status is FetchStatus.TLS, unknown.detail  # nobody signed for the proxy
    assert known.status is FetchStatus.OK, known.detail
    if scheme == "https":
        assert set(asked) == {f"CONNECT 127.0.0.1:{origin}".encode()}
        assert site.asked == ["/robots.txt", "/x.png"]
    else:
        assert asked == [b"GET http://far.example/robots.txt", b"GET http://far.example/x.png"]
