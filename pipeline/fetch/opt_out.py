"""Whether the headers of an image keep it out of training data.

X-Robots-Tag (with or without the name of an agent in front) and the TDM Reservation Protocol's header (W3C
community report, 2022).
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_AGENT = re.compile(r"\s*([A-Za-z0-9_-]+)\s*:\s*(.*)", re.S)
_WITH_VALUE = frozenset({"unavailable_after", "max-snippet", "max-image-preview", "max-video-preview"})


def objection(
    robots_tags: Iterable[str], tdm_reservation: str | None, *, agent: str, directives: Iterable[str]
) -> str | None:
    """The directive that keeps the image out, None if there is none.

    Args:
        robots_tags: values of the X-Robots-Tag headers.
        tdm_reservation: value of the TDM-Reservation header.
        agent: our product token; a tag that names another agent is not for us.
        directives: those that keep an image out, in lower case.
    """
    wanted = {directive.lower() for directive in directives}
    for value in robots_tags:
        named = ""
        for part in value.split(","):
            found = _AGENT.match(part)
            if found and found[1].lower() not in _WITH_VALUE:
                named, part = found[1].lower(), found[2]
            if named in ("", agent, "*") and part.strip().lower() in wanted:
                return part.strip().lower()
    if tdm_reservation is not None and tdm_reservation.strip() == "1":
        return "tdm-reservation"
    return None
