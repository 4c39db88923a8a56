import contextlib
import hashlib
import shutil
import socket
import ssl
import subprocess
import threading
import time

import pytest

from pipeline.fetch import Config, HostLimit, fetch
from pipeline.fetch.robots import Entry, MemoryTable
from schemas.errors import ConfigError
from schemas.reasons import FetchStatus


def ask(urls, config, **options):
    """URL -> answer; each URL exactly once."""
    answers = list(fetch(urls, config, **options))
    assert sorted(a.url for a in answers) == sorted(urls)
    return {a.url: a for a in answers}


def one(url, config, **options):
    return ask([url], config, **options)[url]


def test_an_image_comes_with_its_facts(site, config):
    site.routes["/a.png"] = site.image("Content-Type: text/plain", 'ETag: "1"')
    got = one(site.url("/a.png"), config)
    assert (got.status, got.http_status, got.attempts, got.final_url) == (FetchStatus.OK, 200, 1, site.url("/a.png"))
    assert got.sha256 == hashlib.sha256(got.data).hexdigest()
    assert got.num_bytes == len(got.data)
    assert (got.content_type, got.headers["etag"]) == ("text/plain", '"1"')
    assert 0 <= got.seconds < 60
    assert got.fetched_at.tzinfo is not None


def test_we_ask_as_ourselves(site, patient):
    site.routes["/a.png"] = site.image()
    one(site.url("/a.png"), Config(**patient, contact="https://weft.example/crawl"))
    assert set(site.agents) == {"weft/0.1 (+https://weft.example/crawl)"}


@pytest.mark.parametrize(
    ("fault", "status", "attempts"),
    [
        ("stall", FetchStatus.TIMEOUT, 3),
        ("silence", FetchStatus.TIMEOUT, 3),
        ("drip", FetchStatus.TIMEOUT, 1),
        ("endless", FetchStatus.TOO_LARGE, 1),
        ("truncated", FetchStatus.TRUNCATED, 1),
        ("cut_chunks", FetchStatus.TRUNCATED, 1),
        ("reset", FetchStatus.TRUNCATED, 1),
        ("hang_up", FetchStatus.CONNECT, 3),
        ("nonsense", FetchStatus.PROTOCOL, 1),
    ],
)
@pytest.mark.slow
def test_every_fault_ends_in_its_class_within_the_deadline(site, quick, patient, faults, fault, status, attempts):
    site.routes["/x"] = getattr(faults, fault)
    got = one(site.url("/x"), Config(**(quick if status is FetchStatus.TIMEOUT else patient)))
    assert got.status is status, got.detail
    assert got.attempts == attempts or (status is FetchStatus.TIMEOUT and 1 <= got.attempts <= attempts)
    assert got.data is None
    assert got.sha256 is None
    assert got.seconds <= 10  # the server would go on for 30 and more


@pytest.mark.parametrize(
    ("code", "status"),
    [
        (404, FetchStatus.HTTP_4XX),
        (403, FetchStatus.HTTP_4XX),
        (410, FetchStatus.HTTP_410),
        (500, FetchStatus.HTTP_5XX),
        (304, FetchStatus.HTTP_OTHER),
        (301, FetchStatus.HTTP_OTHER),  # without a target
    ],
)
def test_codes_have_their_classes_and_are_asked_once(site, config, code, status):
    site.routes["/x"] = site.answer(code)
    got = one(site.url("/x"), config)
    assert (got.status, got.http_status, got.attempts) == (status, code, 1)


@pytest.mark.parametrize("code", [429, 503])
def test_a_server_that_asks_for_patience_is_asked_again_after_it(site, config, faults, code):
    site.routes["/x"] = faults.once(code, "Retry-After: 1")
    started = time.monotonic()
    got = one(site.url("/x"), config)
    assert (got.status, got.attempts) == (FetchStatus.OK, 2)
    assert time.monotonic() - started - got.seconds >= 1.0  # waiting is not asking


def test_one_host_that_asks_for_patience_disturbs_no_other(site, patient, faults):
    site.routes["/later"] = faults.once(429, "Retry-After: 1")
    site.routes["*"] = site.image()
    others = [site.url(f"/{i}", "localhost") for i in range(30)]
    got = ask([site.url("/later"), *others], Config(**patient, concurrency=2))
    assert {a.status for a in got.values()} == {FetchStatus.OK}
    assert got[site.url("/later")].attempts == 2


def test_patience_has_an_end(site, config):
    site.routes["/x"] = site.answer(429, b"", "Retry-After: 3600")
    got = one(site.url("/x"), config)
    assert (got.status, got.attempts, got.headers["retry-after"]) == (FetchStatus.HTTP_429, 1, "3600")


def test_retries_are_bounded(site, config):
    site.routes["/x"] = site.answer(503)
    got = one(site.url("/x"), config)
    assert (got.status, got.attempts) == (FetchStatus.HTTP_5XX, config.retries + 1)
    assert site.asked.count("/x") == 3


def test_the_size_limits_are_inclusive(site, patient):
    body = site.image().partition(b"\r\n\r\n")[2]
    site.routes["/x"] = site.image()
    url = site.url("/x")
    for least, most, status in [
        (len(body), len(body), FetchStatus.OK),
        (len(body) + 1, len(body) + 1, FetchStatus.TOO_SMALL),
        (1, len(body) - 1, FetchStatus.TOO_LARGE),
    ]:
        assert one(url, Config(**{**patient, "min_bytes": least, "max_bytes": most})).status is status


def test_a_gzip_bomb_is_bounded_and_no_image(site, config, faults):
    site.routes["/small"], site.routes["/large"] = faults.gzip_bomb(50_000), faults.gzip_bomb(5_000_000)
    got = ask([site.url("/small"), site.url("/large")], config)
    assert got[site.url("/small")].status is FetchStatus.NOT_AN_IMAGE
    assert got[site.url("/large")].status is FetchStatus.TOO_LARGE


def test_an_image_in_an_encoding_that_nobody_asked_for_is_unpacked(site, config):
    import gzip

    body = site.image().partition(b"\r\n\r\n")[2]
    site.routes["/gzip"] = site.answer(200, gzip.compress(body), "Content-Encoding: gzip")
    site.routes["/lie"] = site.answer(200, body, "Content-Encoding: gzip")
    site.routes["/br"] = site.answer(200, b"\x0b\x02", "Content-Encoding: br")
    site.routes["/broken"] = site.answer(200, b"not gzip", "Content-Encoding: gzip")
    got = ask([site.url(p) for p in ("/gzip", "/lie", "/br", "/broken")], config)
    assert [got[site.url(p)].data for p in ("/gzip", "/lie")] == [body, body]
    assert [got[site.url(p)].status for p in ("/br", "/broken")] == [FetchStatus.PROTOCOL] * 2


def test_bytes_are_sniffed_and_not_believed(site, config):
    site.routes["/html"] = site.answer(200, b"<!doctype html>", "Content-Type: image/jpeg")
    site.routes["/empty"] = site.answer(200, b"", "Content-Type: image/jpeg")
    site.routes["/svg"] = site.answer(200, b"<svg xmlns='http://www.w3.org/2000/svg'/>", "Content-Type: text/html")
    got = ask([site.url(p) for p in ("/html", "/empty", "/svg")], config)
    assert [got[site.url(p)].status for p in ("/html", "/empty", "/svg")] == [
        FetchStatus.NOT_AN_IMAGE,
        FetchStatus.TOO_SMALL,
        FetchStatus.OK,
    ]


def test_a_pixel_bomb_is_a_decode_error(site, config):
    head = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR" + (50_000).to_bytes(4, "big") * 2 + b"\x08\x02\0\0\0\0\0\0\0"
    site.routes["/bomb"] = site.answer(200, head)
    site.routes["/broken"] = site.answer(200, head[:12])
    got = ask([site.url("/bomb"), site.url("/broken")], config)
    assert {a.status for a in got.values()} == {FetchStatus.DECODE_ERROR}


def test_redirects_are_followed_and_told(site, config):
    site.routes["/a"] = site.answer(302, b"", "Location: b?c=d")
    site.routes["/b?c=d"] = site.answer(308, b"", f"Location: {site.url('/c')}")
    site.routes["/c"] = site.image()
    got = one(site.url("/a"), config)
    assert (got.status, got.final_url, got.attempts) == (FetchStatus.OK, site.url("/c"), 1)


def test_loops_and_long_ways_end(site, config):
    site.routes["/loop"] = site.answer(302, b"", "Location: /loop")
    for i in range(10):
        site.routes[f"/{i}"] = site.answer(302, b"", f"Location: /{i + 1}")
    got = ask([site.url("/loop"), site.url("/0"), site.url("/5")], config)
    assert got[site.url("/loop")].status is FetchStatus.REDIRECT_LOOP
    assert got[site.url("/0")].status is FetchStatus.REDIRECT_LOOP
    assert got[site.url("/5")].status is FetchStatus.HTTP_4XX  # five hops, then /10 is missing
    assert site.asked.count("/loop") == 1


def test_private_addresses_are_never_asked(site, patient):
    strict = Config(**{**patient, "allow_private": False}, contact="https://weft.example")
    urls = [site.url("/x"), site.url("/x", "localhost"), site.url("/x", "2130706433"), "http://169.254.169.254/latest/"]
    assert {a.status for a in ask(urls, strict).values()} == {FetchStatus.PRIVATE_ADDRESS}
    assert site.asked == []


def test_a_redirect_to_another_scheme_is_not_followed(site, config):
    site.routes["/x"] = site.answer(302, b"", "Location: file:///etc/passwd")
    got = one(site.url("/x"), config)
    assert got.status is FetchStatus.PROTOCOL


def test_what_cannot_be_reached_says_why(config):
    urls = {
        "http://127.0.0.1:9/x": FetchStatus.CONNECT,
        "http://no-such-host.invalid/x": FetchStatus.DNS,
        "ftp://a/b": FetchStatus.PROTOCOL,
        "https:///x": FetchStatus.PROTOCOL,
        "http://127.0.0.1:port/x": FetchStatus.PROTOCOL,
    }
    assert {url: answer.status for url, answer in ask(list(urls), config).items()} == urls


def test_a_certificate_that_nobody_signed_is_not_accepted(config, tmp_path):
    with tls_server(tmp_path) as port:
        got = one(f"https://127.0.0.1:{port}/x", config)
    assert got.status is FetchStatus.TLS, got.detail


@contextlib.contextmanager
def tls_server(folder):
    """A TLS server on loopback with a certificate of its own making."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("the openssl command is not there")
    key, cert = folder / "key.pem", folder / "cert.pem"
    command = [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1"]
    subprocess.run([*command, "-keyout", str(key), "-out", str(cert)], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    listener = socket.create_server(("127.0.0.1", 0))

    def serve():
        while True:
            try:
                plain, _ = listener.accept()
            except OSError:
                return
            with plain, contextlib.suppress(OSError):
                context.wrap_socket(plain, server_side=True).close()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


def test_robots_are_asked_once_and_obeyed(site, config):
    site.routes["/robots.txt"] = site.answer(200, b"User-agent: weft\nDisallow: /no/")
    site.routes["*"] = site.image()
    got = ask([site.url(p) for p in ("/no/1", "/yes/1", "/yes/2", "/no/2")], config)
    assert [a.status for _, a in sorted(got.items())] == [FetchStatus.ROBOTS] * 2 + [FetchStatus.OK] * 2
    assert got[site.url("/no/1")].attempts == 0
    assert sorted(site.asked) == ["/robots.txt", "/yes/1", "/yes/2"]


@pytest.mark.parametrize(
    ("code", "status"),
    [(404, FetchStatus.OK), (403, FetchStatus.OK), (500, FetchStatus.ROBOTS), (503, FetchStatus.ROBOTS)],
)
def test_a_robots_file_that_is_missing_allows_and_one_that_fails_forbids(site, config, code, status):
    site.routes["/robots.txt"] = site.answer(code)
    site.routes["/x"] = site.image()
    assert one(site.url("/x"), config).status is status


def test_a_robots_file_behind_redirects_counts(site, config):
    site.routes["/robots.txt"] = site.answer(301, b"", "Location: /r")
    site.routes["/r"] = site.answer(200, b"User-agent: *\nDisallow: /")
    site.routes["/x"] = site.image()
    assert one(site.url("/x"), config).status is FetchStatus.ROBOTS


def test_a_robots_file_that_redirects_for_ever_is_none(site, config):
    site.routes["/robots.txt"] = site.answer(301, b"", "Location: /robots.txt")
    site.routes["/x"] = site.image()
    assert one(site.url("/x"), config).status is FetchStatus.OK


def test_only_the_first_part_of_a_huge_robots_file_is_read(site, config):
    text = b"User-agent: *\nDisallow: /no\n" + b"#" * 700_000
    site.routes["/robots.txt"] = site.answer(200, text)
    site.routes["*"] = site.image()
    got = ask([site.url("/no"), site.url("/yes")], config)
    assert [got[site.url(p)].status for p in ("/no", "/yes")] == [FetchStatus.ROBOTS, FetchStatus.OK]


def test_a_host_that_cannot_be_reached_is_tried_once_for_all_its_urls(config):
    urls = [f"http://127.0.0.1:9/{i}" for i in range(50)]
    started = time.monotonic()
    assert {a.status for a in ask(urls, config).values()} == {FetchStatus.CONNECT}
    assert time.monotonic() - started < 3


def test_a_table_shares_robots_between_calls(site, config):
    site.routes["*"] = site.image()
    table = MemoryTable()
    one(site.url("/1"), config, robots=table)
    one(site.url("/2"), config, robots=table)
    assert site.asked.count("/robots.txt") == 1
    table.put(site.url(""), Entry(fetched_at=time.time(), text="User-agent: *\nDisallow: /"))
    assert one(site.url("/3"), config, robots=table).status is FetchStatus.ROBOTS


def test_robots_may_be_left_aside_in_a_closed_network(site, patient):
    site.routes["/x"] = site.image()
    assert one(site.url("/x"), Config(**patient, respect_robots=False)).status is FetchStatus.OK
    assert site.asked == ["/x"]


@pytest.mark.parametrize("header", ["X-Robots-Tag: noai", "X-Robots-Tag: weft: noimageai", "TDM-Reservation: 1"])
def test_an_objection_in_the_headers_keeps_the_bytes_out(site, config, header):
    site.routes["/x"] = site.image(header)
    got = one(site.url("/x"), config)
    assert (got.status, got.data, got.sha256, got.num_bytes) == (FetchStatus.OPTED_OUT, None, None, 0)


def test_a_host_is_never_asked_more_at_once_or_faster_than_its_limit(site, patient):
    async def slow(site, _w):
        import asyncio

        await asyncio.sleep(0.05)
        return site.image()

    site.routes["*"] = slow
    urls = [site.url(f"/{i}") for i in range(30)]
    ask(urls, Config(**{**patient, "host": HostLimit(concurrency=3, rate=0.0)}))
    assert site.peak <= 3
    site.times.clear()
    ask(urls[:10], Config(**{**patient, "host": HostLimit(concurrency=8, rate=20.0)}))
    assert site.times[-1] - site.times[0] >= 10 / 20 / 2  # a busy server notes the first ones late
    site.times.clear()
    ask(urls[:6], Config(**{**patient, "host": HostLimit(concurrency=8, rate=20.0)}), share=lambda _: 2)
    assert site.times[-1] - site.times[0] >= 6 / 10 / 2


def test_a_round_that_is_over_defers_the_rest(site, patient):
    site.routes["*"] = site.image()
    urls = [site.url(f"/{i}") for i in range(50)]
    got = ask(urls, Config(**{**patient, "host": HostLimit(concurrency=1, rate=20.0)}), budget_s=1.5)
    statuses = [a.status for a in got.values()]
    assert 2 <= statuses.count(FetchStatus.OK) <= 1.5 * 20 + 3
    assert set(statuses) == {FetchStatus.OK, FetchStatus.DEFERRED}
    assert all(a.attempts == 0 for a in got.values() if a.status is FetchStatus.DEFERRED)


def test_a_slow_caller_bounds_the_memory_and_loses_nothing(site, patient):
    body = site.image().partition(b"\r\n\r\n")[2] + bytes(50_000)
    site.routes["*"] = site.answer(200, body)
    urls = [site.url(f"/{i}") for i in range(60)]
    config = Config(**{**patient, "max_held_bytes": 200_000, "concurrency": 8})
    seen, most = 0, 0
    for answer in fetch(urls, config):
        assert answer.status is FetchStatus.OK, answer.detail
        seen += 1
        if seen < 20:
            time.sleep(0.05)
            most = max(most, site.asked.count("/robots.txt") + len(site.asked) - seen)
    assert seen == 60
    assert most <= 200_000 // 50_000 + 8 + 2


def test_a_caller_that_stops_leaves_nothing_behind(site, config, faults):
    site.routes["*"] = faults.stall
    site.routes["/0"] = site.image()
    answers = fetch([site.url(f"/{i}") for i in range(20)], config)
    assert next(answers).status is FetchStatus.OK
    answers.close()
    assert not [t for t in threading.enumerate() if t.name == "fetch"]


def test_the_same_url_twice_has_two_answers(site, config):
    site.routes["/x"] = site.image()
    assert len(list(fetch([site.url("/x")] * 2, config))) == 2


def test_no_urls_have_no_answers(config):
    assert list(fetch([], config)) == []


def test_a_fetch_without_contact_is_refused_before_anything_is_asked(monkeypatch):
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(ConfigError, match="contact"):
        fetch(["http://a.example/x"], Config())
