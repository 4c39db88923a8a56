"""Whether the attributes of an element hide it from a reader: `hidden`, `aria-hidden`, and the styles that pages use.

Only an element's own markup is read, no style sheet. The styles are those by which templates hide what is for screen
readers or scripts, gathered from the pages of the gold; each says plainly that nothing is seen.
"""

from __future__ import annotations

import re
from typing import Final

from filters.extract.tree import value_at

_HIDING_STYLE: Final = re.compile(
    r"[\";\s](?:display\s*:\s*none|visibility\s*:\s*hidden|(?:left|top|text-indent|margin-left)\s*:\s*-\d{3,}|"
    r"font-size\s*:\s*0(?:px)?[;\"]|clip\s*:\s*rect\(0(?:px)?[\s,]+0(?:px)?[\s,]+0(?:px)?[\s,]+0|"
    r"clip-path\s*:\s*inset\((?:50|100)%)",
    re.I,
)
_FLAT: Final = re.compile(r"[\";\s](?:max-)?(?:height|width)\s*:\s*(?:0[a-z%]*|1px)\s*(?:!important\s*)?[;\"]", re.I)
_CUT_OFF: Final = re.compile(r"[\";\s]overflow(?:-[xy])?\s*:\s*(?:hidden|clip)", re.I)
_PADDED: Final = re.compile(r"[\";\s]padding(?:-top|-bottom)?\s*:\s*[^\";]*[1-9]", re.I)
"""A box without height that cuts off what it holds; one with padding is as high as its picture."""
_FADED_STYLE: Final = re.compile(r"[\";\s]opacity\s*:\s*0?(?:0|\.0\d*)\s*(?:!important\s*)?[;\"]", re.I)
_MOVING: Final = re.compile(
    r"transition|animat|transform|will-change|data-w-id|data-(?:aos|sr|scroll|motion|framer)|"
    r"[\" \-_](?:fade|reveal|aos|wow|gsap|lazy|appear|motion)",
    re.I,
)
"""What tells that a script lets a transparent element appear when the reader comes to it (the libraries for that)."""


def is_hidden(raw: str) -> bool:
    """Whether the attributes say that a reader does not see the element."""
    if ' hidden="' in raw and ' hidden="until-found"' not in raw:
        return True
    if ' aria-hidden="true"' in raw and "fallback-image" not in raw:
        return True
    style = _style_of(raw)
    if not style:
        return False
    return bool(_HIDING_STYLE.search(style)) or bool(
        _FLAT.search(style) and _CUT_OFF.search(style) and not _PADDED.search(style)
    )


def is_faded(raw: str) -> bool:
    """Whether an element is transparent, and no script seems to change that."""
    style = _style_of(raw)
    return bool(style and _FADED_STYLE.search(style) and not _MOVING.search(raw))


def _style_of(raw: str) -> str:
    """The style of a serialised tag with its quotation marks, or ''."""
    start = raw.find(' style="') + 7
    return raw[start : start + len(value_at(raw, start + 1)) + 2] if start >= 7 else ""
