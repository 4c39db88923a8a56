"""A sample of dropped and of kept documents to look at: which of them were judged wrongly?

    python benchmarks/text/audit.py [--rules weft] [--warc ../shared/corpus/pages] [--each 100] [--seed 1]

Prints one line a document: reason, language, words, end of the URL, beginning of the text. Pages are extracted and
measured here; documents without text are left out, as no text rule decides on them.
"""

from __future__ import annotations

import argparse
import random
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from benchmarks.text.run import ROOT, pages
from filters.text import Config, document_rules, judge_document, load_lists, measure_batch


def main() -> None:
    """Draw the sample."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rules", default="weft")
    parser.add_argument("--warc", type=Path, default=ROOT.parent / "shared/corpus/pages")
    parser.add_argument("--each", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    rules = Config(rules=options.rules).resolve()
    documents = pages(options.warc, 1_000_000, skipped=frozenset())
    texts = [document["texts"] for document in documents]
    languages = [str(document["language"]) for document in documents]
    lines: dict[bool, list[str]] = {True: [], False: []}
    measured = measure_batch(texts, languages, load_lists()).rows()  # type: ignore[arg-type]
    for document, language, (measures, _) in zip(documents, languages, measured, strict=True):
        reason = judge_document(measures, document_rules(rules, language))
        start = " / ".join(document["texts"])[:110].replace("\n", " ")  # type: ignore[arg-type]
        kept = reason is None
        lines[kept].append(
            f"{reason or 'kept':20} {language:3} {measures.num_words:6} {document['url'][-60:]} | {start}"
        )  # type: ignore[index]
    chance = random.Random(options.seed)
    for kept, title in ((False, "dropped"), (True, "kept")):
        print(f"\n{title}: {len(lines[kept])} of {len(documents)}")
        for line in chance.sample(lines[kept], min(options.each, len(lines[kept]))):
            print(line)


if __name__ == "__main__":
    main()
