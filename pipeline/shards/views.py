"""Views of the documents as shards of their own: image-text pairs, and text alone (design, section 4)."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from filters.document_id import pair_key
from filters.text.tokens import load as load_tokenizer
from filters.text.words import split
from pipeline.shards.recut import Sample
from schemas.shard import image_name

KINDS = ("alt", "caption")


def often_said(documents: Iterable[dict[str, Any]], most: int) -> frozenset[bytes]:
    """Hashes of the alt texts and captions that stand with more than `most` images.

    What a plug-in or a template says of every picture ("Related Posts Thumbnail") says nothing of any. Memory: about
    100 bytes a distinct text.
    """
    counts: Counter[bytes] = Counter()
    for document in documents:
        for facts in filter(None, document["metadata"]):
            counts.update({_hash(facts[kind]) for kind in KINDS if facts[kind]})
    return frozenset(text for text, count in counts.items() if count > most)


def _hash(text: str) -> bytes:
    """8 bytes that stand for a text, whatever its case and blanks."""
    return hashlib.blake2b(" ".join(text.casefold().split()).encode("utf-8", "replace"), digest_size=8).digest()


def pairs(
    min_words: int = 1, min_score: float = -1.0, often: frozenset[bytes] = frozenset()
) -> Callable[[Sample], Iterator[Sample]]:
    """What makes the pairs of a document: each image with its alt text and its caption, as documents of two nodes.

    Args:
        min_words: of the text.
        min_score: of the image with the text that it was matched to; an unscored image is never dropped.
        often: texts that make no pair (`often_said`).

    The node in the key is the index into `texts` and `images`. A pair has no similarity: scores of the document are
    with its own texts, and stand under `extra.pair_scores` with the matched text's.
    """
    tokenizer = load_tokenizer()

    def of(sample: Sample) -> Iterator[Sample]:
        document = sample.document
        for node, name in enumerate(document["images"]):
            if name is None:
                continue
            facts = document["metadata"][node]
            score = facts["clip_score"]
            if score is not None and score < min_score:
                continue
            texts = {kind: (facts[kind] or "").strip() for kind in KINDS}
            for kind in KINDS:
                text = texts[kind]
                words = len(split(text))
                is_same = kind == "caption" and text == texts["alt"]
                if words < min_words or not text or is_same or (often and _hash(text) in often):
                    continue
                counts = {"num_words": words, "num_tokens": tokenizer.count(text)}
                key = pair_key(sample.key, node, kind)
                made = _two_nodes(sample, node, kind, text, counts)
                yield Sample(key, made, {image_name(0): sample.images[name]})

    return of


def _two_nodes(sample: Sample, node: int, kind: str, text: str, counts: dict[str, int]) -> dict[str, Any]:
    document = sample.document
    facts = document["metadata"][node]
    return document | {
        "texts": [None, text],
        "images": [image_name(0), None],
        "roles": ["image", "caption"],
        "metadata": [facts | {"clip_score": None}, None],
        "similarity_matrix": [],
        "matched_text_index": [],
        "general_metadata": document["general_metadata"] | counts,
        "extra": {
            "document": sample.key,
            "pair": [node, kind],
            "pair_scores": {"clip_score_with_matched_text": facts["clip_score"]},
        },
    }


def texts_only(sample: Sample) -> Iterator[Sample]:
    """The document without its images, under its own key; none where nothing would be left."""
    document = sample.document
    stay = [place for place, text in enumerate(document["texts"]) if text is not None]
    if stay:
        lists = {name: [document[name][place] for place in stay] for name in ("texts", "images", "roles", "metadata")}
        yield Sample(sample.key, document | lists | {"similarity_matrix": [], "matched_text_index": []}, {})
