"""Read, decode, extract and identify the language of the corpus, against gunzip and lexbor's parse of the same pages.

    python benchmarks/extraction/corpus.py [--corpus ../shared/corpus/pages] [--pages 1100]

CPU seconds a page of one process; the target is at most ten times those of gunzip and parse.
"""

from __future__ import annotations

import argparse
import gzip
import io
import sys
import time
from pathlib import Path

from selectolax.lexbor import LexborHTMLParser

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from filters import language  # noqa: E402
from filters.extract import extract  # noqa: E402
from pipeline.archive.config import Config  # noqa: E402
from pipeline.archive.inputs import expand, read_input  # noqa: E402
from pipeline.archive.record import Page  # noqa: E402

TARGET = 10.0


def main() -> int:
    """Print both times and their ratio; 1 where the target is missed."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--corpus", type=Path, default=ROOT.parent / "shared" / "corpus" / "pages")
    options.add_argument("--pages", type=int, default=1_100)
    arguments = options.parse_args()
    identifier = language.load()
    config = Config()
    bodies: list[bytes] = []
    extracting = naming = 0.0
    start = time.process_time()
    for item in expand([str(arguments.corpus)], config):
        for record in read_input(item, config):
            if not isinstance(record, Page) or len(bodies) >= arguments.pages:
                continue
            before = time.process_time()
            document = extract(record.body, record.url, http_charset=record.http_charset)
            between = time.process_time()
            identifier.identify("\n".join(node.text for node in document.nodes if node.text))
            extracting += between - before
            naming += time.process_time() - between
            bodies.append(record.body)
    ours = (time.process_time() - start) / len(bodies)
    zipped = [gzip.compress(body) for body in bodies]
    start = time.process_time()
    for body in zipped:
        LexborHTMLParser(gzip.GzipFile(fileobj=io.BytesIO(body)).read())
    floor = (time.process_time() - start) / len(bodies)
    n = len(bodies)
    print(f"{n} pages, {sum(map(len, bodies)) / n / 1000:.0f} kB each")
    print(f"read, decode, extract, identify   {ours * 1e3:.2f} ms a page")
    print(f"  of these extract {extracting / n * 1e3:.2f} ms, language {naming / n * 1e3:.2f} ms")
    print(f"gunzip and lexbor parse           {floor * 1e3:.2f} ms a page")
    print(f"ratio {ours / floor:.1f} (target at most {TARGET:.0f})")
    return 0 if ours / floor <= TARGET else 1


if __name__ == "__main__":
    raise SystemExit(main())
