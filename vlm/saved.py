"""Models on disk: what a run exports, and how generation, evaluation and ablation get a model back.

model/model.safetensors   all weights
      model.json          name of the preset and the configuration of every part
"""

from __future__ import annotations

import json
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


def load_saved(path: Path, *, device: str = "cpu") -> Saved:
    """The model of an exported folder, or of a run (its export, else its last checkpoint).

    Raises CheckpointError where there is none, PresetError where there is no such device.
    """
    where = device_of(device)
    folder = next((p for p in (path, path / "model") if (p / "model.json").is_file()), None)
    if folder is not None:
        about = _json(folder / "model.json")
    else:
        there = found(path / "checkpoints")
        if not there:
            raise CheckpointError(f"{path} holds no model: neither model.json, nor a run with checkpoints")
        folder = there[-1]
        about = _json(folder / "state.json")
    try:
        config, stage = parse(ModelConfig, about["model"], "model"), parse(Stage, about["stage"], "stage")
    except (PresetError, KeyError) as error:
        raise CheckpointError(f"{folder}: {error}") from error
    tokenizer = load_tokenizer(config.language.tokenizer)
    model = Vlm(config, tokenizer.specials.vocab_size)
    model.load_state_dict(load_weights(folder / "model.safetensors"))
    return Saved(model.to(where).eval(), tokenizer, about["preset"], stage)


def _json(path: Path) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{path} cannot be read: {error}") from error
    return found


def export_language(saved: Saved, folder: Path) -> Path:
    """Its language model alone, as transformers reads it (`model.language.model = PATH`); the folder."""
    with torch.no_grad():
        saved.model.language.save_pretrained(folder)
    return folder
