"""The processes of a run: started by torchrun or alone; sums over all; replicas (DDP) or shards (FSDP2) of the model.

DDP and FSDP2 average gradients over ranks, so the objective, which is divided by the tokens of all, is multiplied by
the number of ranks. A process that is gone shows as a failed or late collective: that becomes `RankLost`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

import torch
import torch.distributed as dist
from torch import Tensor, nn

from vlm.errors import PresetError, RankLost
from vlm.model.language import layers_of
from vlm.model.vlm import Vlm

_GONE = re.compile(r"connection (closed|reset|refused)|timed? ?out|timeout|broken pipe|nccl|gloo|peer", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class World:
    """Which process this is."""

    rank: int
    size: int
    device: torch.device
    strategy: Literal["ddp", "fsdp"]

    @property
    def is_first(self) -> bool:
        """Whether this process writes files."""
        return self.rank == 0

    def sum(self, values: Tensor) -> Tensor:
        """`values` summed over all ranks."""
        if self.size > 1:
            dist.all_reduce(values)
        return values

    def barrier(self) -> None:
        """Wait for all."""
        if self.size > 1:
            dist.barrier()


def device_of(name: str) -> torch.device:
    """The device of that name. Raises PresetError where there is none such here."""
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:
        raise PresetError(f"device {name} cannot be used here: {str(error).splitlines()[0]}") from error
    return device


@contextmanager
def world(strategy: Literal["ddp", "fsdp"], timeout_s: float, device: str = "auto") -> Iterator[World]:
    """The process group of torchrun's environment, or a world of one; closed at the end."""
    size, rank = int(os.environ.get("WORLD_SIZE", "1")), int(os.environ.get("RANK", "0"))
    wants_cuda = device == "cuda" or (device == "auto" and torch.cuda.is_available())
    where = device_of(f"cuda:{os.environ.get('LOCAL_RANK', '0')}" if wants_cuda else "cpu")
    if wants_cuda:
        torch.cuda.set_device(where)
    if size > 1:
        backend = "cpu:gloo,cuda:nccl" if wants_cuda else "gloo"
        dist.init_process_group(backend, timeout=timedelta(seconds=timeout_s))
    try:
        yield World(rank, size, where, strategy)
    except (RuntimeError, ConnectionError) as error:
        if size > 1 and _GONE.search(str(error)):
            raise RankLost(f"rank {rank} of {size} lost another rank: {str(error).splitlines()[0][:200]}") from error
        raise
    finally:
        if size > 1 and dist.is_initialized():
            dist.destroy_process_group()


def wrap(model: Vlm, where: World, *, bf16: bool) -> nn.Module:
    """The model as this world trains it; parameters that learn must have been chosen."""
    if where.size == 1:
        return model
    if where.strategy == "ddp":
        ids = [where.device.index] if where.device.type == "cuda" else None
        return nn.parallel.DistributedDataParallel(model, device_ids=ids, gradient_as_bucket_view=True)
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import MixedPrecisionPolicy, fully_shard

    policy = MixedPrecisionPolicy(
        param_dtype=torch.bfloat16 if bf16 else None, reduce_dtype=torch.float32, cast_forward_inputs=False
    )
    mesh = init_device_mesh(where.device.type, (where.size,))
    options: dict[str, Any] = {"mesh": mesh, "mp_policy": policy}
    for layer in (*layers_of(model.language), *model.cross.values(), model.vision, model.mapper):
        if any(True for _ in layer.parameters()):
            fully_shard(layer, **options)
    fully_shard(model, **options)
    return model


def without_sync(model: nn.Module, where: World, last: bool) -> Any:
    """A context in which gradients stay local, unless this is the last micro-batch of a step."""
    if where.size == 1:
        return nullcontext()
    if where.strategy == "fsdp":
        model.set_requires_gradient_sync(last)  # type: ignore[operator]
        return nullcontext()
    return nullcontext() if last else model.no_sync()  # type: ignore[operator]
