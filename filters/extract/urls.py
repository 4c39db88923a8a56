"""URLs as a browser resolves them: white space, backslashes, non-ASCII, already escaped parts, ports, `<base>`."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Final
from urllib.parse import quote, unquote_to_bytes, urlsplit

import idna

MAX_URL: Final = 4_000
"""Characters of a URL that is still taken; browsers and servers stop between 2,000 and 8,000."""

_STRIP: Final = "".join(map(chr, range(33)))
_NEWLINES: Final = re.compile(r"[\t\n\r]")
_SCHEME: Final = re.compile(r"[a-zA-Z][a-zA-Z0-9+.\-]*:")
_CLEAN: Final = re.compile(
    r"https?://[a-z0-9.\-]*[a-z](?::(?!80/|443/)[1-9][0-9]{0,3})?/[!$&-;=@-Z_a-z~%]*(?:\?[!$&(-;=@-Z_a-z~%?\[\]/]*)?\Z"
)
"""What a browser changes nothing of, unless it is odd; a port of five digits and a host that does not end in a letter
are looked at more closely."""
_KEPT: Final = "!$%&'()*+,/:;=@~-._[]|"
_KEPT_IN_QUERY: Final = "!$%&()*+,/:;=@~-._[]|?{}^`\\"
"""What stays as it is in user name and path, and in a query: WHATWG's URL standard, percent-encode sets `path` and
`special-query`."""
_DEFAULT_PORT: Final = {"http": ":80", "https": ":443"}
_HERE: Final = frozenset((".", "%2e"))
_UP: Final = frozenset(("..", ".%2e", "%2e.", "%2e%2e"))
"""Dot segments, in lower case, as the standard lists them."""


def resolve(base: str, reference: str, charset: str = "utf-8") -> str | None:
    """The absolute http(s) URL that a browser asks for, or None where there is none.

    Path and fragment are escaped as UTF-8, the query in the encoding of the page; what is escaped already stays; dot
    segments go; the host becomes lower case and ASCII (UTS #46); a default port goes; `data:` and other schemes give
    None. Source: WHATWG URL standard, checked against Chromium.
    """
    reference = reference.strip(_STRIP)
    if len(reference) > MAX_URL:
        return None
    if _CLEAN.match(reference) and not _is_odd(reference):
        return reference
    if "\n" in reference or "\t" in reference or "\r" in reference:
        reference = _NEWLINES.sub("", reference)
    if "\\" in reference:
        head, mark, query = reference.partition("?")
        reference = head.replace("\\", "/") + mark + query
    whole = _joined(base, reference)
    if _CLEAN.match(whole) and not _is_odd(whole):
        return whole
    try:
        return _normalise(whole, charset)
    except (ValueError, UnicodeError):
        return None


def _is_odd(url: str) -> bool:
    """Whether a URL may have dot segments or a host in hexadecimal."""
    return "/." in url or "/%2" in url or ".0x" in url or "//0x" in url


def _joined(base: str, reference: str) -> str:
    """A reference made absolute, nothing escaped and no dot segment taken out; '' where that cannot be."""
    origin, folder, path, query = _parts(base)
    found = _SCHEME.match(reference)
    if found:
        scheme = found.group().lower()
        if scheme not in ("http:", "https:"):
            return ""
        rest = reference[found.end() :]
        if rest[:2] == "//" or not origin.startswith(scheme + "//"):
            return scheme + "//" + rest.lstrip("/")
        reference = rest  # `https:pic.jpg` on a page of that scheme
    if not origin:
        return ""
    first = reference[:1]
    if first == "/":
        if reference[1:2] == "/":
            return origin[: origin.index("/")] + "//" + reference.lstrip("/")
        return origin + reference
    if first == "?":
        return origin + path + reference
    return origin + folder + reference if first and first != "#" else origin + path + query


@lru_cache(maxsize=1_024)
def _parts(base: str) -> tuple[str, str, str, str]:
    """`https://host`, `/folder/`, `/folder/page` and `?query` of a base, '' four times where it is no http(s) URL; one
    a page, so the last thousand pages are remembered."""
    try:
        parts = urlsplit(base)
    except ValueError:  # `http://[`: nothing can be resolved against it
        return "", "", "", ""
    if parts.scheme not in ("http", "https") or not parts.netloc:
        return "", "", "", ""
    folder = parts.path.rpartition("/")[0] + "/"
    query = "?" + parts.query if parts.query else ""
    return f"{parts.scheme}://{parts.netloc}", folder, parts.path or "/", query


def _normalise(url: str, charset: str) -> str | None:
    """Escape and lower-case what a browser does; None for a URL without a host, ValueError for a port that is none."""
    url = url.partition("#")[0]
    parts = urlsplit(url)
    scheme = parts.scheme
    if scheme not in ("http", "https") or not parts.hostname:
        return None
    host = _ascii_host(parts.hostname)
    if host is None:
        return None
    port = f":{parts.port}" if parts.port is not None else ""
    user = parts.netloc.rpartition("@")[0]
    netloc = (quote(user, safe=_KEPT) + "@" if user else "") + host
    netloc += "" if port == _DEFAULT_PORT[scheme] else port
    path = quote(_without_dots(parts.path), safe=_KEPT) or "/"
    mark = "?" if "?" in url else ""
    query = quote(_encode(parts.query, charset), safe=_KEPT_IN_QUERY) if parts.query else ""
    return f"{scheme}://{netloc}{path}{mark}{query}"


def _without_dots(path: str) -> str:
    """An absolute path without its `.` and `..`, escaped ones too; empty segments stay, as in browsers."""
    if "/." not in path and "/%2" not in path:
        return path
    kept: list[str] = []
    segments = path.split("/")[1:]
    for segment in segments:
        name = segment.lower()
        if name in _UP:
            del kept[-1:]
        elif name not in _HERE:
            kept.append(segment)
    if segments[-1].lower() in _UP | _HERE:
        kept.append("")
    return "/" + "/".join(kept)


def _encode(query: str, charset: str) -> bytes:
    """A query in the page's encoding; what it cannot say becomes a numeric character reference, as in browsers."""
    if query.isascii():
        return query.encode("ascii")
    try:
        return query.encode(charset, "xmlcharrefreplace")
    except (LookupError, UnicodeError):
        return query.encode("utf-8", "replace")


@lru_cache(maxsize=4_096)
def _ascii_host(host: str) -> str | None:
    """The host in ASCII and lower case, or None where it cannot be one; a page links to ten hosts or fewer, the last
    four hundred pages are remembered."""
    if ":" in host:
        return f"[{host.lower()}]"
    if "%" in host:
        host = unquote_to_bytes(host).decode("utf-8", "replace")
    try:
        host = host.lower() if host.isascii() else ".".join(map(_ascii_label, _mapped(host).split(".")))
    except (UnicodeError, idna.IDNAError):
        return None
    if not host or _NO_HOST.search(host):
        return None
    return _ipv4(host) if _ENDS_IN_NUMBER.search(host) else host


_ENDS_IN_NUMBER: Final = re.compile(r"(?:^|\.)(?:\d+|0x[\da-f]*)\.?\Z")
"""Hosts that are addresses or nothing, by the standard."""


def _ipv4(host: str) -> str | None:
    """The address that a host of numbers stands for (`0x7f.1` is `127.0.0.1`), or None where it is none."""
    parts = host.removesuffix(".").split(".")
    numbers: list[int] = []
    for part in parts:
        try:
            hexadecimal, octal = part[:2] == "0x", part[:1] == "0" and len(part) > 1
            numbers.append(int(part[2:] or "0", 16) if hexadecimal else int(part, 8 if octal else 10))
        except ValueError:
            return None
    *first, last = numbers
    if len(parts) > 4 or any(number > 255 for number in first) or last >= 256 ** (5 - len(parts)):
        return None
    last += sum(number << (24 - 8 * at) for at, number in enumerate(first))
    return ".".join(str(last >> shift & 255) for shift in (24, 16, 8, 0))


_NO_HOST: Final = re.compile(r"[\x00-\x20\x7f\"#%/:<>?@\[\\\]^`{|}]")


def _mapped(host: str) -> str:
    """A host as UTS #46 maps it for browsers: a sharp s stays (not transitional), and so do hyphens, underscores and
    symbols; IDNAError for characters that no name may have."""
    return idna.uts46_remap(host, std3_rules=False, transitional=False)


def _ascii_label(label: str) -> str:
    """A label of a mapped host in ASCII; IDNAError where its letters may not stand so."""
    if label.isascii():
        return label
    joiners = any(c in "\u200c\u200d" and not idna.valid_contextj(label, at) for at, c in enumerate(label))
    if joiners or unicodedata.category(label[0])[0] == "M":
        raise idna.IDNAError(label)
    if any(unicodedata.bidirectional(c) in ("R", "AL", "AN") for c in label):
        idna.check_bidi(label)
    return "xn--" + label.encode("punycode").decode("ascii")


def has_scheme(reference: str) -> bool:
    """Whether a reference names a scheme that leads nowhere on the web: `javascript:`, `file:`, `blob:`, ...; `about:`
    is an empty page, and not one of them."""
    found = _SCHEME.match(reference.strip(_STRIP))
    return found is not None and found.group().lower() not in ("http:", "https:", "about:", "data:")


_HOST: Final = re.compile(r"\s*(?:https?:)?//([^/?#\s]+)", re.I)


def host_of(url: str) -> str:
    """The host that an absolute or protocol-relative URL names, port and all, as written; '' for any other."""
    found = _HOST.match(url)
    return found.group(1).lower() if found else ""


def base_url(page_url: str, base_href: str | None) -> str:
    """The URL that relative references are resolved against."""
    if base_href is None:
        return page_url
    return resolve(page_url, base_href) or page_url
