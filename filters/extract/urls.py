"""URLs as a browser resolves them: white space, backslashes, non-ASCII, already escaped parts, ports, `<base>`."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final
from urllib.parse import quote, urljoin, urlsplit, urlunsplit

MAX_URL: Final = 4_000
"""Characters of a URL that is still taken; browsers and servers stop between 2,000 and 8,000."""

_STRIP: Final = "".join(map(chr, range(33)))
_NEWLINES: Final = re.compile(r"[\t\n\r]")
_SCHEME: Final = re.compile(r"[a-zA-Z][a-zA-Z0-9+.\-]*:")
_CLEAN: Final = re.compile(
    r"https?://[a-z0-9.\-]+(?::(?!80/|443/)[0-9]+)?/[!$&-;=@-Z_a-z~%]*(?:\?[!$&-;=@-Z_a-z~%?\[\]/]*)?\Z"
)
_BAD_ESCAPE: Final = "!$%&'()*+,/:;=@~-._[]|"
_DEFAULT_PORT: Final = {"http": ":80", "https": ":443"}


def resolve(base: str, reference: str, charset: str = "utf-8") -> str | None:
    """The absolute http(s) URL that a browser asks for, or None where there is none.

    Path and fragment are escaped as UTF-8, the query in the encoding of the page; what is escaped already stays;
    the host becomes lower case and ASCII (IDNA); a default port goes; `data:` and other schemes give None.
    """
    reference = reference.strip(_STRIP)
    if _CLEAN.match(reference) and "/." not in reference and len(reference) <= MAX_URL:
        return reference
    if reference and "/." not in reference and len(reference) <= MAX_URL and reference[0] not in ".?#":
        scheme_part, origin, folder = _origin(base)
        if reference.startswith("//"):
            whole = scheme_part + reference
        elif reference[0] == "/":
            whole = origin + reference
        else:
            whole = "" if ":" in reference else folder + reference
        if _CLEAN.match(whole):
            return whole
    if "\n" in reference or "\t" in reference or "\r" in reference:
        reference = _NEWLINES.sub("", reference)
    if len(reference) > MAX_URL:
        return None
    scheme = _SCHEME.match(reference)
    if scheme and scheme.group()[:-1].lower() not in ("http", "https"):
        return None
    if "\\" in reference:
        head, mark, query = reference.partition("?")
        reference = head.replace("\\", "/") + mark + query
    if scheme and reference[scheme.end() : scheme.end() + 1] == "/":
        # `http:/host` and `http:///host` are `http://host` in a browser
        reference = scheme.group() + "//" + reference[scheme.end() :].lstrip("/")
    elif scheme:
        rest = reference[scheme.end() :]
        same = base[: scheme.end()].lower() == scheme.group().lower()
        reference = rest if same else scheme.group() + "//" + rest
    elif reference.startswith("///"):
        reference = "//" + reference.lstrip("/")
    try:
        joined = urljoin(base, reference)
        return joined if _CLEAN.match(joined) else _normalise(joined, charset)
    except (ValueError, UnicodeError):
        return None


@lru_cache(maxsize=1_024)
def _origin(base: str) -> tuple[str, str, str]:
    """`https:`, `https://host` and `https://host/folder/` of a base; one a page, so the last thousand pages are
    remembered."""
    try:
        parts = urlsplit(base)
    except ValueError:  # `http://[`: nothing can be resolved against it
        return "", "", ""
    origin = f"{parts.scheme}://{parts.netloc}"
    folder = parts.path.rpartition("/")[0]
    return f"{parts.scheme}:", origin, "" if "/." in folder else f"{origin}{folder}/"


def _normalise(url: str, charset: str) -> str | None:
    """Escape and lower-case what a browser does; None for a URL without a host."""
    parts = urlsplit(url)
    scheme = parts.scheme.lower()
    if scheme not in ("http", "https") or not parts.hostname:
        return None
    host = _ascii_host(parts.hostname)
    if host is None:
        return None
    port = f":{parts.port}" if parts.port is not None else ""
    user = parts.netloc.rpartition("@")[0]
    netloc = (quote(user, safe=_BAD_ESCAPE) + "@" if user else "") + host
    netloc += "" if port == _DEFAULT_PORT[scheme] else port
    path = quote(parts.path, safe=_BAD_ESCAPE) or "/"
    query = parts.query
    if query:
        query = quote(_encode(query, charset), safe=_BAD_ESCAPE + "?{}^`\\")
    return urlunsplit((scheme, netloc, path, query, ""))


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
    host = host.lower()
    if ":" in host:
        return f"[{host}]"
    if not host.isascii():
        try:
            host = host.encode("idna").decode("ascii")
        except UnicodeError:
            return None
    return None if re.search(r"[\s<>^`{|}%\"]", host) else host


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
