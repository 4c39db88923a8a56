"""What is personal is masked and counted; what only looks like it survives."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.text.personal_data import Config, Kind, is_iban, mask, passes_luhn
from schemas.errors import ConfigError


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("Write to jo.doe+news@mail.example.co.uk.", "Write to <email>."),
        ("mailto:jo@example.com?subject=x", "mailto:<email>?subject=x"),
        ("(jo@example.com), ann_b@example.org;", "(<email>), <email>;"),
        ("josé@münchen.de and O'Neil@example.com", "<email> and <email>"),
        ("see https://example.com/?u=jo@example.com&x=1", "see https://example.com/?u=<email>&x=1"),
        ("a@b.co", "<email>"),
        ("Server 93.184.216.34 answered.", "Server <ip_address> answered."),
        ("from 8.8.8.42, then", "from <ip_address>, then"),
        ("2a00:1450:4001:81b::200e is v6", "<ip_address> is v6"),
        ("Card 4111 1111 1111 1111 exp", "Card <card> exp"),
        ("5500-0000-0000-0004", "<card>"),
        ("amex 3782 822463 10005.", "amex <card>."),
        ("4111111111111111", "<card>"),
        ("IBAN DE89 3704 0044 0532 0130 00, BIC X", "IBAN <iban>, BIC X"),
        ("GB82WEST12345698765432", "<iban>"),
        ("DE89 3704 0044 0532 0130 00 BIC COBADEFF", "<iban> BIC COBADEFF"),
        ("Call +49 (0)30 1234567 now", "Call <phone> now"),
        ("+1 202-555-0143 or 202-555-0143", "<phone> or <phone>"),
        ("(202) 555-0143", "<phone>"),
        ("(030) 1234 5678", "<phone>"),
        ("Tel.: 030 1234567", "Tel.: <phone>"),
        ("电话：010-12345678。", "电话：<phone>。"),
        ("Fax 01 23 45 67 89", "Fax <phone>"),
        ("T\u00e9l : 06 12 34 56 78", "T\u00e9l : <phone>"),
        ("\u96fb\u8a71\u756a\u53f7\uff1a03-1234-5678", "\u96fb\u8a71\u756a\u53f7\uff1a<phone>"),
        ("Tlf. 22 33 44 55, Telf: 912 345 678", "Tlf. <phone>, Telf: <phone>"),
        ("\uc804\ud654: 02-1234-5678", "\uc804\ud654: <phone>"),
        ("+33 1 23 45 67 89, +44.20.7946.0958", "<phone>, <phone>"),
        ("0049 30 1234567", "<phone>"),
    ],
)
def test_personal_data_is_masked_by_a_placeholder_of_its_kind(text, masked):
    assert mask(text)[0] == masked


@pytest.mark.parametrize(
    "text",
    [
        "Follow https://medium.com/@user/post or @user",
        "icon@2x.png and lodash@4.17.21",
        "git clone git@github.com:org/repo.git",
        "https://user:secret@example.com/x ftp://jo@example.com/",
        "user at example dot com, a@b, @, foo@localhost",
        "Version 1.2.3.4, v10.22.33.44, release 12.34.56.78",
        "Section 3.2.1.4 of 1.2.3.4.5",
        "192.168.0.1, 10.0.0.12 and 127.0.0.1 are private",
        "999.999.999.999 and 256.1.2.33",
        "std::vector<int> a::b 12:34:56 00:1a:2b:3c:4d:5e",
        "http://93.184.216.34/index.html",
        "Card 4111 1111 1111 1112 fails Luhn",
        "ISBN 978-3-16-148410-0 and 9783161484100",
        "https://example.com/item/4111111111111111",
        "1234567890123456 is an order number",
        "0000 0000 0000 0000",
        "IBAN DE89 3704 0044 0532 0130 01 is wrong",
        "On 2024-01-15 10:30:45 and 15.01.2024 at 10:30",
        "It has 1 000 000 inhabitants, 12,345,678.90 euros and 3.14159265",
        "timestamp 1700000000000, id 12345678901",
        "+2147483647 and 0xDEADBEEF and 2+2222 = 2224",
        "Tel Aviv 1948, phone 2 and call 911",
        "call on 2024-01-15, phone 12.03.2024",
        "1939-1945, pp. 123-456-789, 50-60-70",
        "grid 100-200-3000, scores 21-15 21-18 15-12",
        "RFC 2119, ISO 8601-1:2019, DIN 33430",
        "Sobul (2003). 100 Greatest Albums, ISBN 0060513047; 1511 (55)21 (76)32 265",
        "coordinates 52.520008, 13.404954",
        "https://shop.example/p/202-555-0143?tel=+493012345678",
    ],
)
def test_what_only_looks_like_it_survives(text):
    assert mask(text) == (text, {})


def test_kinds_are_counted():
    masked, counts = mask("a@example.com b@example.com +49 30 1234567 93.184.216.34")
    assert masked == "<email> <email> <phone> <ip_address>"
    assert counts == {Kind.EMAIL: 2, Kind.PHONE: 1, Kind.IP_ADDRESS: 1}


def test_a_recipe_may_mask_less():
    text = "a@example.com +49 30 1234567"
    assert mask(text, ("phone",))[0] == "a@example.com <phone>"
    assert mask(text, ()) == (text, {})
    with pytest.raises(ConfigError, match="e-mail"):
        Config(mask=("e-mail",))


@given(st.text(max_size=120) | st.text(alphabet="0123456789+-(). @:abc/\n", max_size=120))
def test_masking_twice_changes_nothing(text):
    once, counts = mask(text)
    assert mask(once) == (once, {})
    assert (once == text) == (not counts)


@given(st.integers(10**14, 10**15 - 1))
def test_exactly_one_check_digit_passes_luhn(number):
    assert sum(passes_luhn(f"{number}{digit}") for digit in range(10)) == 1


@pytest.mark.parametrize(
    ("iban", "valid"),
    [
        ("GB82WEST12345698765432", True),
        ("GB82WEST1234569876543", False),
        ("GB83WEST12345698765432", False),
        ("XX82WEST12345698765432", False),
    ],
)
def test_an_iban_has_its_country_s_length_and_check_digits(iban, valid):
    assert is_iban(iban) is valid


@pytest.mark.parametrize(
    "text",
    [
        "a" * 200_000,
        "@" * 100_000,
        "a@" * 50_000,
        "1 " * 100_000,
        "1" * 200_000,
        "+1-" * 60_000,
        "1.2.3." * 30_000,
        ":" * 100_000,
        "a." * 100_000 + "@",
        "x@" + "a." * 100_000,
        "(0" * 60_000,
        "tel " * 50_000,
        "http://a 423-456-7890 " * 10_000,
        "http://a 8.8.8.80 " * 10_000,
        "www.a 4111 1111 1111 1111 " * 10_000,
        "a@a." * 50_000,
    ],
)
def test_hostile_text_takes_no_long_time(text):
    start = time.process_time()
    mask(text)
    assert time.process_time() - start < 3
