import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.fetch.addresses import PrivateAddressError, PublicResolver, check_host, is_public, literal


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.215.14", True),
        ("2606:2800:21f:cb07:6820:80da:af6b:8b2c", True),
        ("10.0.0.1", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("127.0.0.1", False),
        ("0.0.0.0", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("198.18.0.1", False),
        ("224.0.0.1", False),
        ("255.255.255.255", False),
        ("::1", False),
        ("::", False),
        ("fe80::1", False),
        ("fe80::1%eth0", False),
        ("fd00:ec2::254", False),
        ("ff02::1", False),
        ("::ffff:127.0.0.1", False),
        ("::ffff:93.184.215.14", True),
        ("64:ff9b::7f00:1", False),
        ("2002:7f00:1::", False),
        ("::127.0.0.1", False),
        ("::8.8.8.8", True),
        ("64:ff9b:1::808:808", False),
        ("fec0::1", False),
        ("3fff::1", False),
    ],
)
def test_public_addresses_are_told_from_others(address, public):
    assert is_public(address) is public


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("[::1]", "::1"),
        ("2130706433", "127.0.0.1"),
        ("0x7f.1", "127.0.0.1"),
        ("127.1", "127.0.0.1"),
        ("0177.0.0.1", "127.0.0.1"),
        ("a.example", None),
        ("1.2.3.example", None),
    ],
)
def test_odd_spellings_of_addresses_are_seen(host, address):
    assert literal(host) == address


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST.", "a.localhost", "printer.local", "metadata.google.internal", "127.1"]
)
def test_local_hosts_are_refused_by_name(host):
    with pytest.raises(PrivateAddressError):
        check_host(host)


def test_public_hosts_pass():
    for host in ("a.example", "local.example", "93.184.215.14"):
        check_host(host)


def test_a_name_that_resolves_to_this_machine_is_refused():
    async def resolve(allowed):
        resolver = PublicResolver(frozenset(allowed))
        try:
            return await resolver.resolve("localhost", 80)
        finally:
            await resolver.close()

    with pytest.raises(PrivateAddressError):
        asyncio.run(resolve([]))
    assert asyncio.run(resolve(["localhost"]))


@given(st.ip_addresses())
def test_every_address_is_public_or_not(address):
    assert is_public(str(address)) in (True, False)
