"""Takes what is to be forgotten out of one document of a shard."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from filters.forgotten import Forgotten
from schemas.shard import image_name


def forget_in_document(
    document: dict[str, Any], forgotten: Forgotten, is_gone: Callable[[str], bool], min_images: int
) -> tuple[dict[str, Any], list[str]] | None:
    """The document without it and the images that stay, by their former names; None where nothing may stay.

    Args:
        document: the JSON as it stands in the shard; not changed.
        forgotten: what is to be forgotten.
        is_gone: whether the file of a SHA-256, of the fetched bytes or of the member, goes.
        min_images: a document that loses images and then has fewer goes as a whole.

    Numbers of words and tokens stay those of the page as it was read.
    """
    if forgotten.has_url(document["general_metadata"]["url"]):
        return None
    gone = {
        place
        for place, facts in enumerate(document["metadata"])
        if facts is not None
        and (forgotten.has_url(facts["url"]) or is_gone(facts["original_sha256"]) or is_gone(facts["sha256"]))
    }
    kept = [name for place, name in enumerate(document["images"]) if name is not None and place not in gone]
    if gone and len(kept) < max(1, min_images):
        return None
    made = _without(document, gone) if gone else copy.deepcopy(document)
    made["texts"] = [text if text is None else forgotten.without(text) for text in made["texts"]]
    for facts in [made["general_metadata"], *filter(None, made["metadata"])]:
        for name in ("title", "alt", "caption"):
            if facts.get(name):
                facts[name] = forgotten.without(facts[name])
        if forgotten.has_url(facts["licence"]):
            facts["licence"] = None
    made["extra"] = forgotten.within(made["extra"])
    return made, kept


def _without(document: dict[str, Any], gone: set[int]) -> dict[str, Any]:
    """The document without the image nodes at these places: names, scores and indices follow."""
    stay = [place for place in range(len(document["texts"])) if place not in gone]
    new_place = {place: number for number, place in enumerate(stay)}
    images = [place for place, name in enumerate(document["images"]) if name is not None]
    rows = [number for number, place in enumerate(images) if place not in gone]
    made = copy.deepcopy(document)
    for name in ("texts", "images", "roles", "metadata"):
        made[name] = [document[name][place] for place in stay]
    numbers = iter(range(len(rows)))
    # The ending stays: a recipe that keeps the fetched bytes names images by their format.
    made["images"] = [
        name if name is None else image_name(next(numbers)).partition(".")[0] + "." + name.partition(".")[2]
        for name in made["images"]
    ]
    if document["similarity_matrix"]:
        made["similarity_matrix"] = [document["similarity_matrix"][row] for row in rows]
    if document["matched_text_index"]:
        matched = [document["matched_text_index"][row] for row in rows]
        made["matched_text_index"] = [new_place.get(place, -1) for place in matched]
    return copy.deepcopy(made)
