import ssl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.fetch.addresses import PrivateAddressError
from pipeline.fetch.answers import DETAIL_LENGTH, detail_of, status_of_code, status_of_error
from pipeline.fetch.connection import DisconnectedError, ProtocolError, TruncatedError
from pipeline.fetch.pool import NameLookupError, ProxyRefusedError
from schemas.reasons import FetchStatus


def caused(error, cause):
    error.__cause__ = cause
    return error


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
    ("error", "status"),
    [
        (NameLookupError("unknown"), FetchStatus.DNS),
        (caused(NameLookupError("inside"), PrivateAddressError("10.0.0.1")), FetchStatus.PRIVATE_ADDRESS),
        (PrivateAddressError("10.0.0.1"), FetchStatus.PRIVATE_ADDRESS),
        (ConnectionRefusedError(111, "refused"), FetchStatus.CONNECT),
        (ProxyRefusedError("502"), FetchStatus.CONNECT),
        (DisconnectedError("hung up"), FetchStatus.CONNECT),
        (ssl.SSLError(1, "record"), FetchStatus.TLS),
        (ssl.SSLCertVerificationError(1, "nobody signed"), FetchStatus.TLS),
        (TimeoutError(), FetchStatus.TIMEOUT),
        (TruncatedError("hung up"), FetchStatus.TRUNCATED),
        (ProtocolError("no HTTP"), FetchStatus.PROTOCOL),
        (ValueError("no host"), FetchStatus.PROTOCOL),
        (KeyError("ours"), None),
        (ZeroDivisionError(), None),
    ],
)
def test_every_failure_has_a_class_and_our_mistakes_have_none(error, status):
    assert status_of_error(error) is status


@given(st.text(max_size=500))
def test_details_are_one_short_line(text):
    detail = detail_of(OSError(text))
    assert detail.startswith("OSError")
    assert len(detail) <= DETAIL_LENGTH
    assert "\n" not in detail
