"""What a reason of the funnel means, and where its examples stand when they do not stand beside it."""

from __future__ import annotations

from schemas.reasons import meanings

_ENUMS = {
    "record": "RecordReason",
    "document": "DocumentReason",
    "node": "NodeReason",
    "reference": "ReferenceReason",
    "url": "UrlReason",
    "file": "FileReason",
}
_PREFIXES = {"url": "UrlReason", "fetch": "FetchStatus", "file": "FileReason"}
"""A reference says which of its parts was dropped; so does a URL of step 04."""
_OF = {"document": "its document was dropped", "url": "its address", "fetch": "asked for", "file": "its file"}


def meaning(unit: str, reason: str) -> str:
    """What a reason of a unit says, in words; empty for one that is not known."""
    prefix, _, last = reason.rpartition(":")
    if reason == "document" and unit != "document":
        return _OF["document"]
    said = meanings()[_PREFIXES.get(prefix, _ENUMS[unit])].get(last, "")
    return f"{_OF[prefix]}: {said}" if prefix in _PREFIXES and said else said


def elsewhere(unit: str, step: str, reason: str) -> tuple[str, str] | None:
    """(unit, step) of the examples of a reason that is counted here and told there, None where that is here."""
    prefix = reason.rpartition(":")[0]
    if reason == "document":
        there = ("document", step)
    elif (unit, reason) == ("reference", "opted_out"):
        there = ("url", "03_links")
    elif prefix:
        there = ("url", "03_links" if prefix == "url" else "04_images")
    else:
        return None
    return None if there == (unit, step) else there
