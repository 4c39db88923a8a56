"""Decisions of our rules against datatrove's filters under the same thresholds, document by document.

    python benchmarks/text/agreement.py [--warc ../shared/corpus/pages] [--documents 1000]

Three times: given datatrove's own words (so that only the measures differ), with ours, and given its words on texts in
lower case with lines stripped, which is how our hashes see texts: so differences of case and indentation show. Prints,
for each filter, how many documents each side drops, how many both agree on, and the documents that differ given the
same words. Target (issue on text): 99.9 % of documents given the same words, each difference explained.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from benchmarks.peers.environment import python_of
from benchmarks.text.run import ROOT, pages
from filters.text import DocumentRules, load_lists, measure_batch
from filters.text.rule_sets import FINEWEB, GOPHER_QUALITY, GOPHER_REPETITION
from filters.text.rules import broken

RULES: dict[str, tuple[str, dict[str, float]]] = {
    "gopher_repetition": ("gopher_repetition", GOPHER_REPETITION),
    "gopher_quality": ("gopher_quality", GOPHER_QUALITY),
    "fineweb": ("fineweb", FINEWEB),
}
COUNTED = ("min_words", "max_words", "min_mean_word_length", "max_mean_word_length")
"""Bounds on words that are not only punctuation; the others count all of datatrove's words."""


def ask(documents: list[dict[str, Any]]) -> dict[str, Any]:
    """datatrove's decisions and words."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "texts.jsonl"
        file.write_text("\n".join(json.dumps(document) for document in documents) + "\n", "utf-8")
        script = Path(__file__).with_name("peer_datatrove.py")
        command = [str(python_of("datatrove")), str(script), str(file), "1", "--words"]
        answer: dict[str, Any] = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
        return answer


def break_bounds(texts: list[str], words: list[list[str]] | None) -> list[set[str]]:
    """Which bounds of all three sets each text breaks."""
    lists = load_lists()
    every = DocumentRules(**(GOPHER_QUALITY | GOPHER_REPETITION))  # type: ignore[arg-type]
    fineweb = DocumentRules(**FINEWEB)  # type: ignore[arg-type]

    def measured(given: list[list[str]] | None) -> list[Any]:
        shaped = [[own] for own in given] if given is not None else None
        return [m for m, _ in measure_batch([[t] for t in texts], ["en"] * len(texts), lists, words=shaped).rows()]

    found = []
    for row in measured(words):
        ours = {f"gopher.{name}" for name in broken(row, every)}
        found.append(ours | {f"fineweb.{name}" for name in broken(row, fineweb)})
    if words is not None:  # word counts without what is only punctuation
        solid = [[word for word in own if any(char.isalnum() for char in word)] for own in words]
        for names, row in zip(found, measured(solid), strict=True):
            names -= {f"gopher.{name}" for name in COUNTED}
            names |= {f"gopher.{name}" for name in broken(row, every) if name in COUNTED}
    return found


def compare(
    title: str, peer: dict[str, Any], ours: list[set[str]], documents: list[dict[str, Any]], show: bool
) -> None:
    """Print the agreement of each filter."""
    print(f"\n{title}")
    for place, name in enumerate(peer["filters"]):
        if name not in RULES:
            continue
        prefix = "fineweb" if name == "fineweb" else "gopher"
        bounds = {f"{prefix}.{bound}" for bound in RULES[name][1]}
        theirs = [answer[place] for answer in peer["decisions"]]
        mine = [names & bounds for names in ours]
        differ = [i for i, reason in enumerate(theirs) if (reason is not None) != bool(mine[i])]
        agree = 1 - len(differ) / len(theirs)
        print(f"  {name:18} datatrove drops {sum(r is not None for r in theirs):4}, ours {sum(map(bool, mine)):4},"
              f" agree on {agree:.2%} of {len(theirs)}")  # fmt: skip
        only = Counter(f"datatrove {theirs[i]}" if theirs[i] else f"ours {sorted(mine[i])[0]}" for i in differ)
        if only:
            print(f"      only one of them: {dict(only.most_common())}")
        for i in differ[:20] if show else ():
            print(f"      {documents[i]['url'][-60:]}: datatrove {theirs[i]}, ours {sorted(mine[i])}")


def main() -> None:
    """Compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--warc", type=Path, default=ROOT.parent / "shared/corpus/pages")
    parser.add_argument("--documents", type=int, default=1_000)
    options = parser.parse_args()
    documents = pages(options.warc, options.documents)
    texts = ["\n".join(document["texts"]) for document in documents]  # type: ignore[arg-type]
    peer = ask(documents)
    compare("given datatrove's words", peer, break_bounds(texts, peer["words"]), documents, True)
    compare("with our words", peer, break_bounds(texts, None), documents, False)
    folded = [fold(text) for text in texts]
    peer = ask([{"texts": [text]} for text in folded])
    title = "given datatrove's words, texts in lower case and lines without white space around them"
    compare(title, peer, break_bounds(folded, peer["words"]), documents, True)


def fold(text: str) -> str:
    """The text as our hashes see it: what still differs on such texts is no matter of case or indentation."""
    lines = (line.strip() for line in text.lower().splitlines())
    return "\n".join(line for line in lines if line)


if __name__ == "__main__":
    main()
