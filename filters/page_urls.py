"""Page URLs in one form, so that later captures of a page are found, and the site that a page belongs to.

Nothing here raises: a URL that cannot be read is its own canonical form, and its site is its host or "".
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from typing import Any, Final
from urllib.parse import quote, unquote_to_bytes, urlsplit

_DEFAULT_PORTS: Final = {"http": 80, "https": 443}

_TRACKING: Final = re.compile(
    r"utm_\w+|(?:gcl|fbcl|gbra|wbra|dcl|msclk|ttcl|twcl|igsh|yclk|ycl|li_fat_|ef_|epik|s_k|vero_|oly_enc_|oly_anon_)id"
    r"|gclsrc|igshid|igsh|fb_(?:action_ids|action_types|source|ref)|mc_[ce]id|_hs(?:enc|mi)|__hs\w+|hsctatracking"
    r"|mkt_tok|_ga|_gl|_openstat|yclid|ysclid|wickedid|rb_clickid|ga_(?:source|medium|term|content|campaign|place)"
    r"|pk_(?:campaign|kwd|source|medium|keyword|content|cid)|mtm_\w+|matomo_\w+|piwik_\w+|hmb_\w+|wt_?(?:zmc|mc)"
    r"|at_(?:medium|campaign|custom\d|xt)|spm|scm|cmpid|ncid|icid|itm_\w+|sc_(?:campaign|channel|cid)|trk(?:campaign)?"
    r"|phpsessid|jsessionid|aspsessionid\w*|cfid|cftoken"
)
"""Parameters that say how a reader came or which session it is, never what the page shows. Of the lists of Firefox
(query stripping), ClearURLs and Brave, those whose names mean nothing else: `ref`, `source` and `id`
change pages somewhere."""

_SESSION_IN_PATH: Final = re.compile(r";(?:jsessionid|phpsessid)=[^/?;]*", re.IGNORECASE)
_PERCENT: Final = re.compile(r"%[0-9a-fA-F]{2}")
_UNSAFE: Final = re.compile(r"[^A-Za-z0-9\-._~!$&'()*+,;=:@/?%\[\]|]")
_DOTS: Final = re.compile(r"/\.{1,2}(?:/|$)")
_UNRESERVED: Final = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")


def canonical(url: str) -> str:
    """The form under which captures of one page are the same.

    Scheme and host in lower case (host in IDNA form, no final dot), no user, no default port, no fragment, `.` and `..`
    resolved, percent-encoding in one form (unreserved characters bare, the others in capitals, UTF-8), tracking and
    session parameters gone. The order of the other parameters, case and final slash of the path stay: servers differ by
    them. `http` and `https` stay apart, as does `www.`. Idempotent.
    """
    try:
        parts = urlsplit(_unwrap(url))
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return url
    scheme = parts.scheme.lower()
    if scheme not in _DEFAULT_PORTS or not host:
        return url
    where = _idna(host.rstrip("."))
    if not where:
        return url
    if port is not None and port != _DEFAULT_PORTS[scheme]:
        where = f"{where}:{port}"
    path = _resolve(_encode(_SESSION_IN_PATH.sub("", parts.path)) or "/")
    query = "&".join(_query(parts.query))
    return f"{scheme}://{where}{path}?{query}" if query else f"{scheme}://{where}{path}"


@lru_cache(maxsize=65_536)
def site_of_host(host: str) -> str:
    """Registrable domain of a host by the public suffix list: `bbc.co.uk`; the host itself where there is none."""
    found = _extractor()(host)
    return str(found.top_domain_under_public_suffix) or host


def site(url: str) -> str:
    """Registrable domain of a URL's host (`user.github.io` counts as one), lower case; "" where there is no host."""
    try:
        host = urlsplit(_unwrap(url)).hostname or ""
    except ValueError:
        return ""
    return site_of_host(_idna(host.rstrip("."))) if host else ""


@cache
def _extractor() -> Any:
    """tldextract on the list that its wheel brings: no network, no cache folder."""
    import tldextract

    return tldextract.TLDExtract(cache_dir=None, suffix_list_urls=(), include_psl_private_domains=True)


def _unwrap(url: str) -> str:
    return url.strip().strip("<>").strip()


def _idna(host: str) -> str:
    """ASCII form of a host, lower case; the host in lower case where it has none."""
    host = host.lower()
    if ":" in host:
        return f"[{host}]"
    if host.isascii():
        return host
    try:
        return host.encode("idna").decode("ascii")
    except UnicodeError:
        return host


def _encode(part: str) -> str:
    """Percent-encoding in one form."""
    if "%" in part:
        part = _PERCENT.sub(_bare, part)
    return _UNSAFE.sub(lambda found: quote(found[0], safe="", errors="replace"), part)


def _bare(found: re.Match[str]) -> str:
    byte = unquote_to_bytes(found[0])
    return byte.decode("ascii") if byte[0] in _UNRESERVED else found[0].upper()


def _resolve(path: str) -> str:
    if not _DOTS.search(path):
        return path
    parts: list[str] = []
    pieces = path.split("/")
    for place, piece in enumerate(pieces):
        if piece == ".." and len(parts) > 1:
            parts.pop()
        elif piece not in (".", ".."):
            parts.append(piece)
            continue
        if place == len(pieces) - 1:
            parts.append("")
    return "/".join(parts)


def _query(query: str) -> list[str]:
    kept = (_encode(piece) for piece in query.split("&") if piece)
    return [piece for piece in kept if not _TRACKING.fullmatch(piece.split("=", 1)[0].lower())]
