"""Write filters/text/flagged_words.tsv from the npm package naughty-words (LDNOOBW's lists, CC-BY-4.0), as hashes.

    npm pack naughty-words@1.2.0 && tar xzf naughty-words-1.2.0.tgz
    python benchmarks/text/make_flagged_words.py package

Hashes, because a repository need not spell the words out to count them. Left out: languages without spaces (their words
are not cut as the lists are), Klingon, Kabyle and Quebec French.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from filters.text.word_lists import UNSPACED, entries

SKIPPED = UNSPACED | {"tlh", "kab", "fr-CA-u-sd-caqc"}
NAMES = {"fil": "tl"}
OUT = Path(__file__).resolve().parents[2] / "filters/text/flagged_words.tsv"
HEAD = "# language, words of the run, hash of the run; LDNOOBW (CC-BY-4.0) by npm naughty-words 1.2.0; docs/licences.md"


def main(folder: Path) -> None:
    """Read every list of the package, write the table."""
    lines: set[str] = set()
    for file in sorted(folder.glob("*.json")):
        if file.stem.startswith("package") or file.stem in SKIPPED or file.stem == "bower":
            continue
        name = NAMES.get(file.stem, file.stem)
        lines.update(f"{name}\t{n}\t{value:016x}" for n, value in entries(json.loads(file.read_text("utf-8"))))
    OUT.write_text("\n".join([HEAD, *sorted(lines)]) + "\n", "ascii")
    print(f"{len(lines)} entries in {OUT}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
