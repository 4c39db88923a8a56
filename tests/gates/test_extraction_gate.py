"""The quality of extraction does not fall: floors over our own pages, always, and over the gold pages where they are.

A floor is raised when a score rises (`python tests/gates/test_extraction_gate.py --raise`), and never lowered.
"""

from __future__ import annotations

import importlib.util
import json
import re
import sys
from collections import Counter
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from filters.extract import Document, extract

HERE = Path(__file__).parent
PAGES = sorted((HERE / "pages").glob("*.html"))
FLOORS = HERE / "extraction_floors.json"
GOLD = HERE.parents[2] / "shared" / "gold"
SCORER = HERE.parents[2] / "shared" / "tools" / "extract_eval.py"
NOISE = 0.0005  # a floor is the score at which it was raised, less what a rounding moves


def truth_of(page: Path) -> dict[str, Any]:
    return json.loads(page.with_suffix(".json").read_text(encoding="utf-8"))


def read(page: Path) -> tuple[dict[str, Any], Document]:
    truth = truth_of(page)
    return truth, extract(page.read_bytes(), truth["url"])


def words(text: str) -> Counter[str]:
    return Counter(re.findall(r"\w+", text.lower()))


def f1(got: Counter[str], want: Counter[str]) -> float:
    hit = sum((got & want).values())
    return 2 * hit / max(1, sum(got.values()) + sum(want.values()))


def own_scores() -> dict[str, float]:
    """Mean over the pages of: words, images, and of the images found, those behind the same text as in the truth."""
    text, images, placed = [], [], []
    for page in PAGES:
        truth, found = read(page)
        want = [(role, value) for role, value, *_ in truth["nodes"]]
        got = [("image", n.image_url) if n.image_url else (n.role, n.text) for n in found.nodes]
        text.append(f1(words(joined(got)), words(joined(want))))
        images.append(f1(Counter(pictures(got).keys()), Counter(pictures(want).keys())) if pictures(want) else 1.0)
        both = pictures(got).keys() & pictures(want).keys()
        placed += [pictures(got)[url] == pictures(want)[url] for url in both]
    return {"text": mean(text), "images": mean(images), "placed": mean(placed)}


def mean(values: list[Any]) -> float:
    return sum(values) / len(values)


def joined(nodes: list[tuple[str, Any]]) -> str:
    return " ".join(value for role, value in nodes if role != "image")


def pictures(nodes: list[tuple[str, Any]]) -> dict[str, str]:
    """URL of each image, with the text before it."""
    before, found = "", {}
    for role, value in nodes:
        if role == "image":
            found.setdefault(value, before)
        else:
            before = value
    return found


def gold_scores() -> dict[str, float]:
    result = scorer().evaluate(GOLD, lambda html, url: extract(html, url))
    assert not any(s["errors"] for s in result.values())
    return {
        "readability_text": result["readability"]["f1"],
        "readability_images": result["readability"]["image_f1"],
        "readability_placed": result["readability"]["placed"],
        "scrapinghub_text": result["scrapinghub"]["f1"],
        "trafilatura_snippets": result["trafilatura"]["f1"],
    }


def recall_score() -> float:
    """Share of the gold's images that are among the nodes in mode recall."""
    module = scorer()
    found = total = 0
    for row in module.rows(GOLD, "readability", None):
        folder = GOLD / "readability" / row["name"]
        want = set(module.before(module.gold_nodes((folder / "expected.html").read_bytes(), module.READABILITY_URL)))
        html = module.gzip.decompress((folder / "source.html.gz").read_bytes())
        nodes = extract(html, module.READABILITY_URL, "recall").nodes
        found += len(want & {module.image_key(n.image_url) for n in nodes if n.image_url})
        total += len(want)
    return found / total


def scorer() -> ModuleType:
    spec = importlib.util.spec_from_file_location("extract_eval", SCORER)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_of_ours_gives_the_nodes_that_a_reader_sees(page: Path) -> None:
    truth, found = read(page)
    got = [["image", n.image_url] if n.image_url else [n.role, n.text] for n in found.nodes]
    assert got == [node[:2] for node in truth["nodes"]]
    images = {n.image_url: n for n in found.nodes if n.image_url}
    for node in truth["nodes"]:
        for name, value in (node[2] if len(node) > 2 else {}).items():
            assert getattr(images[node[1]], name) == value
    assert found.charset == truth.get("charset", "utf-8")
    reasons = Counter(image.reason.value for image in found.dropped)
    for reason, count in truth.get("dropped", {}).items():
        assert reasons[reason] == count


def test_the_scores_over_our_own_pages_do_not_fall() -> None:
    assert len(PAGES) >= 30
    floors = json.loads(FLOORS.read_text())["own"]
    for name, score in own_scores().items():
        assert score >= floors[name] - NOISE, name


@pytest.mark.shared
@pytest.mark.skipif(not SCORER.exists(), reason="../shared/gold is not here")
@pytest.mark.slow
def test_the_scores_over_the_gold_pages_do_not_fall() -> None:
    floors = json.loads(FLOORS.read_text())["gold"]
    for name, score in gold_scores().items():
        assert score >= floors[name] - NOISE, name


@pytest.mark.shared
@pytest.mark.skipif(not SCORER.exists(), reason="../shared/gold is not here")
def test_recall_mode_does_not_lose_more_of_the_gold_images() -> None:
    assert recall_score() >= json.loads(FLOORS.read_text())["gold"]["recall_images"] - NOISE


def test_a_score_sees_a_lost_text_and_a_moved_image() -> None:
    nodes = [("paragraph", "one two three"), ("image", "u"), ("paragraph", "four five")]
    assert f1(words(joined(nodes)), words(joined(nodes))) == 1.0
    assert f1(words(joined(nodes[:2])), words(joined(nodes))) == 0.75
    assert pictures(nodes) == {"u": "one two three"}
    assert pictures(nodes[::-1]) == {"u": "four five"}


def raise_floors() -> None:
    floors = json.loads(FLOORS.read_text()) if FLOORS.exists() else {"own": {}, "gold": {}}
    now = {"own": own_scores()}
    if SCORER.exists():
        now["gold"] = gold_scores() | {"recall_images": recall_score()}
    for part, scores in now.items():
        for name, score in scores.items():
            floors[part][name] = max(round(score, 4), floors[part].get(name, 0.0))
    FLOORS.write_text(json.dumps(floors, indent=1) + "\n")


if __name__ == "__main__":
    if sys.argv[1:] != ["--raise"]:
        raise SystemExit("usage: python tests/gates/test_extraction_gate.py --raise")
    raise_floors()
