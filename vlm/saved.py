"""Models on disk: what a run exports, and how generation, evaluation and ablation get a model back.

model/model.safetensors   all weights
      model.json          name of the preset, the configuration of every part, the step of the run
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from vlm.config import ModelConfig, Preset, Stage, parse
from vlm.errors import CheckpointError, PresetError
from vlm.loader import ImageConfig, LoaderConfig
from vlm.loader.tokenizers import Tokenizer, load_tokenizer
from vlm.model.vlm import Vlm
from vlm.train.checkpoint import found, load_weights, save_weights
from vlm.train.processes import device_of


@dataclass(frozen=True, slots=True)
class Saved:
    """A model, ready to be asked."""

    model: Vlm
    tokenizer: Tokenizer
    preset: str
    stage: Stage
    """The last one it was trained in."""

    @property
    def image(self) -> ImageConfig:
        """Geometry of its images."""
        return self.model.image_config(self.stage.size)

    def loader_config(self, data: Sequence[str], *, seed: int = 0, cache_dir: str | None = None) -> LoaderConfig:
        """What a loader of documents for this model is asked for."""
        return LoaderConfig(
            datasets=tuple(data),
            batch_size=self.stage.batch_size,
            seq_len=self.stage.seq_len,
            tokenizer=self.model.config.language.tokenizer,
            image=self.image,
            view=self.stage.view,
            seed=seed,
            cache_dir=cache_dir,
            dtype="float32",
        )


def export(model: Vlm, preset: Preset, folder: Path) -> Path:
    """Write weights and configuration for `load_saved`; the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    save_weights(dict(model.state_dict()), folder / "model.safetensors")
    about = {"preset": preset.name, "model": asdict(preset.model), "stage": asdict(preset.stages[-1])}
    (folder / "model.json").write_text(json.dumps(about, indent=1), "utf-8")
    return folder


def export_run(path: Path) -> Path:
    """The model of a run's last checkpoint as a folder beside it, replicated or sharded as it was; the folder."""
    last, folder = found(path / "checkpoints")[-1], path / "model"
    state = read_json(last / "state.json")
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / ".part-model.safetensors"
    shutil.copyfile(last / "model.safetensors", part)
    part.replace(folder / "model.safetensors")
    about = {name: state[name] for name in ("preset", "model", "stage", "step")}
    (folder / "model.json").write_text(json.dumps(about, indent=1), "utf-8")
    return folder


def load_saved(path: Path, *, device: str = "cpu") -> Saved:
    """The model of an exported folder, or of a run (its last checkpoint, or the export of that).

    Raises CheckpointError where there is none, PresetError where there is no such device.
    """
    where = device_of(device)
    there = found(path / "checkpoints")
    folder = next((p for p in (path, path / "model") if (p / "model.json").is_file()), None)
    about = {} if folder is None else read_json(folder / "model.json")
    if there and folder != path and about.get("step") != int(there[-1].name[5:]):  # trained on, or back, since then
        folder = there[-1]
        about = read_json(folder / "state.json")
    if folder is None:
        raise CheckpointError(f"{path} holds no model: neither model.json, nor a run with checkpoints")
    try:
        config, stage = parse(ModelConfig, about["model"], "model"), parse(Stage, about["stage"], "stage")
    except (PresetError, KeyError) as error:
        raise CheckpointError(f"{folder}: {error}") from error
    tokenizer = load_tokenizer(config.language.tokenizer)
    model = Vlm(config, tokenizer.specials.vocab_size)
    weights = load_weights(folder / "model.safetensors")
    try:
        model.load_state_dict(weights)
    except RuntimeError as error:
        raise CheckpointError(f"{folder}: its weights are of another model: {str(error)[:300]}") from error
    return Saved(model.to(where).eval(), tokenizer, about["preset"], stage)


def read_json(path: Path) -> dict[str, Any]:
    """The object that a JSON file holds. Raises CheckpointError where it cannot be read."""
    try:
        there: Any = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{path} cannot be read: {error}") from error
    if not isinstance(there, dict):
        raise CheckpointError(f"{path} cannot be read: it holds no object")
    return there


def export_language(saved: Saved, folder: Path) -> Path:
    """Its language model alone, as transformers reads it (`model.language.model = PATH`); the folder."""
    with torch.no_grad():
        saved.model.language.save_pretrained(folder)
    return folder
