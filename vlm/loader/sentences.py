"""Where a sentence ends, for cutting paragraphs that are longer than a pack."""

from __future__ import annotations

import re

_END = re.compile(r"[.!?\u2026]+[\"'\u2019\u201d)\]]*\s+|[\u3002\uff01\uff1f]+[\u300d\u300f\u201d]*|\n+|[.!?]+$")


def sentence_ends(text: str) -> list[int]:
    """Character positions right after each sentence and its trailing space, rising, each inside (0, len(text)).

    A full stop, question or exclamation mark followed by space, their CJK forms, or a line break. Abbreviations are
    taken for ends too: a cut after `Dr.` costs one odd piece of a paragraph that had to be cut anyway.
    """
    ends = [m.end() for m in _END.finditer(text)]
    return [e for e in ends if 0 < e < len(text)]
