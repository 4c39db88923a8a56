"""The loss on documents that were not trained on: with images, blind, and the gap between; text alone apart."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

import torch

from vlm.errors import DataError
from vlm.loader import Loader, LoaderConfig
from vlm.loss import Sums
from vlm.model.vlm import Vlm


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldOut:
    """Mean losses of a token, in nats."""

    loss: float
    blind_loss: float
    text_loss: float
    """Of the same documents without their images."""
    tokens: int
    """Targets of `loss`."""

    @property
    def blind_gap(self) -> float:
        """How much the images help."""
        return self.blind_loss - self.loss

    def row(self) -> dict[str, Any]:
        """As JSON values."""
        return {**asdict(self), "blind_gap": self.blind_gap}


@torch.no_grad()
def held_out(model: Vlm, config: LoaderConfig, *, max_tokens: int) -> HeldOut:
    """Losses on the first `max_tokens` targets of a single pass. Raises DataError where there is no target."""
    model.eval()
    config = replace(config, one_pass=True, lanes=config.batch_size)  # few lanes: few rows end with bins open
    seen, blind = _pass(model, config, max_tokens, blind=True)
    text, _ = _pass(model, replace(config, view="text_only", patch_budget=None), max_tokens, blind=False)
    if not float(seen.count.sum()):
        raise DataError(f"{', '.join(config.datasets)}: nothing to predict")
    return HeldOut(loss=seen.mean, blind_loss=blind.mean, text_loss=text.mean, tokens=int(seen.count.sum()))


def _pass(model: Vlm, config: LoaderConfig, max_tokens: int, *, blind: bool) -> tuple[Sums, Sums]:
    device = next(model.parameters()).device
    loader = Loader(config)
    both = Sums.zeros(len(config.datasets), device), Sums.zeros(len(config.datasets), device)
    for batch in loader:
        for sums, is_blind in zip(both, (False, True), strict=True):
            if blind or not is_blind:
                sums.add(model(batch, blind=is_blind), batch)
        if float(both[0].count.sum()) >= max_tokens:
            break
    loader.close()
    return both
