"""The manifest of a folder of shards: read with doubt, and written the same way by everything that writes one."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from pipeline.recipe_file import digest
from pipeline.shards.place import Place
from schemas.errors import InputError
from schemas.shard import SCHEMA_VERSION, features

NAME = "manifest.json"
COUNTED = ("documents", "images", "words", "tokens")


def shard_name(number: int) -> str:
    """Name of a shard without its ending."""
    return f"weft-{number:06d}"


@dataclass(slots=True)
class Totals:
    """What one shard adds to the manifest beside its entry."""

    counts: Counter[str] = field(default_factory=Counter)
    max_images: int = 0
    recipes: set[str] = field(default_factory=set)

    def add(self, document: dict[str, Any]) -> None:
        """Count a document."""
        images = sum(name is not None for name in document["images"])
        page = document["general_metadata"]
        self.counts.update(documents=1, images=images, words=page["num_words"], tokens=page["num_tokens"])
        self.max_images = max(self.max_images, images)
        self.recipes.add(document["recipe"])

    def merge(self, other: Totals) -> None:
        """Add the counts of another shard."""
        self.counts.update(other.counts)
        self.max_images = max(self.max_images, other.max_images)
        self.recipes |= other.recipes


def body(
    *, recipes: Iterable[str], entries: Sequence[dict[str, Any]], totals: Counter[str], tokenizer: str, max_images: int
) -> dict[str, Any]:
    """What the manifest says.

    Args:
        recipes: `name@fingerprint` of the documents; where there are several, `recipes` lists them and `recipe` stands
            for the list.
        entries: of the shards, in order.
        totals: documents, images, words, tokens.
        tokenizer: that counted the tokens.
        max_images: images of the document that has most.
    """
    stamps = sorted(set(recipes))
    name, _, fingerprint = stamps[0].partition("@") if len(stamps) == 1 else ("mixed", "", digest(stamps))
    return {
        "format": "weft",
        "schema_version": SCHEMA_VERSION,
        "recipe": {"name": name, "fingerprint": fingerprint},
        **({"recipes": stamps} if len(stamps) > 1 else {}),
        "num_shards": len(entries),
        "shards": [dict(sorted(entry.items())) for entry in entries],
        "totals": {name: totals[name] for name in COUNTED} | {"tokenizer": tokenizer},
        "features": features(max_images),
    }


def put(place: Place, manifest: dict[str, Any]) -> None:
    """Write the manifest, which makes the shards a dataset."""
    place.put(NAME, json.dumps(manifest, indent=1).encode())


def load(place: Place) -> dict[str, Any]:
    """The manifest.

    Raises:
        InputError: it is absent, or not one of ours; says what is wrong.
    """
    try:
        manifest = json.loads(place.read(NAME))
    except FileNotFoundError as error:
        raise InputError(f"{place.root} has no {NAME}") from error
    except ValueError as error:
        raise InputError(f"{place.root}/{NAME} is no JSON: {error}") from error
    if wrong := _wrong(manifest):
        raise InputError(f"{place.root}/{NAME}: {wrong}")
    return manifest  # type: ignore[no-any-return]


def recipes_of(manifest: dict[str, Any]) -> set[str]:
    """The recipes that its documents may be of."""
    one = f"{manifest['recipe']['name']}@{manifest['recipe']['fingerprint']}"
    return set(manifest.get("recipes") or [one])


def _wrong(manifest: Any) -> str | None:
    """Why this is no manifest, by its keys and types alone."""
    if not isinstance(manifest, dict) or manifest.get("format") != "weft":
        return 'it is not of the format "weft"'
    if manifest.get("schema_version") != SCHEMA_VERSION:
        return f"schema version {manifest.get('schema_version')!r}; this weft knows {SCHEMA_VERSION}"
    kinds = {"recipe": dict, "num_shards": int, "shards": list, "totals": dict, "features": dict}
    for name, kind in kinds.items():
        if not isinstance(manifest.get(name), kind):
            return f"{name} is not a {kind.__name__}"
    if not {"name", "fingerprint"} <= manifest["recipe"].keys():
        return "recipe has no name or fingerprint"
    if not {*COUNTED, "tokenizer"} <= manifest["totals"].keys():
        return "totals are not complete"
    facts = {"name": str, "bytes": int, "sha256": str, "documents": int, "images": int}
    for entry in manifest["shards"]:
        if not isinstance(entry, dict) or any(not isinstance(entry.get(n), kind) for n, kind in facts.items()):
            return f"entry {entry!r:.80} of shards is not complete"
    return None
