"""What the loader reads out of a document: its entries, in order, with their cost in tokens and patches.

An entry is a text or an image of the document. Views, all from the index alone:

* natural     nodes as on the page (best for autoregressive models)
* retrieval   an image that was matched moves to just before its text; the others stay (best for cross-attention)
* pairs       each image that has a caption or an alt text, followed by it, as a sequence of its own
* text_only   texts without images
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import numpy as np
import numpy.typing as npt

from vlm.loader.config import LoaderConfig
from vlm.loader.dataset import ShardIndex, sums
from vlm.loader.geometry import sizes

Ints32 = npt.NDArray[np.int32]


class Kind(IntEnum):
    """What an entry is; `node` says of which node."""

    TEXT = 0
    IMAGE = 1
    ALT = 2
    CAPTION = 3


@dataclass(frozen=True, slots=True)
class NodeTokens:
    """Tokens of the texts of each node (N,), separator included; 0 where there is no such text."""

    text: Ints32
    alt: Ints32
    caption: Ints32
    cuts: dict[tuple[int, int], tuple[int, ...]]
    """Sentence ends (token positions) by (row, node in the document)."""


def byte_tokens(index: ShardIndex, separator: bytes) -> NodeTokens:
    """Token counts for the byte tokenizer: the index has them. It has no sentence ends, and reading them from the text
    would make the packing depend on what can be read.
    """
    more = len(separator)

    def count(num_bytes: Ints32) -> Ints32:
        return np.where(num_bytes > 0, num_bytes + more, 0).astype(np.int32)

    text = np.where(index.is_image, 0, index.num_bytes + more).astype(np.int32)
    return NodeTokens(text, count(index.alt_bytes), count(index.caption_bytes), {})


@dataclass(frozen=True, slots=True)
class ShardPlan:
    """The entries (E in all) of the D documents of a shard under a view.

    Document d has the sequences `sequence_start[d]:sequence_start[d + 1]` (one in all views but pairs); sequence s has
    the entries `entry_start[s]:entry_start[s + 1]`.
    """

    index: ShardIndex
    sequence_start: Ints32  # (D + 1,)
    entry_start: Ints32  # (S + 1,)
    entry_node: Ints32  # (E,), node within the document
    entry_kind: npt.NDArray[np.int8]  # (E,)
    entry_tokens: Ints32  # (E,), marks of images included
    entry_patches: Ints32  # (E,)
    sequence_tokens: Ints32  # (S,), bos and eos not included
    sequence_patches: Ints32  # (S,)
    cuts: dict[tuple[int, int], tuple[int, ...]]
    """As in `NodeTokens`."""


def plan_shard(index: ShardIndex, tokens: NodeTokens, config: LoaderConfig) -> ShardPlan:
    """The entries of a shard under the view of `config`."""
    document = np.repeat(np.arange(len(index)), np.diff(index.node_start))
    node = np.arange(len(document)) - index.node_start[document]
    if config.view == "pairs":
        image = np.flatnonzero(index.is_image & ((tokens.caption > 0) | (tokens.alt > 0)))
        order = np.repeat(image, 2)
        kind = np.full(len(order), Kind.IMAGE, np.int8)
        kind[1::2] = np.where(tokens.caption[image] > 0, Kind.CAPTION, Kind.ALT)
        sequence_start = np.searchsorted(document[image], np.arange(len(index) + 1)).astype(np.int32)
        entry_start = np.arange(0, len(order) + 1, 2, dtype=np.int32)
    else:
        order = np.arange(len(document))
        if config.view == "text_only":
            order = order[~index.is_image]
        elif config.view == "retrieval":
            # an image goes to (its text - 1/2); ties, such as two images of one text, keep page order
            place = np.where(index.is_image & (index.matched_text >= 0), index.matched_text - 0.5, node)
            order = np.lexsort((node, place, document))
        kind = index.is_image[order].astype(np.int8)
        starts = np.searchsorted(document[order], np.arange(len(index) + 1)).astype(np.int32)
        # a document of which the view leaves nothing (no texts, say) has no sequence
        filled = np.diff(starts) > 0
        sequence_start = np.concatenate([[0], np.cumsum(filled)]).astype(np.int32)
        entry_start = np.append(starts[:-1][filled], len(order)).astype(np.int32)
    cost, patches = _costs(index, tokens, config, order, kind)
    return ShardPlan(
        index=index,
        sequence_start=sequence_start,
        entry_start=entry_start,
        entry_node=node[order].astype(np.int32),
        entry_kind=kind,
        entry_tokens=cost,
        entry_patches=patches,
        sequence_tokens=sums(cost, entry_start).astype(np.int32),
        sequence_patches=sums(patches, entry_start).astype(np.int32),
        cuts=tokens.cuts,
    )


def _costs(
    index: ShardIndex, tokens: NodeTokens, config: LoaderConfig, order: npt.NDArray[Any], kind: npt.NDArray[np.int8]
) -> tuple[Ints32, Ints32]:
    """Tokens and patches of each entry; `order` is its node in the shard."""
    is_image = kind == Kind.IMAGE
    cost, patches = np.zeros(len(order), np.int32), np.zeros(len(order), np.int32)
    if is_image.any():
        s = sizes(index.width[order[is_image]], index.height[order[is_image]], config.image)
        cost[is_image] = s.tokens + 2 * config.image.marks
        patches[is_image] = s.patches
    for value, column in ((Kind.TEXT, tokens.text), (Kind.ALT, tokens.alt), (Kind.CAPTION, tokens.caption)):
        which = kind == value
        cost[which] = column[order[which]]
    return cost, patches
