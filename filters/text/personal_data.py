"""Mask e-mail addresses, telephone numbers, IP addresses, payment cards and IBANs by typed placeholders.

Conservative: what only looks like one of them stays. Cards must pass Luhn's check and have a network's prefix and
length; IBANs their country's length and ISO 7064's check; IP addresses must be public ones; telephone numbers need a
country code that exists, an area code in brackets, North American dashes, or a word such as "tel" before them. Inside
web addresses only e-mail addresses are masked. Masking twice changes nothing.
"""

from __future__ import annotations

import ipaddress
import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from schemas.errors import ConfigError


class Kind(StrEnum):
    """What was masked; the placeholder is the value in angle brackets."""

    EMAIL = "email"
    PHONE = "phone"
    IP_ADDRESS = "ip_address"
    CARD = "card"
    IBAN = "iban"


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Recipe section [personal_data]: what is masked; an empty list masks nothing."""

    mask: tuple[str, ...] = tuple(Kind)

    def __post_init__(self) -> None:
        """Check the names."""
        for name in self.mask:
            if name not in list(Kind):
                raise ConfigError(f"personal_data.mask: {name!r} is unknown; known: {', '.join(Kind)}")


Span = tuple[int, int]


def mask(text: str, kinds: tuple[str, ...] = tuple(Kind)) -> tuple[str, Counter[str]]:
    """(masked text, how many of each kind). The text itself where there is nothing to mask."""
    counts: Counter[str] = Counter()
    has_numbers = _NUMBERS.search(text) is not None
    if not has_numbers and "@" not in text:
        return text, counts
    for kind, find in _FINDERS:
        if kind not in kinds or not (has_numbers or kind == Kind.EMAIL):
            continue
        spans = list(find(text))
        if spans:
            counts[kind] += len(spans)
            text = _replace(text, spans, f"<{kind}>")
    return text, counts


def _replace(text: str, spans: list[Span], placeholder: str) -> str:
    parts, at = [], 0
    for start, end in spans:
        parts += [text[at:start], placeholder]
        at = end
    return "".join([*parts, text[at:]])


_NUMBERS: Final = re.compile(
    r"[0-9](?:[ .()/:\u00a0\u2010-\u2013-]{0,3}[0-9]){6}|[0-9]\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]|::"
)
"""Something with seven digits close together, or that may be an IP address: a quick look before the slow ones."""

_URL: Final = re.compile(r"(?:https?://|ftp://|www\.)[^\s<>\"]+", re.IGNORECASE)


def _in_url(text: str) -> Callable[[int], bool]:
    """Tell whether a place lies in a web address."""
    if "://" not in text and "www." not in text.lower():
        return lambda _: False
    spans = [found.span() for found in _URL.finditer(text)]
    starts = [start for start, _ in spans]

    def inside(place: int) -> bool:
        before = bisect_right(starts, place)
        return before > 0 and place < spans[before - 1][1]

    return inside


_AT: Final = re.compile(r"(?<=[\w+-])@(?=[^\W_])")
_LOCAL: Final = re.compile(r"[^\W_](?:[\w.+%'-]*[\w+-])?\Z")
_HOST: Final = re.compile(r"(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.){1,8}([^\W\d_]{2,24}|xn--[a-z0-9-]{2,59})(?![\w@-])")
_MAX_LOCAL, _MAX_HOST = 64, 255  # RFC 5321, 4.5.3.1
_FILES: Final = frozenset(
    "png jpg jpeg gif webp svg avif bmp ico css js ts py html htm pdf json xml mp4 mp3 zip".split()
)
"""`icon@2x.png` is a file."""


def _emails(text: str) -> Iterator[Span]:
    end = 0
    for at in _AT.finditer(text):
        place = at.start()
        host = _HOST.match(text, place + 1, place + 1 + _MAX_HOST)
        if host is None or host[1].lower() in _FILES:
            continue
        local = _LOCAL.search(text, max(end, place - _MAX_LOCAL), place)
        if local is None:
            continue
        start = local.start()
        if text[max(0, start - 2) : start] == "//" or re.match(r":[\w~/]", text[host.end() : host.end() + 2]):
            continue  # the user of a web address, or of an scp path (git@host:path)
        if text[max(0, start - 1) : start] == ":" and "//" in text[max(0, start - _MAX_LOCAL) : start]:
            continue  # the password of a web address
        end = host.end()
        yield start, end


_IPV4: Final = re.compile(r"(?<![\w.:@/-])(?:[0-9]{1,3}\.){3}[0-9]{1,3}(?![\w-]|\.[0-9])")
_IPV6: Final = re.compile(r"(?<![\w:.])(?=[0-9A-Fa-f:]*:[0-9A-Fa-f]*:)[0-9A-Fa-f:]{6,39}(?![\w:])")
_VERSION: Final = re.compile(
    r"(?:\bv|\bver|\bversion|\brelease|\bbuild|\bfirmware|§|\bsection|\bchapter)[. :]{0,2}\Z", re.I
)
_BEFORE = 12  # characters that are looked at before a number


def _ip_addresses(text: str) -> Iterator[Span]:
    in_url = _in_url(text)
    found = [*_IPV4.finditer(text), *(_IPV6.finditer(text) if ":" in text else ())]
    for match in sorted(found, key=lambda item: item.start()):
        if _is_public(match[0]) and not in_url(match.start()) and not _VERSION.search(_before(text, match.start())):
            yield match.span()


def _is_public(name: str) -> bool:
    """A public address; of IPv4 one with a number of two digits, as 1.2.3.4 is a section or a version."""
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return False
    if address.version == 4 and all(len(part) == 1 for part in name.split(".")):
        return False
    return address.is_global and not address.is_multicast


_GROUPED: Final = re.compile(r"(?<![\w.,/=#&-])[0-9](?:[ \u00a0-]?[0-9]){12,18}(?![\w]|[.,-][0-9])")
_NETWORKS: Final = re.compile(
    r"4[0-9]{15}|(?:5[1-5]|2[2-7])[0-9]{14}|3[47][0-9]{13}|6(?:011|4[4-9]|5)[0-9]{12,13}|35[0-9]{14}"
    r"|3(?:0[0-5]|[68][0-9])[0-9]{11}|62[0-9]{14,17}"
)
"""Visa, Mastercard, American Express, Discover, JCB, Diners Club, UnionPay (ISO/IEC 7812 issuer ranges)."""
_LAYOUT: Final = re.compile(
    r"[0-9]{13,19}|[0-9]{4}(?:([ \u00a0-])[0-9]{4})(?:\1[0-9]{4}){1,3}(?:\1[0-9]{1,3})?"
    r"|[0-9]{4}([ -])[0-9]{6}\2[0-9]{4,5}"
)


def _cards(text: str) -> Iterator[Span]:
    in_url = _in_url(text)
    for match in _GROUPED.finditer(text):
        digits = re.sub(r"[^0-9]", "", match[0])
        is_card = _NETWORKS.fullmatch(digits) and _LAYOUT.fullmatch(match[0]) and passes_luhn(digits)
        if is_card and not in_url(match.start()):
            yield match.span()


def passes_luhn(digits: str) -> bool:
    """Whether the last digit is the check digit of the others (ISO/IEC 7812-1, annex B); all zeros are no number."""
    total = 0
    for place, digit in enumerate(map(int, reversed(digits))):
        doubled = digit * 2 if place % 2 else digit
        total += doubled - 9 if doubled > 9 else doubled
    return total % 10 == 0 and total > 0


_IBAN: Final = re.compile(r"(?<![\w])[A-Z]{2}[0-9]{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?(?![\w])")
_IBAN_LENGTHS: Final = {
    name[:2]: int(name[2:])
    for name in (
        "AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DK18 DO28 EE20 EG29 ES24 FI18"
        " FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 LI21 LT20"
        " LU20 LV21 LY25 MC27 MD24 ME22 MK19 MR27 MT31 MU30 NL18 NO15 PK24 PL28 PS29 PT25 QA29 RO24 RS22 SA24 SC31 SD18"
        " SE24 SI19 SK24 SM27 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20"
    ).split()
}
"""Lengths by country (SWIFT's IBAN registry)."""


def _ibans(text: str) -> Iterator[Span]:
    for match in _IBAN.finditer(text):
        compact = match[0].replace(" ", "")
        # a short word in capitals after the number may have been taken along
        length = _IBAN_LENGTHS.get(compact[:2], 0)
        if length and len(compact) >= length and is_iban(compact[:length]):
            end = match.start() + _end_of(match[0], length)
            yield match.start(), end


def _end_of(shown: str, length: int) -> int:
    """Where the `length`-th character that is no blank ends."""
    seen = 0
    for place, char in enumerate(shown):
        seen += char != " "
        if seen == length:
            return place + 1
    return len(shown)


def is_iban(compact: str) -> bool:
    """Whether country, length and check digits fit (ISO 13616, ISO 7064 MOD 97-10)."""
    if _IBAN_LENGTHS.get(compact[:2]) != len(compact):
        return False
    return int("".join(str(int(char, 36)) for char in compact[4:] + compact[:4])) % 97 == 1


_GAP = r"[ .\u00a0\u2010-\u2013/-]"
_INTERNATIONAL: Final = re.compile(
    rf"(?<![\w+])(?<![0-9] )(?:\+|00(?=[1-9][0-9]{{0,2}}[ ./-]))(?:{_GAP}?\(?[0-9]{{1,5}}\)?){{2,7}}(?![\w]|[.,][0-9])"
)
_BRACKETED: Final = re.compile(
    rf"(?<![\w)])(?<![0-9] )\((?!(?:19|20)[0-9][0-9]\))(0?[1-9][0-9]{{1,4}}|0[0-9]{{1,4}})\)"
    rf"[ \u00a0-]?[0-9]{{2,8}}(?:{_GAP}[0-9]{{2,5}}){{0,3}}(?![\w]|[.,][0-9])"
)
_DASHED: Final = re.compile(
    r"(?<![\w.,/=#&+-])(?:1[-. ])?[2-9][0-9]{2}([-.])[2-9][0-9]{2}\1[0-9]{4}(?![\w]|[-.,][0-9])"
)
_CUED: Final = re.compile(
    r"\b(?:t[ée]l|telf|tfno|tlf|t[ée]l[ée]phone|telefon[oe]?|tel[ée]fono|phone|ph|fon|fax|mobile?|mob|cell|handy|whats?app|gsm"
    r"|call(?: us)?(?: at| on)?)\b\.?|電話(?:番号)?|电话(?:号码)?|手机号?|전화(?:번호)?|τηλ|тел(?:ефон)?\.?|טלפון|هاتف",
    re.IGNORECASE,
)
_CUED_NUMBER: Final = re.compile(
    r"[ :\uff1a.\u00a0]{0,3}(?:no\.?|nr\.?|number)?[ :\uff1a.]{0,2}"
    rf"(\(?[0-9](?:{_GAP}?[()]?{_GAP}?[0-9]){{5,13}})(?![\w]|[.,][0-9])",
    re.IGNORECASE,
)
_MIN_DIGITS, _MAX_DIGITS = 8, 15  # E.164: at most 15; shorter international ones exist on islands only


def _phones(text: str) -> Iterator[Span]:
    in_url = _in_url(text)
    spans = [m.span() for m in _INTERNATIONAL.finditer(text) if _is_international(m[0])]
    spans += [m.span() for m in _BRACKETED.finditer(text) if _MIN_DIGITS - 1 <= _num_digits(m[0]) <= _MAX_DIGITS]
    spans += [m.span() for m in _DASHED.finditer(text)]
    for cue in _CUED.finditer(text):
        number = _CUED_NUMBER.match(text, cue.end(), cue.end() + 40)
        if number and 6 <= _num_digits(number[1]) <= _MAX_DIGITS and not _DATE.fullmatch(number[1]):
            spans.append(number.span(1))
    end = 0
    for start, stop in sorted(spans, key=lambda span: (span[0], -span[1])):
        if start >= end and not in_url(start):
            yield start, stop
            end = stop


_DATE: Final = re.compile(
    r"(?:19|20)[0-9]{2}[-./][0-9]{1,2}[-./][0-9]{1,2}|[0-9]{1,2}[-./][0-9]{1,2}[-./](?:19|20)[0-9]{2}"
)
_CODES: Final = re.compile(
    r"1|7|20|21[2368]|2[2-6][0-9]|27|29[0-9]|3[0-469]|35[0-9]|37[0-9]|38[0-9]|4[013-9]|42[0-9]|5[1-8]|50[0-9]|59[0-9]|6[0-6]"
    r"|67[0-9]|68[0-9]|69[0-2]|8[12468]|80[08]|85[0-9]|87[08]|88[0-8]|9[0-58]|96[0-8]|97[0-9]|99[2-8]"
)
"""Country codes of ITU-T E.164."""


def _is_international(shown: str) -> bool:
    digits = re.sub(r"[^0-9]", "", shown)
    digits = digits[2:] if shown.startswith("00") else digits
    return _MIN_DIGITS <= len(digits) <= _MAX_DIGITS and _CODES.match(digits) is not None


def _num_digits(shown: str) -> int:
    return sum(char.isdigit() for char in shown)


def _before(text: str, place: int) -> str:
    return text[max(0, place - _BEFORE) : place]


_FINDERS: Final = (
    (Kind.EMAIL, _emails),
    (Kind.IBAN, _ibans),
    (Kind.CARD, _cards),
    (Kind.IP_ADDRESS, _ip_addresses),
    (Kind.PHONE, _phones),
)
"""In this order: an IBAN holds what looks like a card, a card what looks like a telephone number."""
