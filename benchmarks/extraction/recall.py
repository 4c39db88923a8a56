"""Share of the gold's images that mode `recall` finds, and what became of the others.

python benchmarks/extraction/recall.py [--gold ../shared/gold]
"""

from __future__ import annotations

import argparse
import gzip
import sys
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from benchmarks.extraction.score_one import load_scorer  # noqa: E402
from filters.extract import extract  # noqa: E402

TARGET = 0.99


def main() -> int:
    """Print each image that is missed, its reason, and the share; 1 where the target is missed."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--gold", type=Path, default=ROOT.parent / "shared" / "gold")
    gold = options.parse_args().gold
    scorer = load_scorer(gold)
    total = found = extra = 0
    reasons: Counter[str] = Counter()
    for row in scorer.rows(gold, "readability", None):
        folder = gold / "readability" / row["name"]
        url = scorer.READABILITY_URL
        want = set(scorer.before(scorer.gold_nodes((folder / "expected.html").read_bytes(), url)))
        document = extract(gzip.decompress((folder / "source.html.gz").read_bytes()), url, "recall")
        got = {scorer.image_key(node.image_url) for node in document.nodes if node.image_url}
        dropped = {scorer.image_key(image.url): image.reason.value for image in document.dropped}
        total, found, extra = total + len(want), found + len(want & got), extra + len(got - want)
        for key in sorted(want - got):
            reasons[dropped.get(key, "not seen")] += 1
            print(f"  {row['name']:28} {dropped.get(key, 'not seen'):16} {key[-80:]}")
    print(f"{found} of {total} images of the gold found: {found / total:.4f} (target {TARGET}); {extra} others kept")
    print(f"missed by reason: {dict(reasons)}")
    return 0 if found / total >= TARGET else 1


if __name__ == "__main__":
    raise SystemExit(main())
