"""Documents by hand as a batch: for evaluation and generation, where no shard and no packing is wanted.

Laid out exactly as the loader lays them out (a test holds the two against each other): each text with the separator
after it, each image as start, image tokens, end.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter

import numpy as np
import torch

from vlm.errors import DataError
from vlm.loader import Batch, ImageConfig
from vlm.loader.batch import target_mask
from vlm.loader.geometry import Job, jobs, sizes
from vlm.loader.images import decode_cpu, image_size, resize_to_patches
from vlm.loader.tokenizers import Tokenizer

Node = str | bytes
"""A text, or an image file's bytes."""


@dataclass(slots=True)
class _Row:
    tokens: list[int]
    loss: list[bool]
    image: list[int]
    last: list[int]


@dataclass(slots=True)
class _Pictures:
    files: list[bytes] = field(default_factory=list)
    jobs: list[Job] = field(default_factory=list)


def lay_out(
    documents: Sequence[Sequence[Node]],
    tokenizer: Tokenizer,
    image: ImageConfig,
    *,
    targets: Sequence[Sequence[int]] | None = None,
    end: bool = True,
    separated: bool = True,
    pack: Sequence[int] | None = None,
    length: int = 0,
) -> Batch:
    """One batch; a document a row, or several where `pack` says the row of each (rising).

    Args:
        documents: nodes in order.
        tokenizer: as the model's.
        image: geometry and tokens of an image.
        targets: for each document the nodes whose tokens are to be predicted; all texts by default.
        end: whether eos follows each document.
        separated: whether the separator follows the last node, if it is a text.
        pack: the row of each document.
        length: tokens of a row, at least; the longest row decides.

    Raises:
        DataError: an image cannot be decoded.
    """
    pictures = _Pictures()
    wanted = targets if targets is not None else [range(len(d)) for d in documents]
    made = [
        _document(d, tokenizer, image, set(w), pictures, end=end, separated=separated)
        for d, w in zip(documents, wanted, strict=True)
    ]
    rows = list(pack) if pack is not None else list(range(len(made)))
    total: dict[int, int] = {}
    for row, document in zip(rows, made, strict=True):
        total[row] = total.get(row, 0) + len(document.tokens)
    return _batch(made, rows, max(length, *total.values()), tokenizer, image, pictures)


def _document(
    nodes: Sequence[Node],
    tokenizer: Tokenizer,
    image: ImageConfig,
    targets: set[int],
    pictures: _Pictures,
    *,
    end: bool,
    separated: bool,
) -> _Row:
    s = tokenizer.specials
    row = _Row([s.bos], [False], [-1], [-1])
    last = -1

    def add(ids: Sequence[int], loss: bool, number: int) -> None:
        row.tokens += ids
        row.loss += [loss] * len(ids)
        row.image += [number] * len(ids)
        row.last += [last] * len(ids)

    for place, node in enumerate(nodes):
        if isinstance(node, str):
            ids = tokenizer.encode([node])[0].tolist()
            if place == len(nodes) - 1 and not separated:
                ids = _without_separator(node, ids, tokenizer)
            add(ids, place in targets, -1)
            continue
        size = image_size(memoryview(node))
        if size is None:
            raise DataError(f"node {place} is an image that cannot be read")
        last = len(pictures.files)
        pictures.files.append(node)
        pictures.jobs += jobs(last, *size, image)
        if image.marks:
            add([s.image_start], False, -1)
        add([s.image] * int(sizes(*size, image).tokens[0]), False, last)
        if image.marks:
            add([s.image_end], False, -1)
    if end:
        add([s.eos], len(nodes) - 1 in targets, -1)
    return row


def _without_separator(text: str, ids: list[int], tokenizer: Tokenizer) -> list[int]:
    """The ids of a text whose continuation is to be written: a prompt must not end in the separator."""
    tail: list[int] = tokenizer.encode([""])[0].tolist()
    return ids[: -len(tail)] if tail and ids[-len(tail) :] == tail and text else ids


def _batch(
    made: list[_Row], rows: list[int], length: int, tokenizer: Tokenizer, image: ImageConfig, pictures: _Pictures
) -> Batch:
    shape = (rows[-1] + 1, length)
    tokens = torch.full(shape, tokenizer.specials.pad)
    loss, valid = torch.zeros(shape, dtype=torch.bool), torch.zeros(shape, dtype=torch.bool)
    positions, documents = torch.zeros(shape, dtype=torch.int32), torch.full(shape, -1, dtype=torch.int32)
    index, last = torch.full(shape, -1, dtype=torch.int32), torch.full(shape, -1, dtype=torch.int32)
    sources, borders = [], {0, shape[0] * length}
    number = 0
    for row, group in groupby(zip(rows, made, strict=True), key=itemgetter(0)):
        at = 0
        for _, document in group:
            n = len(document.tokens)
            span = slice(at, at + n)
            for out, values in ((tokens, document.tokens), (loss, document.loss), (index, document.image)):
                out[row, span] = torch.tensor(values, dtype=out.dtype)
            last[row, span] = torch.tensor(document.last, dtype=torch.int32)
            valid[row, span], documents[row, span] = True, number
            positions[row, span] = torch.arange(n, dtype=torch.int32)
            sources.append((row, at, n, 0, 0, 0, number, 3))
            borders |= {row * length, row * length + at, row * length + at + n}
            at, number = at + n, number + 1
    pixels = [decode_cpu(memoryview(bytearray(file))) for file in pictures.files]
    for place, found in enumerate(pixels):
        if found is None:
            raise DataError(f"image {place} cannot be decoded")
    grids = [(j.grid_height, j.grid_width) for j in pictures.jobs for _ in range(j.crops)]
    cut = np.cumsum([0, *(h * w for h, w in grids)])
    cu = torch.tensor(sorted(borders), dtype=torch.int32)
    return Batch(
        tokens=tokens,
        loss_mask=loss,
        valid=valid,
        positions=positions,
        document_ids=documents,
        cu_seqlens=cu,
        max_seqlen=int(cu.diff().max()),
        image_index=index,
        last_image=last,
        patches=resize_to_patches(pixels, pictures.jobs, image, exact=False),
        grids=torch.tensor(grids, dtype=torch.int32).reshape(-1, 2),
        cu_patches=torch.tensor(cut, dtype=torch.int32),
        grid_image=torch.tensor([j.image for j in pictures.jobs for _ in range(j.crops)], dtype=torch.int32),
        image_ok=torch.ones(len(pictures.files), dtype=torch.bool),
        sources=torch.tensor(sources, dtype=torch.int64).reshape(-1, 8),
        keys=tuple(str(i) for i in range(number)),
        faults=(),
        step=0,
        useful_tokens=sum(len(d.tokens) for d in made),
        num_targets=int(target_mask(loss, valid).sum()),
    )
