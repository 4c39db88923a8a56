"""Text measures: ours against datatrove's filters on the same texts, CPU time of one thread, in one run.

    python benchmarks/text/run.py [--warc ../shared/corpus/pages] [--documents 300] [--repeat 3] [--out DIR]

Ours: all measures of `filters.text.measures`, of every document and of every node, and the judgement of the rule sets.
datatrove's (own environment, benchmarks/peers): Gopher repetition, Gopher quality, C4 quality and FineWeb quality on
every document. Both get the same texts, extracted by weft; pages in scripts without spaces are left out, as datatrove
is asked for English words. Passes alternate; the ratio is that of the fastest passes. Prints agreement by rule too.
Target (issue on text): at least 5 times datatrove's documents per CPU-second.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from benchmarks.peers.environment import python_of
from filters.text import load_lists, measure_batch
from filters.text.word_lists import UNSPACED

ROOT = Path(__file__).resolve().parents[2]
SKIPPED = frozenset({*UNSPACED, "ko", "und"})


def pages(folder: Path, limit: int, skipped: frozenset[str] = SKIPPED) -> list[dict[str, object]]:
    """Documents of the archives in a folder: url, language, texts."""
    from fastwarc.warc import ArchiveIterator, WarcRecordType

    from filters import language
    from filters.extract import extract

    identifier = language.load()
    found: list[dict[str, object]] = []
    for path in sorted(folder.glob("*.warc.gz")):
        with path.open("rb") as stream:
            for record in ArchiveIterator(stream, record_types=WarcRecordType.response, parse_http=True):
                url = record.headers["WARC-Target-URI"]
                texts = [node.text for node in extract(record.reader.read(), url).nodes if node.text]
                label, _ = identifier.identify("\n".join(texts))
                if texts and label not in skipped:
                    found.append({"url": url, "language": label, "texts": texts})
                if len(found) == limit:
                    return found
    return found


def ours(documents: list[dict[str, object]]) -> float:
    """CPU seconds of one pass, objects included."""
    lists = load_lists()
    texts = [document["texts"] for document in documents]
    languages = [str(document["language"]) for document in documents]
    start = time.process_time()
    for first in range(0, len(texts), 64):
        list(measure_batch(texts[first : first + 64], languages[first : first + 64], lists).rows())  # type: ignore[arg-type]
    return time.process_time() - start


def main() -> None:
    """Run both sides in turn."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--warc", type=Path, default=ROOT.parent / "shared/corpus/pages")
    parser.add_argument("--documents", type=int, default=300)
    parser.add_argument("--repeat", type=int, default=3)
    options = parser.parse_args()
    peer = python_of("datatrove")
    documents = pages(options.warc, options.documents)
    characters = sum(len(text) for document in documents for text in document["texts"])  # type: ignore[attr-defined]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "texts.jsonl"
        file.write_text("\n".join(json.dumps(document) for document in documents) + "\n", "utf-8")
        script = str(Path(__file__).with_name("peer_datatrove.py"))
        our_seconds, their_seconds = [], []
        ours(documents[:64])
        for _ in range(options.repeat):
            our_seconds.append(ours(documents))
            out = subprocess.run([str(peer), script, str(file), "1"], check=True, capture_output=True).stdout
            their_seconds += json.loads(out)["seconds"]
    a, b = min(our_seconds), min(their_seconds)
    print(f"{len(documents)} documents, {characters:,} characters")
    print(f"ours       {len(documents) / a:8.0f} documents / CPU-s   passes {our_seconds}")
    print(f"datatrove  {len(documents) / b:8.0f} documents / CPU-s   passes {their_seconds}")
    print(f"ratio {b / a:.1f}")


if __name__ == "__main__":
    main()
