"""Probes by loss alone, so that any model can be asked: retrieval, k-shot curves, a needle in a long document.

All are over pairs (image, what is said of it) of held-out shards. A score is the mean loss of the text's tokens.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from vlm.errors import DataError
from vlm.loader import Batch, ImageConfig, read_documents
from vlm.loader.tokenizers import Tokenizer
from vlm.model.vlm import Vlm
from vlm.prompt import Node, lay_out

AT_ONCE = 16
"""Documents in one batch."""


@dataclass(frozen=True, slots=True)
class Pair:
    """An image and its caption, or its alternative text."""

    image: bytes
    text: str


def pairs_of(folder: str, count: int, *, seed: int = 0) -> list[Pair]:
    """Up to `count` pairs of a folder, in an order of `seed`; no text twice. DataError where there is none.

    No more than twice as many are in memory at once, however many there are.
    """
    found: dict[str, Pair] = {}

    def first(text: str) -> bytes:
        return hashlib.sha256(f"{seed}/{text}".encode()).digest()

    for document in read_documents(folder):
        for name, facts in zip(document.content["images"], document.content["metadata"], strict=True):
            text = facts and (facts["caption"] or facts["alt"] or "").strip()
            if name is not None and text:
                found.setdefault(text, Pair(document.images[name], text))
        if len(found) > 2 * count:
            found = {text: found[text] for text in sorted(found, key=first)[:count]}
    if not found:
        raise DataError(f"{folder}: no image has a caption or an alternative text")
    return [found[text] for text in sorted(found, key=first)[:count]]


class Scorer:
    """Mean loss of chosen nodes of documents."""

    def __init__(self, model: Vlm, tokenizer: Tokenizer, image: ImageConfig, seq_len: int) -> None:
        """A document longer than `seq_len` is refused by `losses`."""
        self._model, self._tokenizer, self._image = model.eval(), tokenizer, image
        self._seq_len = min(seq_len, model.room or seq_len)
        self._device = next(model.parameters()).device

    @torch.no_grad()
    def losses(self, documents: Sequence[Sequence[Node]], targets: Sequence[Sequence[int]]) -> list[float]:
        """For each document the mean loss of the tokens of its target nodes. Raises DataError where one is too long."""
        out: list[float] = []
        for start in range(0, len(documents), AT_ONCE):
            part = slice(start, start + AT_ONCE)
            batch = lay_out(documents[part], self._tokenizer, self._image, targets=targets[part], end=False)
            if batch.tokens.shape[1] > self._seq_len:
                raise DataError(f"a prompt of {batch.tokens.shape[1]} tokens is longer than seq_len = {self._seq_len}")
            out += self._mean(batch.to(self._device))
        return out

    def _mean(self, batch: Batch) -> list[float]:
        tokens = self._model(batch)
        rows = batch.document_ids.flatten()[tokens.where].long()
        sums = torch.zeros(len(batch.sources), device=rows.device).index_add_(0, rows, tokens.nll)
        counts = torch.bincount(rows, minlength=len(sums))
        means: list[float] = (sums / counts).tolist()
        return means


def retrieval(scorer: Scorer, pairs: Sequence[Pair], *, others: int = 1) -> float:
    """Share of texts that their own image makes likelier than each of `others` wrong ones; chance 1 / (others + 1)."""
    if len(pairs) <= others:
        raise DataError(f"{len(pairs)} pairs are too few for {others} wrong images each")
    documents: list[list[Node]] = []
    for number, pair in enumerate(pairs):
        images = [pairs[(number + shift) % len(pairs)].image for shift in range(others + 1)]
        documents += [[image, pair.text] for image in images]
    losses = torch.tensor(scorer.losses(documents, [[1]] * len(documents))).view(len(pairs), others + 1)
    return float((losses[:, 0] < losses[:, 1:].amin(1)).double().mean())


def k_shot(scorer: Scorer, pairs: Sequence[Pair], shots: Sequence[int], *, queries: int) -> dict[int, float]:
    """For each k: mean loss of a text after its image, with k other pairs before it in the same document."""
    if len(pairs) <= max(shots):
        raise DataError(f"{len(pairs)} pairs are too few for {max(shots)} shots")
    curve = {}
    for k in shots:
        documents: list[list[Node]] = []
        for number in range(min(queries, len(pairs))):
            before = [pairs[(number + 1 + i) % len(pairs)] for i in range(k)]
            chain = [*before, pairs[number]]
            documents.append([node for pair in chain for node in (pair.image, pair.text)])
        losses = scorer.losses(documents, [[2 * k + 1]] * len(documents))
        curve[k] = sum(losses) / len(losses)
    return curve


def needle(scorer: Scorer, pairs: Sequence[Pair], gaps: Sequence[int], *, queries: int) -> dict[int, float]:
    """For each gap in words between an image and its text: by how much that image beats a wrong one, in nats a token.

    The words between are other pairs' texts, without their images.
    """
    if len(pairs) < 2:
        raise DataError("a needle needs at least two pairs")
    found = {}
    for gap in gaps:
        documents: list[list[Node]] = []
        for number in range(min(queries, len(pairs))):
            filler = _words(pairs, number, gap)
            for image in (pairs[number].image, pairs[(number + 1) % len(pairs)].image):
                documents.append([image, *filler, pairs[number].text])
        targets = [[len(document) - 1] for document in documents]
        losses = torch.tensor(scorer.losses(documents, targets)).view(-1, 2)
        found[gap] = float((losses[:, 1] - losses[:, 0]).mean())
    return found


def _words(pairs: Sequence[Pair], number: int, gap: int) -> list[str]:
    """Texts of other pairs of `gap` words in all."""
    texts: list[str] = []
    left = gap
    for shift in range(2, 2 + 4 * gap):
        if left <= 0:
            break
        words = pairs[(number + shift) % len(pairs)].text.split()[:left]
        texts.append(" ".join(words))
        left -= len(words)
    return texts
