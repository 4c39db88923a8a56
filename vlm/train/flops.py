"""Model FLOPs of real tokens, for MFU (PaLM, arXiv:2204.02311, appendix B): no padding, no recomputation, no mask.

A matrix of N weights costs 2 N a token forward. Backward costs as much again for the gradient of the input, where
anything before it learns, and as much again for that of the weights, where they learn.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from vlm.loader import Batch
from vlm.model.language import layers_of, width_of
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

    language: float
    vision: float

    @property
    def total(self) -> float:
        """Both."""
        return self.language + self.vision


class FlopCounter:
    """Counts by shapes; made once a stage, because what learns decides what is computed."""

    def __init__(self, model: Vlm) -> None:
        """Reads which parameters learn."""
        language = model.language
        self._weights = sum(p.numel() for n, p in layers_of(language).named_parameters() if p.ndim == 2)
        self._head = language.get_output_embeddings().weight.numel()
        self._layers, self._width = len(layers_of(language)), width_of(language)
        self._cross = sum(p.numel() for p in model.cross.parameters() if p.ndim == 2)
        self._prompt = 0 if model.prompt is None else len(model.prompt)
        self._mapper = sum(p.numel() for p in model.mapper.parameters() if p.ndim == 2)
        vision = [p for p in model.vision.parameters() if p.ndim >= 2]
        self._vision = sum(p.numel() for p in vision)
        learns = {id(p) for p in model.parameters() if p.requires_grad}
        tuned = any(id(p) in learns for p in language.parameters())
        self._language_factor = 1 + 1 + (1 if tuned else 0)  # what is injected learns, or the language model does
        self._mapper_factor = 3 if any(id(p) in learns for p in model.mapper.parameters()) else 2
        self._vision_factor = 3 if any(id(p) in learns for p in model.vision.parameters()) else 1
        self._cross_factor = 3 if any(id(p) in learns for p in model.cross.parameters()) else 2

    def count(self, batch: Batch, targets: int) -> Flops:
        """Of one forward and backward pass."""
        sizes = batch.sources[:, 2].double()
        tokens, squares = float(sizes.sum()), float(((sizes + self._prompt) ** 2).sum())
        language = 2 * (self._weights * tokens + self._head * targets) + 2 * squares * self._width * self._layers
        cross = 2 * self._cross * tokens
        patches = float(len(batch.patches))
        vision = 2 * self._vision * patches * self._vision_factor + 2 * self._mapper * patches * self._mapper_factor
        return Flops(language * self._language_factor + cross * self._cross_factor, vision)
