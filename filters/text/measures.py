"""What is measured of text: every number that a rule looks at, for text nodes and for documents, in one pass.

`measure_batch` lays all texts of a batch of documents out as one array and works on that; `measure_document` is the
same for one document. A document's text is its text nodes joined by a blank line. Shares are between 0 and 1. A measure
that needs a word list is None where the language has none: not measured, never a reason to drop.

Where measures are sums over nodes (characters, words, and shares of them), a document's measure over fewer nodes
follows from the nodes' measures; repetition and duplicate lines are no sums and need the text again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from filters.text import characters as ch
from filters.text import lines as tl
from filters.text import repetition
from filters.text import words as tw
from filters.text.fields import DocumentMeasures, NodeMeasures
from filters.text.models import Models, columns
from filters.text.word_lists import Lists

MAX_CHARS = 1_000_000
"""Of a longer text only so much is measured (its `num_chars` is true): bounds memory at about 150 MB."""
BATCH_CHARS = 150_000
"""Characters that are measured at once: much larger arrays leave the second-level cache."""

Columns = dict[str, npt.NDArray[Any]]
_Row = TypeVar("_Row", NodeMeasures, DocumentMeasures)

_URL = re.compile(r"(?<!\w)(?:https?://|www\.)\S+", re.IGNORECASE)

_INTEGERS = frozenset(
    f.name for cls in (NodeMeasures, DocumentMeasures) for f in fields(cls) if str(f.type).startswith("int")
)
_BOOLEANS = frozenset(f.name for f in fields(NodeMeasures) if str(f.type) == "bool")

_OPTIONAL = frozenset(f.name for cls in (NodeMeasures, DocumentMeasures) for f in fields(cls) if "None" in str(f.type))


@dataclass(frozen=True, slots=True)
class Measured:
    """Measures as columns: `nodes` (T values each, documents end to end), `documents` (D); `counts` (D) nodes of each.

    In a column of numbers NaN stands for None. `words` has the word hashes of each document, for its signature.
    """

    nodes: Columns
    documents: Columns
    counts: tw.Ints
    words: list[tw.Hashes]

    def rows(self) -> Iterator[tuple[DocumentMeasures, list[NodeMeasures]]]:
        """The same as objects, document by document."""
        nodes = _objects(NodeMeasures, self.nodes)
        documents = _objects(DocumentMeasures, self.documents)
        ends = np.cumsum(self.counts).tolist()
        for document, end, count in zip(documents, ends, self.counts.tolist(), strict=True):
            yield document, nodes[end - count : end]


def measure_document(
    texts: Sequence[str], language: str | None, lists: Lists, models: Models | None = None
) -> tuple[DocumentMeasures, list[NodeMeasures]]:
    """Measures of a document and of each of its text nodes, in order."""
    return next(measure_batch([texts], [language], lists, models).rows())


def measure_batch(
    documents: Sequence[Sequence[str]],
    languages: Sequence[str | None],
    lists: Lists,
    models: Models | None = None,
    words: Sequence[Sequence[Sequence[str]]] | None = None,
) -> Measured:
    """Measures of documents, each a sequence of texts in one language, and of each text; order is kept.

    `models`: of the recipe, for perplexity and quality. `words`: of each text of each document, where another segmenter
    is to say what a word is.
    """
    parts = []
    for start, end in _chunks(documents):
        some, codes = documents[start:end], languages[start:end]
        part = _measure(some, codes, lists, words[start:end] if words is not None else None)
        scored = {name: np.array(column, dtype=float) for name, column in columns(models, some, codes).items()}
        part.nodes["perplexity"] = scored.pop("node_perplexity")
        part.documents.update(scored)
        parts.append(part)
    if len(parts) == 1:
        return parts[0]
    return Measured(
        {name: np.concatenate([part.nodes[name] for part in parts]) for name in parts[0].nodes},
        {name: np.concatenate([part.documents[name] for part in parts]) for name in parts[0].documents},
        np.concatenate([part.counts for part in parts]),
        [hashes for part in parts for hashes in part.words],
    )


def _chunks(documents: Sequence[Sequence[str]]) -> Iterator[tuple[int, int]]:
    """Ranges of documents of about `BATCH_CHARS` characters, each at least one document, if there are any."""
    start = size = 0
    for place, texts in enumerate(documents):
        more = sum(map(len, texts))
        if place > start and size + more > BATCH_CHARS:
            yield start, place
            start, size = place, 0
        size += more
    yield start, len(documents)


def _measure(
    documents: Sequence[Sequence[str]],
    languages: Sequence[str | None],
    lists: Lists,
    words: Sequence[Sequence[Sequence[str]]] | None,
) -> Measured:
    if not documents:
        return _nothing()
    counts = np.fromiter(map(len, documents), dtype=np.int64, count=len(documents))
    held = [texts or ("",) for texts in documents]  # so that every document has a text
    texts = [text[:MAX_CHARS] for part in held for text in part]
    given = None if words is None else [own for part in words for own in part or ((),)]
    layout = tw.lay_out(texts, given)
    batch = tl.batch_of(layout, np.maximum(counts, 1))
    node_sums = _sums(layout, batch, texts)
    node_sums |= lists.count(layout.word_hashes, batch.text_words, batch.texts_of_documents, languages)
    node_sums["num_chars"] = np.fromiter((len(text) for part in held for text in part), dtype=np.int64)
    document_sums = {name: batch.sum_texts(values) for name, values in node_sums.items()}
    nodes, whole = _shares(node_sums), _shares(document_sums)
    whole["num_nodes"] = counts
    first_texts = batch.texts_of_documents.ends - batch.texts_of_documents.lengths
    whole["max_node_words"] = np.maximum.reduceat(batch.text_words.lengths, first_texts)
    whole["mean_node_words"] = repetition.share(whole["num_words"], counts)
    small = (layout.kinds[layout.word_starts] & ch.UPPER) == 0
    whole["gopher_stop_words"] = lists.count_gopher(layout.word_hashes, small, batch.document_words.of, languages)
    nodes["character_repetition"], whole["character_repetition"] = repetition.of_characters(
        layout.prefix, batch.text_chars, batch.document_chars
    )
    _add_word_repetition(nodes, whole, layout, batch)
    tl.add_lines(nodes, whole, layout, batch, texts)
    real = np.repeat(counts > 0, np.maximum(counts, 1))
    return Measured(
        {name: nodes[name][real] for name in _names(NodeMeasures)},
        {name: whole[name] for name in _names(DocumentMeasures)},
        counts,
        np.split(layout.word_hashes, batch.document_words.ends[:-1]),
    )


def _sums(layout: tw.Layout, batch: tl.Batch, texts: Sequence[str]) -> Columns:
    """Counts (T) that add up from texts to documents."""
    kinds = layout.kinds
    lengths = layout.word_ends - layout.word_starts
    found: Columns = {
        "measured": batch.text_chars.lengths,
        "num_words": batch.text_words.lengths,
        "word_chars": np.bincount(batch.text_words.of, lengths, len(texts)),
        "alphabetic_words": np.bincount(batch.text_words.of, layout.word_alpha, len(texts)),
        "special_characters": layout.sums((kinds & ch.SPECIAL) != 0),
        "punctuation": layout.sums((kinds & ch.PUNCTUATION) != 0),
        "letters": layout.sums((kinds & ch.ALPHA) != 0),
        "hashes": layout.sums(layout.codes == ord("#")),
        "ellipses": layout.sums(layout.codes == 0x2026),
    }
    for name, kind in (("upper_case", ch.UPPER), ("digits", ch.DIGIT), ("emoji", ch.EMOJI)):
        found[name] = layout.sums((kinds & kind) != 0)
    found["urls"] = np.fromiter(map(_url_chars, texts), dtype=np.int64, count=len(texts))
    found["ellipses"] += np.fromiter((text.count("...") for text in texts), dtype=np.int64, count=len(texts))
    return found


def _url_chars(text: str) -> int:
    """Characters inside web addresses."""
    if "://" not in text and "www." not in text and "WWW." not in text:
        return 0
    return sum(found.end() - found.start() for found in _URL.finditer(text))


def _shares(sums: Columns) -> Columns:
    """Measures from sums, of texts or of documents alike."""
    words, chars = sums["num_words"], sums["measured"]
    shares: Columns = {"num_words": words, "num_chars": sums["num_chars"]}
    shares["mean_word_length"] = repetition.share(sums["word_chars"], words)
    shares["punctuation"] = repetition.share(sums["punctuation"], words + sums["punctuation"])
    shares["upper_case"] = repetition.share(sums["upper_case"], sums["letters"])
    for name in ("special_characters", "digits", "emoji", "urls"):
        shares[name] = repetition.share(sums[name], chars)
    for name in ("alphabetic_words", "hashes", "ellipses", "stop_words", "flagged_words", "spam_words"):
        shares[name] = repetition.share(sums[name], words)
    for name in ("stop_words", "flagged_words"):
        shares[name] = np.where(np.isnan(sums[name]), np.nan, shares[name])
    return shares


def _add_word_repetition(nodes: Columns, whole: Columns, layout: tw.Layout, batch: tl.Batch) -> None:
    lengths = layout.word_ends - layout.word_starts
    found = repetition.of_words(
        layout.word_hashes, lengths, batch.text_words, batch.document_words, batch.document_chars.lengths
    )
    nodes["word_repetition"], whole["word_repetition"] = found.texts, found.documents
    for n, values in found.top.items():
        whole[f"top_{n}gram"] = values
    for n, values in found.duplicate.items():
        whole[f"duplicate_{n}grams"] = values


def _names(cls: type[NodeMeasures] | type[DocumentMeasures]) -> list[str]:
    """The measures that are taken from the text alone."""
    return [f.name for f in fields(cls) if f.name not in ("perplexity", "quality", "link_density")]


def _nothing() -> Measured:
    none = np.zeros(0)
    return Measured(
        dict.fromkeys(_names(NodeMeasures), none),
        dict.fromkeys(_names(DocumentMeasures), none),
        np.zeros(0, dtype=np.int64),
        [],
    )


def _objects(cls: type[_Row], columns: Columns) -> list[_Row]:
    names = list(columns)
    values = [_values(name, column) for name, column in columns.items()]
    return [cls(**dict(zip(names, row, strict=True))) for row in zip(*values, strict=True)]


def _values(name: str, column: npt.NDArray[Any]) -> list[Any]:
    if name in _BOOLEANS:
        return list(column.astype(bool).tolist())
    if name in _INTEGERS:
        if column.dtype.kind != "f":
            return list(column.tolist())
        return [None if value != value else int(value) for value in column.tolist()]
    rounded = np.round(column, DECIMALS).tolist()
    return [None if value != value else value for value in rounded] if name in _OPTIONAL else list(rounded)


DECIMALS = 6
"""Shares as objects are rounded to so many decimals: enough to get sums back, the same on every machine."""
