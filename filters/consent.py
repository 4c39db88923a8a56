"""What a page says about its use for training: meta tags, headers of its response, reservations of text mining.

Signals: `noai`, `noml`, `noimageai`, `noimageindex`, `noindex` (meta robots and X-Robots-Tag, for any agent that is
named or none) and `tdm_reservation` (TDM Reservation Protocol, W3C community group, 2024). Each is recorded with
where it stood: `meta:noai`, `header:noimageai`, ...
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

SIGNALS: Final = ("noai", "noml", "noimageai", "noimageindex", "noindex", "tdm_reservation")
_DIRECTIVES: Final = {
    "noai": "noai",
    "noml": "noml",
    "noimageai": "noimageai",
    "noimageindex": "noimageindex",
    "noindex": "noindex",
    "none": "noindex",
}
_ROBOT_NAME: Final = re.compile(
    r"(?:^|[-_])(?:robots?|bot|googlebot|bingbot|slurp|crawler|spider|ccbot|gptbot|ai)$|bot$|^robots", re.I
)
_VALUED: Final = re.compile(r"\b(?:max-[a-z-]+|unavailable_after)\s*:\s*[^,;\s]*")
"""Directives with a value, whose `none` forbids a preview and no index (`max-image-preview:none`)."""
_OPTS_OUT: Final = frozenset(("noai", "noml", "tdm_reservation"))
_IMAGES: Final = frozenset(("noimageai", "noimageindex"))


def robots_directives(value: str) -> list[str]:
    """The signals in one value of meta robots or X-Robots-Tag: `otherbot: noai, noimageai` holds two."""
    found = []
    for part in re.split(r"[,;\s]+", _VALUED.sub(" ", value.lower())):
        signal = _DIRECTIVES.get(part.rpartition(":")[2].strip())
        if signal and signal not in found:
            found.append(signal)
    return found


def consent_of(
    metas: Iterable[tuple[str, str]], robots_headers: Sequence[str] = (), tdm_header: str | None = None
) -> tuple[str, ...]:
    """Signals as `where:signal`, sorted as in `SIGNALS`, of the page's (name, content) metas and response headers."""
    found: set[str] = set()
    for name, content in metas:
        key = name.strip().lower()
        if key == "tdm-reservation" and content.strip() == "1":
            found.add("meta:tdm_reservation")
        elif "no" in content.lower() and _ROBOT_NAME.search(key):
            found.update(f"meta:{signal}" for signal in robots_directives(content))
    for header in robots_headers:
        found.update(f"header:{signal}" for signal in robots_directives(header))
    if tdm_header is not None and tdm_header.strip() == "1":
        found.add("header:tdm_reservation")
    return tuple(sorted(found, key=lambda s: (SIGNALS.index(s.partition(":")[2]), s)))


def opts_out(consent: Sequence[str]) -> bool:
    """Whether the page as a whole may not be used: noai, noml or a reservation of text and data mining."""
    return any(signal.partition(":")[2] in _OPTS_OUT for signal in consent)


def images_opt_out(consent: Sequence[str]) -> bool:
    """Whether its images may not be used: noimageai, noimageindex, or the page as a whole."""
    return opts_out(consent) or any(signal.partition(":")[2] in _IMAGES for signal in consent)
