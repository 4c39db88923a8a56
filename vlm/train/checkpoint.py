"""Checkpoints: model, optimiser, step, loader state; whole or not at all; readable on another number of ranks.

    checkpoints/step-00000250/model.safetensors   all weights
                              optimizer.pt        AdamW's moments, by parameter name
                              state.json          step, stage, loader, preset

The schedule is a function of the step, and so is the randomness (`seed_step`): neither needs a state of its own.
"""

from __future__ import annotations

import json
import os
import pickle
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

from vlm.config import ModelConfig, parse
from vlm.errors import CheckpointError, PresetError
from vlm.train.processes import World

_FULL = StateDictOptions(full_state_dict=True, cpu_offload=True)


def seed_step(seed: int, step: int, rank: int) -> None:
    """Make all randomness of a step a function of (seed, step, rank)."""
    torch.manual_seed((seed * 1_000_003 + step) * 4_099 + rank)


def found(folder: Path) -> list[Path]:
    """Checkpoints of a run, oldest first."""
    named = (path for path in folder.glob("step-*") if path.name[5:].isdigit())
    return sorted(path for path in named if (path / "state.json").is_file())


def remove(path: Path) -> None:
    """Delete a checkpoint; one that was half deleted is none any more."""
    (path / "state.json").unlink(missing_ok=True)
    shutil.rmtree(path)


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
        for left in folder.glob(".part-*"):  # of attempts that were killed
            shutil.rmtree(left, ignore_errors=True)
        part.mkdir(parents=True)
        save_weights(weights, part / "model.safetensors")
        torch.save(moments, part / "optimizer.pt")
        (part / "state.json").write_text(json.dumps(state), "utf-8")
        for file in part.iterdir():  # on disk before it has its name, whatever becomes of the machine
            with file.open("rb") as written:
                os.fsync(written.fileno())
        shutil.rmtree(path, ignore_errors=True)
        part.replace(path)
        for old in found(folder)[:-keep] if keep else []:
            remove(old)
    where.barrier()
    return path


def save_weights(weights: dict[str, Any], path: Path) -> None:
    """Tensors as safetensors, whole or not at all; those that share memory (tied embeddings) once."""
    seen: dict[tuple[int, torch.Size], str] = {}
    kept, same = {}, {}
    for name, value in weights.items():
        place = (value.data_ptr(), value.shape)
        if value.numel() and place in seen:
            same[name] = seen[place]
            continue
        seen[place] = name
        kept[name] = value.contiguous()
    part = path.with_name(f".part-{path.name}")
    save_file(kept, part, metadata={"same": json.dumps(same)})
    part.chmod(path.parent.stat().st_mode & 0o666)  # the library writes for its owner's eyes only
    part.replace(path)


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
        there = {name: state[name] for name in ("model", "step", "number", "loader")}["model"]
        model = json.loads(json.dumps(asdict(parse(ModelConfig, there, "model"))))  # what is new since then is as ever
    except (OSError, ValueError, KeyError, TypeError, PresetError) as error:
        raise CheckpointError(f"{path} is no checkpoint: {error!r}{_way_back(path)}") from error
    wanted = json.loads(json.dumps(asdict(config)))
    different = sorted(_differences(model, wanted))
    if different:
        raise CheckpointError(f"{path} is of another model: {'; '.join(different[:5])}")
    return state


def _differences(a: Any, b: Any, where: str = "model") -> list[str]:
    if isinstance(a, dict) and isinstance(b, dict):
        return [d for key in a.keys() | b.keys() for d in _differences(a.get(key), b.get(key), f"{where}.{key}")]
    return [] if a == b else [f"{where} was {a!r}, is {b!r}"]


def load(path: Path, model: nn.Module, optimizer: torch.optim.Optimizer | None) -> None:
    """Put weights (and moments) of a checkpoint into the model; all ranks call it.

    Raises CheckpointError where a file is broken; the message says how to go back to the one before it.
    """
    options = StateDictOptions(full_state_dict=True)
    try:
        weights: dict[str, Any] = dict(load_weights(path / "model.safetensors"))
        moments = None if optimizer is None else _moments(path / "optimizer.pt")
    except CheckpointError as error:
        raise CheckpointError(f"{error}{_way_back(path)}") from error
    set_model_state_dict(model, weights, options=options)
    if optimizer is not None and moments is not None:
        set_optimizer_state_dict(model, optimizer, moments, options=options)


def _moments(path: Path) -> dict[str, Any]:
    try:
        moments: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, EOFError, ValueError, pickle.UnpicklingError) as error:
        raise CheckpointError(f"{path} cannot be read: {str(error).partition('. ')[0]}") from error
    return moments


def _way_back(path: Path) -> str:
    """The option that leads to the checkpoint before this one, where there is one."""
    before = [other for other in found(path.parent) if other.name < path.name]
    return f"; --rollback {int(before[-1].name[5:])} goes back to the one before it" if before else ""
