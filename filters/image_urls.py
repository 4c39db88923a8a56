"""Which image URLs are worth a request, told from the URL alone.

Peers look for substrings, and lose Sussex with "sex" and monologues with "logo"; here a banned word is a
whole word of the URL's path (split at everything that is no letter, and where camelCase begins a word), in
singular or plural.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from urllib.parse import unquote, urlsplit

from schemas.errors import ConfigError
from schemas.reasons import UrlReason

_WORD = re.compile(r"[^\W\d_]+")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_EXTENSION = re.compile(r"\.([A-Za-z0-9]{1,5})\Z")
_CONTROL = re.compile(r"[\x00-\x20\x7f]")


@dataclass(frozen=True, slots=True, kw_only=True)
class UrlRules:
    """Section [image_urls] of a recipe. The words are OBELICS's (arXiv:2306.16527, A.1.3)."""

    schemes: tuple[str, ...] = ("http", "https", "data")
    max_length: int = 2_048
    """Longest URL, characters (`data:` apart): what browsers and servers agree on."""
    max_data_length: int = 8_000_000
    """Longest `data:` URL, characters: 6 MB in base64."""
    banned_words: tuple[str, ...] = ("logo", "button", "icon", "plugin", "widget")
    """Whole words of the path, singular or plural."""
    banned_host_words: tuple[str, ...] = ("porn", "xxx", "sex")
    """Whole words of the host name or the path."""
    banned_extensions: tuple[str, ...] = (
        "svg",
        "svgz",
        "ico",
        "cur",
        "mp4",
        "webm",
        "mp3",
        "pdf",
        "html",
        "php3",
    )
    """Endings of the path that are no raster image; a URL without an ending is asked."""
    allowed_extensions: tuple[str, ...] = ()
    """Where not empty, a path must end in one of these (mmc4: png, jpeg, jpg)."""
    blocked_hosts: tuple[str, ...] = ()
    """Host names, their subdomains included, that are never asked."""

    def __post_init__(self) -> None:
        if not self.schemes or not set(self.schemes) <= {"http", "https", "data"}:
            raise ConfigError(f"image_urls.schemes={list(self.schemes)} must be some of http, https, data")
        if self.max_length < 1 or self.max_data_length < 1:
            raise ConfigError("image_urls.max_length and max_data_length must be at least 1")
        for word in (*self.banned_words, *self.banned_host_words):
            if not _WORD.fullmatch(word) or word != word.lower():
                raise ConfigError(f"image_urls: banned word {word!r} must be letters, in lower case")


URL_RULE_SETS: Mapping[str, UrlRules] = MappingProxyType(
    {
        "obelics": UrlRules(),
        "m3w": UrlRules(banned_words=(), banned_host_words=()),  # arXiv:2204.14198 A.1 names none
        "mmc4": UrlRules(banned_host_words=(), allowed_extensions=("png", "jpeg", "jpg")),  # arXiv:2304.06939, 3
        "omnicorpus": UrlRules(banned_words=(), banned_host_words=()),  # arXiv:2406.08418 names none
        "mint1t": UrlRules(banned_words=("logo", "avatar"), banned_host_words=("porn", "xxx")),  # arXiv:2406.11271
    }
)


def judge(url: str, rules: UrlRules) -> UrlReason | None:
    """Why the URL is not asked, None if it is; the first broken rule in the order of `UrlReason`.

    A URL that cannot be read (no host, control characters, a port that is no number) is `scheme`.
    """
    scheme = url[:8].partition(":")[0].lower()
    if scheme not in rules.schemes:
        return UrlReason.SCHEME
    if len(url) > (rules.max_data_length if scheme == "data" else rules.max_length):
        return UrlReason.TOO_LONG
    if scheme == "data":
        return None
    parts = _split(url)
    if parts is None:
        return UrlReason.SCHEME
    host, path = parts
    in_path = words(path)
    if in_path & _with_plurals((*rules.banned_words, *rules.banned_host_words)):
        return UrlReason.BANNED_WORD
    if words(host) & _with_plurals(rules.banned_host_words):
        return UrlReason.BANNED_WORD
    found = _EXTENSION.search(path)
    extension = found[1].lower() if found else ""
    if extension in rules.banned_extensions:
        return UrlReason.EXTENSION
    if rules.allowed_extensions and extension not in rules.allowed_extensions:
        return UrlReason.EXTENSION
    if any(host == blocked or host.endswith("." + blocked) for blocked in rules.blocked_hosts):
        return UrlReason.BLOCKED
    return None


def words(text: str) -> frozenset[str]:
    """The words of a path or host in lower case: `/siteLogos/big_icon2.png` has site, logos, big, icon,
    png."""
    return frozenset(word.lower() for word in _WORD.findall(_CAMEL.sub(" ", text)))


def _split(url: str) -> tuple[str, str] | None:
    if _CONTROL.search(url):
        return None
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return None
    return (host.rstrip("."), unquote(parts.path)) if host and host.strip(".") else None


def _with_plurals(banned: tuple[str, ...]) -> frozenset[str]:
    return frozenset(banned) | {word + "s" for word in banned}
