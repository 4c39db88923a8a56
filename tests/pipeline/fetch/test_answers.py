import ssl

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.fetch.addresses import PrivateAddressError
from pipeline.fetch.answers import DETAIL_LENGTH, detail_of, status_of_code, status_of_error
from schemas.reasons import FetchStatus

KEY = aiohttp.client_reqrep.ConnectionKey("a.example", 80, False, True, None, None, None)


@pytest.mark.parametrize(
    ("code", "status"),
    [
        (200, FetchStatus.OK),
        (206, FetchStatus.OK),
        (304, FetchStatus.HTTP_OTHER),
        (399, FetchStatus.HTTP_OTHER),
        (400, FetchStatus.HTTP_4XX),
        (410, FetchStatus.HTTP_410),
        (429, FetchStatus.HTTP_429),
        (451, FetchStatus.HTTP_4XX),
        (499, FetchStatus.HTTP_4XX),
        (500, FetchStatus.HTTP_5XX),
        (599, FetchStatus.HTTP_5XX),
        (600, FetchStatus.HTTP_OTHER),
        (999, FetchStatus.HTTP_OTHER),
    ],
)
def test_every_code_has_a_class(code, status):
    assert status_of_code(code) is status


@pytest.mark.parametrize(
    ("error", "before", "within"),
    [
        (aiohttp.ClientConnectorDNSError(KEY, OSError(-2, "unknown")), FetchStatus.DNS, FetchStatus.DNS),
        (aiohttp.ClientConnectorDNSError(KEY, PrivateAddressError("10.0.0.1")), FetchStatus.PRIVATE_ADDRESS, None),
        (aiohttp.ClientConnectorError(KEY, OSError(111, "refused")), FetchStatus.CONNECT, None),
        (aiohttp.ClientConnectorSSLError(KEY, OSError(1, "bad")), FetchStatus.TLS, None),
        (ssl.SSLError(1, "record"), FetchStatus.TLS, FetchStatus.TRUNCATED),
        (TimeoutError(), FetchStatus.TIMEOUT, FetchStatus.TIMEOUT),
        (aiohttp.SocketTimeoutError(), FetchStatus.TIMEOUT, FetchStatus.TIMEOUT),
        (aiohttp.ServerDisconnectedError(), FetchStatus.CONNECT, FetchStatus.TRUNCATED),
        (ConnectionResetError(104, "reset"), FetchStatus.CONNECT, FetchStatus.TRUNCATED),
        (aiohttp.ClientPayloadError("short"), None, FetchStatus.TRUNCATED),
        (aiohttp.InvalidURL("http://"), FetchStatus.PROTOCOL, None),
        (KeyError("ours"), None, None),
    ],
)
def test_every_failure_has_a_class_and_our_mistakes_have_none(error, before, within):
    if before is not None or within is None:
        assert status_of_error(error, in_body=False) is before
    if within is not None:
        assert status_of_error(error, in_body=True) is within


@given(st.text(max_size=500))
def test_details_are_one_short_line(text):
    detail = detail_of(OSError(text))
    assert detail.startswith("OSError")
    assert len(detail) <= DETAIL_LENGTH
    assert "\n" not in detail
