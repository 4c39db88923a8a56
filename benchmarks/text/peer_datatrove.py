"""datatrove's side of benchmarks/text/run.py; runs in datatrove's own environment.

    python peer_datatrove.py TEXTS.jsonl REPEATS [--words]

Reads documents {"texts": [...]}; runs Gopher repetition, Gopher quality, C4 and FineWeb filters on each, whatever the
others said, as weft takes every measure of every document. Prints JSON: CPU seconds of each pass and each filter's
decisions; with --words also datatrove's words of each document.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

from datatrove.data import Document
from datatrove.pipeline.filters import (
    C4QualityFilter,
    FineWebQualityFilter,
    GopherQualityFilter,
    GopherRepetitionFilter,
)
from datatrove.utils.text import split_into_parts, split_into_words

FILTERS = {
    "gopher_repetition": GopherRepetitionFilter,
    "gopher_quality": GopherQualityFilter,
    "fineweb": FineWebQualityFilter,
    "c4": C4QualityFilter,  # last: it rewrites the text
}


def judge(filters: dict[str, Any], text: str) -> list[str | None]:
    """The reason of each filter, None = kept; "error" where a filter fails on the text."""
    found: list[str | None] = []
    document = Document(text=text, id="")
    for step in filters.values():
        try:
            answer = step.filter(document)
        except (ZeroDivisionError, IndexError):
            found.append("error")
            continue
        found.append(None if answer is True else answer[1])
        document.text = text
    return found


def main() -> None:
    """Time the passes, print what came out."""
    texts = ["\n".join(json.loads(line)["texts"]) for line in Path(sys.argv[1]).read_text("utf-8").splitlines()]
    filters = {name: make() for name, make in FILTERS.items()}
    judge(filters, texts[0])
    seconds, decisions = [], []
    for _ in range(int(sys.argv[2])):
        split_into_parts.cache_clear()
        start = time.process_time()
        decisions = [judge(filters, text) for text in texts]
        seconds.append(time.process_time() - start)
    result: dict[str, Any] = {"seconds": seconds, "filters": list(FILTERS), "decisions": decisions}
    if "--words" in sys.argv:
        result["words"] = [split_into_words(text) for text in texts]
    json.dump(result, sys.stdout)


if __name__ == "__main__":
    main()
