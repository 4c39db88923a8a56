"""Attention within documents, never across them: one layout a batch, read by every layer of the language model.

Registered with transformers under `NAME`, so its language models are used as they are. On CPU each document is one call
of scaled-dot-product attention; on CUDA one call of flex attention with a block mask made from the same layout
(arXiv:2412.05496), so that what is masked is skipped. The block mask is made from the borders of documents, block by
block: no mask of tokens by tokens is ever made there.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor
from torch.nn.attention.flex_attention import BlockMask, flex_attention
from torch.nn.functional import pad, scaled_dot_product_attention

from vlm.errors import PresetError
from vlm.loader import Batch

NAME = "weft_documents"
PROMPT, PADDING = -2, -1
BLOCK = 128
"""Tokens of a side of flex attention's blocks, its default."""
_FAR = 1 << 30


@dataclass(slots=True)
class Kept:
    """What a document that is being written keeps, so that a further token costs a token: keys and values by layer, and
    its images. For a batch of one row that holds one document.
    """

    layers: dict[int, tuple[Tensor, Tensor]] = field(default_factory=dict)
    images: tuple[list[Tensor], Tensor] | None = None

    def extend(self, layer: int, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
        """Those of a layer, the new ones after the old."""
        if layer in self.layers:
            old, told = self.layers[layer]
            key, value = torch.cat([old, key], 2), torch.cat([told, value], 2)
        self.layers[layer] = (key, value)
        return key, value


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Who attends to whom. B rows, L tokens of a row with the prompt in front.

    Token q sees token k of its own document where k <= q and k is valid, itself always, and the prompt of its row; of
    these the nearest, in layers with a sliding window.
    Padding and placeholders are seen by nobody but themselves.
    """

    documents: Tensor
    """(B, L) number of the document; PROMPT in the prompt, PADDING in the padding."""
    valid: Tensor
    """(B, L) False where nothing may attend to the token."""
    positions: Tensor
    """(B, L) from 0 in each document, after those of the prompt."""
    segments: tuple[tuple[int, int, int], ...]
    """(row, first token, one past the last) of each document; empty on CUDA, where the block mask has it."""
    prompt: int = 0
    bare: Layout | None = None
    """The layout for layers that image tokens have not reached yet; None where there are none such."""
    first_image_layer: int = 0
    kept: Kept | None = None
    prefix: Tensor | None = None
    """(B, L) True before the first target of each document, where those tokens see each other both ways."""
    cache: dict[str, Any] = field(default_factory=dict)

    def last_token(self) -> Layout:
        """For a pass of the last token alone; it sees all that is valid."""
        bare = None if self.bare is None else self.bare.last_token()
        return replace(self, positions=self.positions[:, -1:], bare=bare)

    def at(self, layer: int) -> Layout:
        """The layout for a layer."""
        return self.bare if self.bare is not None and layer < self.first_image_layer else self


def layout_of(
    batch: Batch, *, prompt: int = 0, first_image_layer: int = 0, kept: Kept | None = None, prefix: bool = False
) -> Layout:
    """The layout of a batch, with `prompt` tokens put before each row."""
    documents, valid, positions = batch.document_ids, batch.valid, batch.positions.long()
    before = _before_targets(batch) if prefix else None
    if prompt:
        rows, device = documents.shape[0], documents.device
        front = torch.full((rows, prompt), PROMPT, dtype=documents.dtype, device=device)
        documents = torch.cat([front, documents], 1)
        valid = torch.cat([torch.ones_like(front, dtype=torch.bool), valid], 1)
        before = before if before is None else torch.cat([torch.zeros_like(front, dtype=torch.bool), before], 1)
        place = torch.arange(prompt, device=device).expand(rows, prompt)
        positions = torch.cat([place, torch.where(batch.document_ids >= 0, positions + prompt, 0)], 1)
    segments: tuple[tuple[int, int, int], ...] = ()
    if documents.device.type == "cpu":
        found = [(row, start + prompt, start + size + prompt) for row, start, size in batch.sources[:, :3].tolist()]
        segments = (*((row, 0, prompt) for row in range(len(documents) if prompt else 0)), *found)
    parts: dict[str, Any] = {"documents": documents, "valid": valid, "positions": positions, "segments": segments}
    layout = Layout(**parts, prompt=prompt, kept=kept, prefix=before)
    if not first_image_layer:
        return layout
    image = torch.zeros_like(valid)
    image[:, prompt:] = batch.image_index >= 0
    return replace(layout, bare=replace(layout, valid=valid & ~image, cache={}), first_image_layer=first_image_layer)


def _before_targets(batch: Batch) -> Tensor:
    """(B, L) True for the tokens of each document before its first target."""
    targets = batch.loss_mask.long()
    so_far = targets.cumsum(1)
    at_start = torch.where(batch.positions == 0, so_far - targets, 0).cummax(1).values
    return (so_far == at_start) & (batch.document_ids >= 0)


def attend(
    query: Tensor, key: Tensor, value: Tensor, layout: Layout, scale: float | None, window: int | None = None
) -> Tensor:
    """Attention output (B, L, heads, width) for query (B, heads, L, width); keys may have fewer heads (GQA).

    With a `window`, a token sees only the last so many of its document, itself among them.
    """
    window = None if window is None or window >= query.shape[2] else window
    query, key = query.to(value.dtype), key.to(value.dtype)  # rotary positions may have left them in float32
    if query.device.type == "cuda" and not layout.segments:
        gqa = query.shape[1] != key.shape[1]
        out = flex(query, key, value, block_mask=block_mask(layout, window), scale=scale, enable_gqa=gqa)
        return out.transpose(1, 2)
    return _each_document(query, key, value, layout, scale, window).transpose(1, 2)


def _each_document(
    query: Tensor, key: Tensor, value: Tensor, layout: Layout, scale: float | None, window: int | None
) -> Tensor:
    gqa, prompt = query.shape[1] != key.shape[1], layout.prompt
    pieces: list[Tensor] = []
    whole = _all_valid(layout)
    rows: list[list[Tensor]] = [[] for _ in range(len(query))]
    ends = [0] * len(query)
    for number, (row, start, stop) in enumerate(layout.segments):
        at = slice(row, row + 1)
        q, k, v = query[at, :, start:stop], key[at, :, start:stop], value[at, :, start:stop]
        sees_prompt = start >= prompt > 0
        both_ways = 0 if layout.prefix is None else int(layout.prefix[row, start:stop].sum())
        if both_ways < 2 and whole[number] and not sees_prompt and (window is None or stop - start <= window):
            out = scaled_dot_product_attention(q, k, v, is_causal=True, scale=scale, enable_gqa=gqa)
        else:
            mask = _mask(layout.valid[row, start:stop])
            if sees_prompt:
                k, v = torch.cat([key[at, :, :prompt], k], 2), torch.cat([value[at, :, :prompt], v], 2)
                mask = torch.cat([mask.new_ones(stop - start, prompt), mask], 1)
            if both_ways > 1:
                first = mask.shape[1] - len(mask)
                mask[:both_ways, first : first + both_ways] |= layout.valid[row, start : start + both_ways]
            if window is not None:
                mask = mask.triu(mask.shape[1] - len(mask) - window + 1)
            out = scaled_dot_product_attention(q, k, v, attn_mask=mask, scale=scale, enable_gqa=gqa)
        rows[row] += [out.new_zeros(1, out.shape[1], start - ends[row], out.shape[3]), out]
        ends[row] = stop
    for row, parts in enumerate(rows):
        rest = query.new_zeros(1, query.shape[1], query.shape[2] - ends[row], value.shape[3])
        pieces.append(torch.cat([*(p.to(rest.dtype) for p in parts), rest], 2))
    return torch.cat(pieces)


def _all_valid(layout: Layout) -> list[bool]:
    if "whole" not in layout.cache:
        layout.cache["whole"] = [bool(layout.valid[row, start:stop].all()) for row, start, stop in layout.segments]
    found: list[bool] = layout.cache["whole"]
    return found


def _mask(valid: Tensor) -> Tensor:
    """(n, n) True where a token of a document sees another: earlier and valid, or itself."""
    n = len(valid)
    return (torch.ones(n, n, dtype=torch.bool).tril() & valid) | torch.eye(n, dtype=torch.bool)


def block_mask(layout: Layout, window: int | None = None) -> Any:
    """Flex attention's mask of a layout, made once a batch; with a `window`, one of its own."""
    if window is not None:
        return _windowed(layout, window)
    if "block" not in layout.cache:
        documents, valid, prompt, prefix = layout.documents, layout.valid, layout.prompt, layout.prefix

        def sees(b: Tensor, h: Tensor, q: Tensor, k: Tensor) -> Tensor:  # noqa: ARG001 - the signature is flex attention's
            own = (documents[b, q] == documents[b, k]) & (q > k) & valid[b, k]
            of_prompt = (k < prompt) & (documents[b, q] >= 0)
            return own | (q == k) | of_prompt

        def sees_prefix(b: Tensor, h: Tensor, q: Tensor, k: Tensor) -> Tensor:
            assert prefix is not None
            there = (documents[b, q] == documents[b, k]) & valid[b, k]
            return sees(b, h, q, k) | (prefix[b, q] & prefix[b, k] & there)

        layout.cache["block"] = blocks_of(
            *_seen_blocks(layout), sees if prefix is None else sees_prefix, (documents.shape[1], documents.shape[1])
        )
    return layout.cache["block"]


def _windowed(layout: Layout, window: int) -> Any:
    name = f"block of {window}"
    if name not in layout.cache:
        rule, positions = block_mask(layout).mask_mod, layout.positions

        def sees(b: Tensor, h: Tensor, q: Tensor, k: Tensor) -> Tensor:
            both: Tensor = rule(b, h, q, k) & (positions[b, q] - positions[b, k] < window)
            return both

        some, every = _seen_blocks(layout)
        number = torch.arange(some.shape[1], device=some.device)
        apart = (number[:, None] - number) * BLOCK  # tokens, of the same place in both blocks
        near = (apart - BLOCK + 1 < window) | (number * BLOCK < layout.prompt)
        every &= apart + BLOCK - 1 < window
        length = layout.documents.shape[1]
        layout.cache[name] = blocks_of(some & near, every, sees, (length, length))
    return layout.cache[name]


def _seen_blocks(layout: Layout) -> tuple[Tensor, Tensor]:
    """(B, blocks of queries, blocks of keys): where some token may see another, and where all see all."""
    documents = in_blocks(layout.documents, PADDING)
    valid = in_blocks(layout.valid, False)
    low, high = extent(documents, documents >= 0)
    number = torch.arange(documents.shape[1], device=documents.device)
    earlier = number[:, None] > number
    some = (low[:, :, None] <= high[:, None]) & (low[:, None] <= high[:, :, None])
    later = torch.zeros_like(some)
    if layout.prefix is not None:
        has = in_blocks(layout.prefix, False).any(-1)
        later = some & has[:, :, None] & has[:, None]
    some = (some | (number * BLOCK < layout.prompt)) & earlier | (number[:, None] == number) | later
    one, of = documents[..., 0], (documents == documents[..., :1]).all(-1)
    every = (one[:, :, None] == one[:, None]) & of[:, :, None] & (of & valid.all(-1))[:, None] & earlier
    return some, every


def in_blocks(values: Tensor, rest: int) -> Tensor:
    """(B, blocks, BLOCK) of values (B, n); the last block is filled with `rest`."""
    n = values.shape[1]
    return pad(values, (0, -n % BLOCK), value=rest).view(len(values), -1, BLOCK)


def extent(values: Tensor, counts: Tensor) -> tuple[Tensor, Tensor]:
    """Least and greatest of each block, of those that count; (far, -1) where none does."""
    return torch.where(counts, values, _FAR).amin(-1), torch.where(counts, values, -1).amax(-1)


def blocks_of(some: Tensor, every: Tensor, sees: Any, lengths: tuple[int, int]) -> BlockMask:
    """Flex attention's mask from (B, blocks of queries, blocks of keys) flags and the rule within blocks of `some`."""
    tables = [
        (flat.sum(-1, dtype=torch.int32), flat.argsort(dim=-1, descending=True, stable=True).int())
        for flat in ((some & ~every)[:, None].int(), every[:, None].int())
    ]
    (few, where), (many, whole) = tables
    return BlockMask.from_kv_blocks(few, where, many, whole, BLOCK_SIZE=BLOCK, mask_mod=sees, seq_lengths=lengths)


def flex(query: Tensor, key: Tensor, value: Tensor, **options: Any) -> Tensor:
    """Compiled flex attention; within something that is being compiled, a part of it."""
    out: Tensor = (flex_attention if torch.compiler.is_compiling() else _compiled())(query, key, value, **options)
    return out


@lru_cache(maxsize=1)
def _compiled() -> Any:
    return torch.compile(flex_attention)


def documents_attention(
    module: Any,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,  # noqa: ARG001 - the signature is transformers'
    scaling: float | None = None,
    dropout: float = 0.0,  # noqa: ARG001
    *,
    layout: Layout,
    softcap: float | None = None,
    s_aux: Tensor | None = None,
    sliding_window: int | None = None,
    **_: Any,
) -> tuple[Tensor, None]:
    """What transformers calls for each layer; `layout` comes from the call of the model.

    Raises PresetError for a family whose scores are capped (Gemma 2) or have sinks (gpt-oss).
    """
    if softcap is not None or s_aux is not None:
        raise PresetError(f"the attention of {type(module).__name__} is capped or has sinks, which is not built here")
    if layout.bare is not None:  # else the number of the layer is not asked for: compiled code would be made for each
        layout = layout.at(module.layer_idx)
    if layout.kept is not None:
        key, value = layout.kept.extend(module.layer_idx, key, value)
        if key.shape[2] > query.shape[2]:  # new tokens come one by one: what they may see is what is valid
            gqa, seen = query.shape[1] != key.shape[1], layout.valid[:, None, None]
            if sliding_window is not None:
                seen = seen & (torch.arange(key.shape[2], device=seen.device) >= key.shape[2] - sliding_window)
            query, key = query.to(value.dtype), key.to(value.dtype)
            out = scaled_dot_product_attention(query, key, value, seen, scale=scaling, enable_gqa=gqa)
            return out.transpose(1, 2), None
    return attend(query, key, value, layout, scaling, sliding_window), None


def register() -> None:
    """Make `NAME` known to transformers."""
    from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

    ALL_ATTENTION_FUNCTIONS.register(NAME, documents_attention)
