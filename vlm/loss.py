"""The loss: float32, summed over tokens, divided by the number of target tokens of all ranks and micro-batches.

So a token weighs the same whatever rank, row or micro-batch it stands in. z-loss (arXiv:2204.02311, section 5) is the
mean square of the log-normaliser, with its own weight. Sums are kept by source, so each dataset has its own curve.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from vlm.loader import Batch
from vlm.model.vlm import TokenLoss


@dataclass(slots=True)
class Sums:
    """What is added up over micro-batches and ranks; all float64, on the device of the batch."""

    nll: Tensor
    """(datasets,)"""
    count: Tensor
    """(datasets,)"""
    z: Tensor
    """() sum of squares of log-normalisers."""

    @classmethod
    def zeros(cls, datasets: int, device: torch.device) -> Sums:
        """Nothing yet."""
        wide: dict[str, Any] = {"dtype": torch.float64, "device": device}
        return cls(torch.zeros(datasets, **wide), torch.zeros(datasets, **wide), torch.zeros((), **wide))

    def add(self, tokens: TokenLoss, batch: Batch) -> None:
        """Add the tokens of a batch."""
        sources = source_of(tokens, batch)
        self.nll.index_add_(0, sources, tokens.nll.detach().double())
        self.count.index_add_(0, sources, torch.ones_like(sources, dtype=torch.float64))
        self.z += tokens.z.detach().double().square().sum()

    def flat(self) -> Tensor:
        """All in one tensor, to be summed over ranks in one go."""
        return torch.cat([self.nll, self.count, self.z[None]])

    @classmethod
    def of(cls, flat: Tensor) -> Sums:
        """What `flat` gave."""
        n = len(flat) // 2
        return cls(flat[:n], flat[n : 2 * n], flat[-1])

    @property
    def mean(self) -> float:
        """Mean loss of a token; NaN where there was none."""
        return float(self.nll.sum() / self.count.sum())

    @property
    def z_mean(self) -> float:
        """Mean square of the log-normaliser."""
        return float(self.z / self.count.sum())

    def by_source(self) -> list[float]:
        """Mean loss of a token of each dataset; NaN where there was none."""
        found: list[float] = (self.nll / self.count).tolist()
        return found


def source_of(tokens: TokenLoss, batch: Batch) -> Tensor:
    """(T,) the dataset of each target."""
    documents = batch.document_ids.flatten()[tokens.where].long()
    return batch.sources[:, 3][documents]


def objective(tokens: TokenLoss, total: float, z_weight: float) -> Tensor:
    """What is differentiated: this batch's share of the mean over `total` tokens."""
    loss = tokens.nll.sum()
    if z_weight:
        loss = loss + z_weight * tokens.z.square().sum()
    return loss / total
