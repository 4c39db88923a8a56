"""Gated cross-attention (Flamingo, arXiv:2204.14198, section 2.2): text looks at the image before it, through gates.

The gates' tanh is zero at first, so the language model starts as it was. A token sees the tokens of the last image that
began before it in its document (or of all of them), never an image that could not be read; with none it gets zero.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

from vlm.config import CrossConfig
from vlm.loader import Batch
from vlm.model.attention import blocks_of, extent, flex, in_blocks
from vlm.model.mapper import split


@dataclass(frozen=True, slots=True, kw_only=True)
class Media:
    """The images of a batch, as keys, and which of them each token sees.

    T tokens of all rows in a row, prompt included; K image tokens in a row.
    """

    features: Tensor
    """(K, width)."""
    image_of_key: Tensor
    """(K,) number of the image, -1 for one that could not be read."""
    first: Tensor
    """(T,) first image that the token sees, -1 for none."""
    last: Tensor
    """(T,) last image that the token sees, -1 for none."""
    sees: Tensor
    """(T, 1) whether it sees any."""
    cache: dict[str, Any] = field(default_factory=dict)

    def last_token(self) -> Media:
        """What the last token sees."""
        return replace(self, first=self.first[-1:], last=self.last[-1:], sees=self.sees[-1:])


def media_of(batch: Batch, features: Tensor, image_of_key: Tensor, config: CrossConfig, prompt: int) -> Media:
    """What the blocks need, once a batch. `image_of_key` is rising."""
    last = batch.last_image.long()
    ok = torch.cat([batch.image_ok, batch.image_ok.new_zeros(1)])
    if config.attend == "last_image":
        last = torch.where(ok[last], last, -1)
        first, sees = last, last >= 0
    else:
        first = _first_image(batch, last)
        count = torch.cat([ok.new_zeros(1, dtype=torch.long), ok[:-1].long().cumsum(0)])
        sees = (last >= 0) & (count[last + 1] > count[first.clamp(min=0)])
        last, first = torch.where(sees, last, -1), torch.where(sees, first, -1)
    if prompt:
        front = last.new_full((len(last), prompt), -1)
        first, last = torch.cat([front, first], 1), torch.cat([front, last], 1)
        sees = torch.cat([front >= 0, sees], 1)
    readable = torch.where(batch.image_ok[image_of_key], image_of_key, -1) if len(image_of_key) else image_of_key
    return Media(
        features=features,
        image_of_key=readable,
        first=first.flatten(),
        last=last.flatten(),
        sees=sees.flatten()[:, None],
    )


def _first_image(batch: Batch, last: Tensor) -> Tensor:
    """(B, L) the first image of each token's document, among those before it; -1 for none."""
    documents = batch.document_ids.long()
    segments = len(batch.sources)
    big = len(batch.image_ok)
    lowest = torch.full((segments + 1,), big, device=last.device)
    where = torch.where(last >= 0, documents, segments)
    lowest = lowest.scatter_reduce(0, where.flatten(), torch.where(last >= 0, last, big).flatten(), "amin")
    return torch.where(last >= 0, lowest[where], -1)


class GatedCross(nn.Module):
    """Cross-attention and an FFN, each behind a tanh gate that starts at zero."""

    def __init__(self, width: int, features: int, config: CrossConfig) -> None:
        """`width` of the language model, `features` of an image token."""
        super().__init__()
        inner = config.heads * config.head_width
        self.heads, self.skips = config.heads, config.skip_without_image
        self.norm = nn.LayerNorm(width)
        self.q = nn.Linear(width, inner, bias=False)
        self.k = nn.Linear(features, inner, bias=False)
        self.v = nn.Linear(features, inner, bias=False)
        self.out = nn.Linear(inner, width, bias=False)
        self.gate = nn.Parameter(torch.zeros(1))
        self.norm_ffn = nn.LayerNorm(width)
        self.ffn = nn.Sequential(
            nn.Linear(width, 4 * width, bias=False), nn.GELU(), nn.Linear(4 * width, width, bias=False)
        )
        self.gate_ffn = nn.Parameter(torch.zeros(1))

    def forward(self, hidden: Tensor, media: Media) -> Tensor:
        """(B, L, width), changed by what the tokens see."""
        flat = hidden.flatten(0, 1)
        seen = self._look(self.norm(flat), media) if len(media.features) else self._nothing(flat, media)
        seen = torch.where(media.sees, seen, 0)
        flat = flat + self.gate.tanh().to(flat.dtype) * seen.to(flat.dtype)
        more = self.ffn(self.norm_ffn(flat))
        if self.skips:
            more = torch.where(media.sees, more, 0)
        flat = flat + self.gate_ffn.tanh().to(flat.dtype) * more.to(flat.dtype)
        changed: Tensor = flat.view(hidden.shape)
        return changed

    def _nothing(self, flat: Tensor, media: Media) -> Tensor:
        """Zeros that hang on every parameter: a rank whose batch has no image takes part in the backward pass."""
        used = sum(layer.weight.sum() for layer in (self.norm, self.q, self.k, self.v, self.out))
        return torch.zeros_like(flat) + 0 * (used + self.norm.bias.sum() + media.features.sum()).to(flat.dtype)

    def _look(self, flat: Tensor, media: Media) -> Tensor:
        features = media.features.to(flat.dtype)
        pairs = ((self.q, flat), (self.k, features), (self.v, features))
        q, k, v = (split(layer(x)[None], self.heads) for layer, x in pairs)  # (1, heads, n, head width)
        blocks = flat.device.type == "cuda" and len(flat) > 1  # one token, of a text that is being written, is one run
        out = flex(q, k, v, block_mask=block_mask(media)) if blocks else _each_run(q, k, v, media)
        return self.out(out[0].transpose(0, 1).flatten(1))  # type: ignore[no-any-return]


def _each_run(q: Tensor, k: Tensor, v: Tensor, media: Media) -> Tensor:
    """One call of attention for each run of tokens that see the same images; zeros for the others."""
    if "runs" not in media.cache:
        pairs = torch.stack([media.first, media.last])
        values, counts = torch.unique_consecutive(pairs, dim=1, return_counts=True)
        images = media.image_of_key
        media.cache["runs"] = [
            (count, ((images >= first) & (images <= last)).nonzero()[:, 0] if last >= 0 else None)
            for (first, last), count in zip(values.T.tolist(), counts.tolist(), strict=True)
        ]
    out, at = [], 0
    for count, keys in media.cache["runs"]:
        run = q[:, :, at : at + count]
        at += count
        out.append(
            torch.zeros_like(run) if keys is None else scaled_dot_product_attention(run, k[:, :, keys], v[:, :, keys])
        )
    return torch.cat([part.to(v.dtype) for part in out], 2)


def block_mask(media: Media) -> Any:
    """Flex attention's mask of the media, made once a batch."""
    if "block" not in media.cache:
        first, last, images = media.first, media.last, media.image_of_key

        def sees(b: Tensor, h: Tensor, q: Tensor, k: Tensor) -> Tensor:  # noqa: ARG001 - the signature is flex attention's
            return (last[q] >= 0) & (images[k] >= first[q]) & (images[k] <= last[q])

        firsts, lasts, keys = (in_blocks(values[None], -1) for values in (first, last, images))
        looks, there = lasts >= 0, keys >= 0
        (first_low, first_high), (_, last_high) = extent(firsts, looks), extent(lasts, looks)
        low, high = extent(keys, there)
        some = (low[:, None] <= last_high[..., None]) & (high[:, None] >= first_low[..., None])
        last_low = lasts.amin(-1)
        every = (keys.amin(-1)[:, None] >= first_high[..., None]) & (high[:, None] <= last_low[..., None])
        every &= looks.all(-1)[..., None]
        media.cache["block"] = blocks_of(some, every, sees, (len(first), len(images)))
    return media.cache["block"]
