"""The dataset card: `README.md` of a folder of shards, from manifest and documents and what the run says of itself.

The front matter holds the features, because Hugging Face `datasets` infers them from the first five samples otherwise
and then drops images without a word (`schemas.shard.features`).
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from pipeline.imports.corpus import DATE
from pipeline.shards.place import Place
from pipeline.shards.recut import Source

TOP = 20
_SIZES = (
    ("n<1K", 1_000),
    ("1K<n<10K", 10_000),
    ("10K<n<100K", 100_000),
    ("100K<n<1M", 1_000_000),
    ("1M<n<10M", 10_000_000),
    ("10M<n<100M", 100_000_000),
    ("100M<n<1B", 1_000_000_000),
)


@dataclass(slots=True)
class Seen:
    """What a pass over the documents counts."""

    languages: Counter[str] = field(default_factory=Counter)
    licences: Counter[str] = field(default_factory=Counter)
    tiers: Counter[str] = field(default_factory=Counter)
    crawls: Counter[str] = field(default_factory=Counter)
    hosts: set[str] = field(default_factory=set)
    kinds: Counter[str] = field(default_factory=Counter)
    scored: int = 0
    nsfw_scored: int = 0
    imported: int = 0

    def add(self, document: dict[str, Any]) -> None:
        """Count a document."""
        page = document["general_metadata"]
        self.languages[page["language"]] += 1
        self.licences[page["licence"] or ""] += 1
        self.tiers[page["tier"]] += 1
        self.crawls[page["crawl"] or "not named"] += 1
        self.imported += page["fetched_at"] == DATE
        self.hosts.add(urlsplit(page["url"]).hostname or "")
        self.kinds["pairs" if "pair" in document["extra"] else "documents"] += 1
        for facts in filter(None, document["metadata"]):
            self.scored += facts["clip_score"] is not None
            self.nsfw_scored += facts["nsfw_score"] is not None


def card(place: Place, name: str, recipe: dict[str, Any] | None = None) -> str:
    """The text of the card.

    Args:
        place: the folder of the shards.
        name: of the data set.
        recipe: name and sections of the run that wrote them, where they are known.
    """
    source = Source(place.root)
    seen = Seen()
    for at in source.locations():
        seen.add(source.read_json(at))
    source.close()
    return "\n".join([*_front_matter(source.manifest, seen, name), *_body(source.manifest, seen, name, recipe)]) + "\n"


def _front_matter(manifest: dict[str, Any], seen: Seen, name: str) -> list[str]:
    """YAML, written as JSON where it nests: JSON is YAML."""
    documents = manifest["totals"]["documents"]
    size = next((label for label, bound in _SIZES if documents < bound), "n>1T")
    languages = sorted(code for code in seen.languages if len(code) in (2, 3))
    info = {
        "features": yaml_features(manifest["features"]),
        "splits": [{"name": "train", "num_examples": documents}],
    }
    return [
        "---",
        f"pretty_name: {json.dumps(name, ensure_ascii=False)}",
        f"language: {json.dumps(languages)}",
        f"size_categories: {json.dumps([size])}",
        'task_categories: ["image-text-to-text"]',
        'tags: ["interleaved", "image-text", "webdataset", "weft"]',
        'configs: [{"config_name": "default", "data_files": [{"split": "train", "path": "weft-*.tar"}]}]',
        f"dataset_info: {json.dumps(info, ensure_ascii=False)}",
        "---",
        "",
    ]


def yaml_features(features: dict[str, Any]) -> list[dict[str, Any]]:
    """Features as the front matter of a Hugging Face card spells them: a list of named fields."""
    return [{"name": name, **_named(feature)} for name, feature in features.items()]


def _named(feature: dict[str, Any]) -> dict[str, Any]:
    kind = feature.get("_type")
    if kind == "List":
        inner = _named(feature["feature"])
        return {"list": inner.get("struct") or inner.get("dtype") or inner}
    if kind == "Value":
        return {"dtype": feature["dtype"]}
    return {"dtype": str(kind).lower()} if isinstance(kind, str) else {"struct": yaml_features(feature)}


def _body(manifest: dict[str, Any], seen: Seen, name: str, recipe: dict[str, Any] | None) -> list[str]:
    totals = manifest["totals"]
    documents, images = totals["documents"], totals["images"]
    what = "image-text pairs" if seen.kinds["pairs"] else "web documents as texts and images in page order"
    several = ", ".join(manifest.get("recipes", []))
    stamp = f"{manifest['recipe']['name']}@{manifest['recipe']['fingerprint']}"
    lines = [
        f"# {name}",
        "",
        f"{documents:,} {what}, {images:,} images, in {manifest['num_shards']:,} WebDataset shards.",
        "",
        "## Safety and consent",
        "",
        *_safety(recipe, seen, images),
        "",
        "## Counts",
        "",
        "| | |",
        "|---|---|",
        f"| documents | {documents:,} |",
        f"| images | {images:,} ({images / max(1, documents):.2f} a document) |",
        f"| words | {totals['words']:,} |",
        f"| tokens | {totals['tokens']:,} ({totals['tokenizer']}) |",
        f"| bytes | {sum(entry['bytes'] for entry in manifest['shards']):,} |",
        f"| hosts | {len(seen.hosts):,} |",
        f"| images with a CLIP score | {seen.scored:,} |",
        "",
        *_table("crawl", seen.crawls),
        *_table("language", seen.languages),
        *(_table("tier", seen.tiers) if set(seen.tiers) - {""} else []),
        "## Licences",
        "",
        "The texts and images are those of their authors; what a page says of its licence (`rel=license`) stands with",
        f"it and grants nothing here. {documents - seen.licences['']:,} of {documents:,} documents name one.",
        "",
        *_table("licence", Counter({key: count for key, count in seen.licences.items() if key})),
        "## How it was made",
        "",
        f"By weft, recipe `{stamp}`{', which stands for ' if several else ''}{several}.",
        "",
    ]
    if recipe:
        lines += ["```json", json.dumps(recipe["sections"], indent=1, ensure_ascii=False, sort_keys=True), "```", ""]
    return lines + _use() + _limits()


def _safety(recipe: dict[str, Any] | None, seen: Seen, images: int) -> list[str]:
    sections = (recipe or {}).get("sections", {})
    model = sections.get("nsfw", {}).get("model", "nudenet") if recipe else None
    lines = []
    if model == "none":
        lines.append("* **No model looked at the images for nudity**: the recipe says so.")
    elif images:
        lines.append(f"* {seen.nsfw_scored:,} of {images:,} images were scored for nudity; unsafe ones are not kept.")
    if seen.imported:
        lines += [
            f"* **{seen.imported:,} documents are of a released corpus** (`weft import`): what follows holds for what",
            "  we fetched; what pages and images said of consent before was the affair of who released it.",
        ]
    return [
        *lines,
        "* Pages that say noai, noml or reserve text and data mining are not in it, nor images of pages that say",
        f"  noimageai or noimageindex, {_images_asked(sections.get('fetch', {}))}.",
        _masked(sections.get("personal_data", {})),
        "* Takedown: `weft forget DIR --urls F | --hosts F | --hashes F` takes pages and images out of a copy.",
    ]


def _images_asked(fetch: dict[str, Any]) -> str:
    """What the servers of images were asked for, where the recipe is known to say otherwise than by default."""
    words = fetch.get("opt_out_directives")
    headers = "headers forbid it" if words is None else f"headers say {', '.join(words) or 'nothing that is heard'}"
    if fetch.get("respect_robots", True) and fetch.get("engine", "weft") == "weft":
        return f"nor images whose robots.txt or {headers}"
    return f"nor images whose {headers}; **robots.txt was not asked for images**"


def _masked(personal: dict[str, Any]) -> str:
    kinds = personal.get("mask")
    if kinds is not None and not kinds:
        return "* **Personal data in texts is not masked**: the recipe says so."
    if kinds is None:
        kinds = ["E-mail addresses, telephone, card and account numbers"]
    named = ", ".join(kind.replace("_", " ") for kind in kinds)
    return f"* {named} in texts are masked as far as patterns find them; faces are not."


def _use() -> list[str]:
    return [
        "## Use",
        "",
        "```python",
        "import json, datasets",
        'manifest = json.load(open("manifest.json"))',
        'features = datasets.Features.from_dict(manifest["features"])',
        'data = datasets.load_dataset("webdataset", data_files="weft-*.tar", features=features, split="train")',
        "```",
        "",
        "Without these features `datasets` infers them from five samples and loses images. Plain `webdataset` reads",
        "the tars; Megatron-Energon does after its own `prepare`.",
        "",
    ]


def _limits() -> list[str]:
    return [
        "## Known limits",
        "",
        "* Web text and images as they are: errors, bias and advertising of the web are in it; filters are heuristics.",
        "* Images are as they were when they were fetched, which is later than the page was.",
        "* Languages are told by fastText's lid.176; words and tokens count texts before takedowns.",
    ]


def _table(what: str, counts: Counter[str]) -> list[str]:
    if not counts:
        return []
    shown = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    rows = [f"| {_cell(key or 'none')} | {count:,} |" for key, count in shown[:TOP]]
    more = [f"| {len(shown) - TOP:,} others | {sum(count for _, count in shown[TOP:]):,} |"] if len(shown) > TOP else []
    return [f"| {what} | documents |", "|---|---|", *rows, *more, ""]


def _cell(text: str) -> str:
    """A text from a page, as a cell that it cannot break out of."""
    return "".join(c if c.isprintable() and c not in "|`<>[]" else " " for c in text)[:200]
