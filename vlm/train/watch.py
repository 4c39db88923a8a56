"""Stops a run whose loss or gradient is no number, without making the host wait for the device in each step.

On a GPU the figures of a step are read while the next one is computed, so the device always has work before it; what is
read a step late is still read before anything is reported or saved. On a CPU they are read at once.
"""

from __future__ import annotations

import math
from collections import deque
from pathlib import Path
from typing import Any, NamedTuple

import torch
import torch.distributed as dist
from torch import Tensor

from vlm.errors import LossError
from vlm.loader import Batch
from vlm.train import checkpoint
from vlm.train.processes import World


class _Figures(NamedTuple):
    """Of one step: loss and norm of all ranks, loss of this one; on their way to the host."""

    step: int
    keys: list[str]
    values: Tensor
    ready: torch.cuda.Event | None


class Watch:
    """Reads what each step gave: at once on a CPU, a step late on a GPU."""

    def __init__(self, where: World, checkpoints: Path) -> None:
        """`checkpoints`: the folder whose last one the error names."""
        self._where, self._checkpoints = where, checkpoints
        self.late = int(where.device.type == "cuda")
        """Steps whose figures may be unread while the next is computed."""
        self._unread: deque[_Figures] = deque()

    def add(self, step: int, batches: list[Batch], loss: Tensor, norm: Tensor, own: Tensor) -> None:
        """Take the figures of a step, and read those that are due. Raises LossError.

        Args:
            step: its number.
            batches: what it was computed on.
            loss: sum over the targets of all ranks, the same on each.
            norm: of the gradient, the same on each rank.
            own: sum over the targets of this rank.
        """
        values = torch.stack([loss.double(), norm.double(), own.double()]).to("cpu", non_blocking=True)
        ready = None
        if self._where.device.type == "cuda":
            ready = torch.cuda.Event()  # type: ignore[no-untyped-call]
            ready.record()
        self._unread.append(_Figures(step, [key for batch in batches for key in batch.keys], values, ready))
        self._read(self.late)

    def read(self) -> None:
        """Read all that is left. Raises LossError."""
        self._read(0)

    def _read(self, leave: int) -> None:
        while len(self._unread) > leave:
            figures = self._unread.popleft()
            if figures.ready is not None:
                figures.ready.synchronize()
            loss, norm, own = figures.values.tolist()
            for what, value, blamed in (("loss", loss, not math.isfinite(own)), ("gradient", norm, True)):
                if not math.isfinite(value):
                    self._stop(f"the {what} of step {figures.step} is not finite", figures.keys if blamed else [])

    def _stop(self, why: str, keys: list[str]) -> None:
        """Name the documents of all ranks that are to blame."""
        keys = sorted(set(keys))
        named: list[Any] = [keys]
        if self._where.size > 1:
            named = [None] * self._where.size
            dist.all_gather_object(named, keys)
        documents = ", ".join(key for rank in named for key in rank)
        there = checkpoint.found(self._checkpoints)
        back = f"; the last checkpoint is {there[-1]}" if there else ""
        raise LossError(f"{why}; documents of the batch: {documents}{back}")
