"""What the trainer gets: packed tokens, images as patches, and how the two belong together. No dense masks.

Legend: B rows, L tokens of a row, S segments (pieces of documents), I images, G grids (crops of images), N patches,
P pixels of the side of a patch.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

import torch
from torch import Tensor

from vlm.loader.faults import Fault


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Batch:
    """The rows of one step on one rank."""

    tokens: Tensor
    """int64 (B, L). Text, bos and eos, and for images `image_start`, `image` x tokens, `image_end`; then `pad`."""
    loss_mask: Tensor
    """bool (B, L). True where the token is one to be predicted: texts and eos; never the first of a segment, an image,
    padding, or anything that is a placeholder for what could not be read."""
    valid: Tensor
    """bool (B, L). False where nothing may attend to the token: padding, and placeholders."""
    positions: Tensor
    """int32 (B, L). 0, 1, 2, ... from the start of each segment; 0 in the padding."""
    document_ids: Tensor
    """int32 (B, L). Number of the segment within the batch, -1 in the padding. Attention stays within equal numbers."""
    cu_seqlens: Tensor
    """int32 (S' + 1,). Borders of the segments in the B x L tokens in a row; the padding of a row is a segment too, so
    the last number is B x L (what FlashAttention's varlen calls want)."""
    max_seqlen: int
    """Longest stretch between two numbers of `cu_seqlens`."""
    image_index: Tensor
    """int32 (B, L). Which image (0 to I - 1) the token stands for; -1 for all but `image` tokens."""
    last_image: Tensor
    """int32 (B, L). The image that began last at or before the token in its segment; -1 for none (cross-attention)."""
    patches: Tensor
    """(N, 3 * P * P), the configured dtype. Normalised; channel, row, column within a patch; zeros for a bad image."""
    grids: Tensor
    """int32 (G, 2). Patches of each crop, vertically and horizontally; its patches are in rows from the top left."""
    cu_patches: Tensor
    """int32 (G + 1,). Borders of the crops in `patches`."""
    grid_image: Tensor
    """int32 (G,). The image of each crop: tiles from the top left, then the thumbnail."""
    image_ok: Tensor
    """bool (I,). False for a placeholder."""
    sources: Tensor
    """int64 (S, 8). For each segment: row, first token, tokens, dataset, epoch, shard, document (row of its index),
    1 if it begins the document + 2 if it ends it."""
    keys: tuple[str, ...]
    """S document ids."""
    faults: tuple[Fault, ...]
    """What could not be read."""
    step: int
    """The optimiser step that this is for, from 0."""
    useful_tokens: int
    """Tokens that are not padding."""
    num_targets: int
    """Tokens that are to be predicted (`target_mask`): known on the host, so that nobody asks the device for it."""

    def to(self, device: torch.device | str, *, non_blocking: bool = False) -> Batch:
        """The same batch with its tensors on `device`."""
        moved: dict[str, Any] = {k: v.to(device, non_blocking=non_blocking) for k, v in self.tensors().items()}
        return replace(self, **moved)

    def pin_memory(self) -> Batch:
        """The same batch with its tensors in page-locked memory (needs CUDA)."""
        pinned: dict[str, Any] = {k: v.pin_memory() for k, v in self.tensors().items()}
        return replace(self, **pinned)

    def tensors(self) -> dict[str, Tensor]:
        """The fields that are tensors, by name."""
        values: dict[str, Any] = {f.name: getattr(self, f.name) for f in fields(self)}
        return {k: v for k, v in values.items() if isinstance(v, Tensor)}


def target_mask(loss_mask: Tensor, valid: Tensor) -> Tensor:
    """bool (B, L): tokens that are to be predicted and have something readable before them."""
    mask = loss_mask & valid
    mask[:, 1:] &= valid[:, :-1]
    mask[:, 0] = False
    return mask
