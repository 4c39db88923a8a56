"""Model FLOPs of real tokens, for MFU (PaLM, arXiv:2204.02311, appendix B): no padding, no recomputation, no mask.

A matrix of N weights costs 2 N a token forward. Backward costs as much again for the gradient of the input, where
anything before it learns, and as much again for that of the weights, where they learn: what is frozen counts less.
Attention counts by the pairs that see each other; that of text to images (gated cross-attention) is left out.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from vlm.loader import Batch
from vlm.model.language import attention_width_of, layers_of
from vlm.model.mapper import matrices
from vlm.model.vlm import Vlm

PEAK = {"H100": 989e12, "H200": 989e12, "A100": 312e12, "B200": 2250e12, "L40S": 362e12}
"""Dense bf16 FLOP/s of the vendor's data sheets (SXM parts)."""


def peak_of(device: torch.device) -> float | None:
    """FLOP/s of the device, where it is known."""
    if device.type != "cuda":
        return None
    name = torch.cuda.get_device_name(device)
    return next((value for part, value in PEAK.items() if part in name), None)


@dataclass(frozen=True, slots=True)
class Flops:
    """FLOPs of a batch, language and vision apart."""

    language: Tensor
    vision: Tensor

    @property
    def total(self) -> Tensor:
        """Both."""
        return self.language + self.vision


class FlopCounter:
    """Counts by shapes; made once a stage, because what learns decides what is computed."""

    def __init__(self, model: Vlm) -> None:
        """Reads which parameters learn."""
        self._model, layers = model, layers_of(model.language)
        head = model.language.get_output_embeddings().weight
        parts = nn.ModuleList([layers, model.adapter])
        weights, learnt = matrices(parts), sum(p.numel() for p in parts.parameters() if p.ndim >= 2 and learns(p))
        share = 1 - first_that_learns(model) / len(layers)  # of the layers, through which gradients flow back
        self._a_token = 2 * (weights * (1 + share) + learnt)
        self._a_target = 2 * head.numel() * (2 + learns(head))
        self._a_pair = 2 * attention_width_of(model.language) * len(layers) * (1 + 2 * share)
        keys = sum(matrices(getattr(block, name)) for block in model.cross.values() for name in "kv")
        cross = matrices(model.cross) - keys
        self._cross, self._cross_keys = 2 * cross * _factor(model.cross, 2), 2 * keys * _factor(model.cross, 2)
        self._prompt = 0 if model.prompt is None else len(model.prompt)
        self._mapper, self._vision = _factor(model.mapper, 2), _factor(model.vision, 1)

    def count(self, batch: Batch) -> Flops:
        """Of one forward and backward pass; on the device of the batch, which is not waited for."""
        pairs = ((batch.sources[:, 2].double() + self._prompt) ** 2).sum()
        language = self._a_token * batch.useful_tokens + self._a_target * batch.num_targets + self._a_pair * pairs
        crops = len(batch.grids)
        if not crops:
            return Flops(language + self._cross * batch.useful_tokens, 0 * pairs)
        side = math.isqrt(len(batch.patches) // crops)  # crops of native sizes count as squares of the mean
        features = self._model.vision.tokens((side, side))
        sources, grid = self._model.config.vision.last, self._model.vision.grid((side, side))
        keys = self._model.mapper.tokens(features, grid) * crops
        language = language + self._cross * batch.useful_tokens + self._cross_keys * keys
        tower = self._model.vision.flops((side, side)) * self._vision
        mapper = self._model.mapper.flops(features, grid) * self._mapper * sources
        return Flops(language, crops * (tower + mapper) + 0 * pairs)


def learns(parameter: Tensor) -> bool:
    """Whether it does."""
    return parameter.requires_grad


def first_that_learns(model: Vlm) -> int:
    """The first layer of the language model that gradients come back to: something in it or before it learns."""
    layers, inject = layers_of(model.language), model.config.inject
    image = any(learns(p) for part in (model.mapper, model.vision) for p in part.parameters())
    embeds = any(learns(p) for p in model.language.get_input_embeddings().parameters())
    if embeds or (model.prompt is not None and learns(model.prompt)) or (image and inject.input):
        return 0
    enters = [int(n) for n, block in model.cross.items() if image or any(learns(p) for p in block.parameters())]
    enters += [min(inject.inner.layers)] if image and inject.inner is not None else []
    enters += [
        int(n) + 1 for n in (*model.scale, *(n for n, a in model.adapter.items() if any(map(learns, a.parameters()))))
    ]
    enters += [n for n, layer in enumerate(layers) if any(learns(p) for p in layer.parameters())]
    return min(enters, default=len(layers))


def _factor(module: nn.Module, frozen: int) -> int:
    return 3 if any(learns(p) for p in module.parameters()) else frozen
