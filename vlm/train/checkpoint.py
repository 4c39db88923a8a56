"""Checkpoints: model, optimiser, step, loader state; whole or not at all; readable on another number of ranks.

    checkpoints/step-00000250/model.safetensors   all weights
                              optimizer.pt        AdamW's moments, by parameter name
                              state.json          step, stage, loader, preset

The schedule is a function of the step, and so is the randomness (`seed_step`): neither needs a state of its own.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import nn
from torch.distributed.checkpoint.state_dict import (
    StateDictOptions,
    get_model_state_dict,
    get_optimizer_state_dict,
    set_model_state_dict,
    set_optimizer_state_dict,
)

from vlm.config import ModelConfig
from vlm.errors import CheckpointError
from vlm.train.processes import World

_FULL = StateDictOptions(full_state_dict=True, cpu_offload=True)


def seed_step(seed: int, step: int, rank: int) -> None:
    """Make all randomness of a step a function of (seed, step, rank)."""
    torch.manual_seed((seed * 1_000_003 + step) * 4_099 + rank)


def found(folder: Path) -> list[Path]:
    """Checkpoints of a run, oldest first."""
    return sorted(path for path in folder.glob("step-*") if (path / "state.json").is_file())


def save(
    folder: Path,
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    state: dict[str, Any],
    where: World,
    *,
    keep: int,
) -> Path:
    """Write a checkpoint under its step; all ranks call it, the first writes. Older ones than the last `keep` go."""
    weights = get_model_state_dict(model, options=_FULL)
    moments = get_optimizer_state_dict(model, optimizer, options=_FULL)
    path = folder / f"step-{state['step']:08d}"
    if where.is_first:
        part = folder / f".part-{path.name}"
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
        save_weights(weights, part / "model.safetensors")
        torch.save(moments, part / "optimizer.pt")
        (part / "state.json").write_text(json.dumps(state), "utf-8")
        shutil.rmtree(path, ignore_errors=True)
        part.replace(path)
        for old in found(folder)[:-keep] if keep else []:
            shutil.rmtree(old)
    where.barrier()
    return path


def save_weights(weights: dict[str, Any], path: Path) -> None:
    """Tensors as safetensors; those that share memory (tied embeddings) once."""
    seen: dict[tuple[int, torch.Size], str] = {}
    kept, same = {}, {}
    for name, value in weights.items():
        place = (value.data_ptr(), value.shape)
        if value.numel() and place in seen:
            same[name] = seen[place]
            continue
        seen[place] = name
        kept[name] = value.contiguous()
    save_file(kept, path, metadata={"same": json.dumps(same)})


def load_weights(path: Path) -> dict[str, torch.Tensor]:
    """What `save_weights` wrote. Raises CheckpointError where the file is broken."""
    try:
        with safe_open(path, framework="pt") as file:
            weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a dict
            same = json.loads((file.metadata() or {}).get("same", "{}"))
    except Exception as error:  # the library raises its own bare class
        raise CheckpointError(f"{path} cannot be read: {error}") from error
    return weights | {name: weights[first] for name, first in same.items()}


def read_state(path: Path, config: ModelConfig) -> dict[str, Any]:
    """`state.json`. Raises CheckpointError where it is of another model; the message names what differs."""
    try:
        state: dict[str, Any] = json.loads((path / "state.json").read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{path} is no checkpoint: {error}") from error
    wanted = json.loads(json.dumps(asdict(config)))
    different = sorted(_differences(state["model"], wanted))
    if different:
        raise CheckpointError(f"{path} is of another model: {'; '.join(different[:5])}")
    return state


def _differences(a: Any, b: Any, where: str = "model") -> list[str]:
    if isinstance(a, dict) and isinstance(b, dict):
        return [d for key in a.keys() | b.keys() for d in _differences(a.get(key), b.get(key), f"{where}.{key}")]
    return [] if a == b else [f"{where} was {a!r}, is {b!r}"]


def load(path: Path, model: nn.Module, optimizer: torch.optim.Optimizer | None) -> None:
    """Put weights (and moments) of a checkpoint into the model; all ranks call it."""
    options = StateDictOptions(full_state_dict=True)
    weights: dict[str, Any] = dict(load_weights(path / "model.safetensors"))
    set_model_state_dict(model, weights, options=options)
    if optimizer is not None:
        try:
            moments = torch.load(path / "optimizer.pt", map_location="cpu", weights_only=True)
        except (OSError, RuntimeError, EOFError) as error:
            raise CheckpointError(f"{path / 'optimizer.pt'} cannot be read: {error}") from error
        set_optimizer_state_dict(model, optimizer, moments, options=options)
