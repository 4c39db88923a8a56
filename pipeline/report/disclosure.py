"""What of a dropped thing may be seen in a report: its picture, its address, or only the reason and measures.

Lists of what may be shown, not of what may not: a reason that nobody has thought about here shows a grey box without an
address. Pictures are shown only of files that were scored safe where the recipe names a model (the judge of files asks
for safety first, so a file with any other reason, or none, is safe), and that no consent signal or list was against.
"""

from __future__ import annotations

from collections.abc import Iterable

from schemas.reasons import DocumentReason, FetchStatus, FileReason, ReferenceReason, UrlReason

_PICTURE = frozenset(
    {
        *(
            f"file:{reason}"
            for reason in (
                FileReason.FORMAT,
                FileReason.TOO_SMALL,
                FileReason.TOO_LARGE,
                FileReason.ASPECT,
                FileReason.ANIMATED,
                FileReason.SINGLE_COLOUR,
                FileReason.LOW_ENTROPY,
                FileReason.BLURRED,
            )
        ),
        ReferenceReason.DUPLICATE_IN_DOCUMENT,
        ReferenceReason.REPEATED_ON_SITE,
        ReferenceReason.REPEATED_IN_CORPUS,
        ReferenceReason.SURPLUS,
        ReferenceReason.LOW_SCORE,
    }
)

_NO_BYTES = frozenset(
    {
        "not_judged",
        *(
            reason
            for reason in ReferenceReason
            if reason not in _PICTURE and reason not in (ReferenceReason.OPTED_OUT, ReferenceReason.DOCUMENT)
        ),
        *(
            f"url:{reason}"
            for reason in (
                UrlReason.SCHEME,
                UrlReason.TOO_LONG,
                UrlReason.BANNED_WORD,
                UrlReason.EXTENSION,
                UrlReason.HOST_LIMIT,
            )
        ),
        *(
            f"fetch:{status}"
            for status in FetchStatus
            if status
            not in (FetchStatus.ROBOTS, FetchStatus.OPTED_OUT, FetchStatus.BLOCKED_BY_LIST, FetchStatus.FORGOTTEN)
        ),
    }
)
"""Reasons of extraction, of rules on URLs and of servers: no bytes ever came, so there is nothing to withhold."""

_NAMELESS = frozenset({UrlReason.BLOCKED, FetchStatus.BLOCKED_BY_LIST, DocumentReason.FORGOTTEN})
"""The last word of reasons whose address is not written down: a list named it, or it was to be forgotten."""


def _named(reasons: Iterable[str]) -> frozenset[str]:
    return frozenset(reason for reason in map(str, reasons) if reason.rsplit(":", 1)[-1] not in _NAMELESS)


_ADDRESS = _named(
    [
        *ReferenceReason,
        *(f"url:{reason}" for reason in UrlReason),
        *(f"fetch:{status}" for status in FetchStatus),
        *(f"file:{reason}" for reason in FileReason),
    ]
)

_PAGE_ADDRESS = _named(DocumentReason)


def shows_picture(reason: str | None) -> bool:
    """Whether a picture with this reason (None = kept) may be drawn."""
    return reason is None or reason in _PICTURE


def withholds(reason: str | None) -> bool:
    """Whether a picture with this reason is kept from sight, rather than not there."""
    return not shows_picture(reason) and reason not in _NO_BYTES


def shows_address(reason: str | None) -> bool:
    """Whether the URL of an image with this reason may be written down: not where a list matched it."""
    return reason is None or reason in _ADDRESS


def shows_page_address(reason: str | None) -> bool:
    """Whether the URL of a page with this reason may be written down."""
    return reason is None or reason in _PAGE_ADDRESS


def shows_text(reason: str | None) -> bool:
    """Whether an excerpt of a page with this reason may be read: not of one that opted out or that a list named."""
    return reason is None or (reason in _PAGE_ADDRESS and reason != DocumentReason.OPTED_OUT)
