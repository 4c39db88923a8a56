"""Scores of an image by a small model that a recipe names by path: nudity by CLIP, watermarks, looks.

Two forms. A *head* is a few linear layers over a CLIP image embedding of unit length, as LAION publishes for nudity and
for looks: a state dict (.pt, .pth, .safetensors) whose weights are taken in their order, or an ONNX file of [1, D]
to [1, outputs]. A *picture model* is an ONNX file of [1, 3, side, side] to [1, outputs]. An image is scored by itself,
so nothing shows in its score which images stood beside it; scores have 4 decimals. `score` gives None for no number.
"""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from filters import clip, loaded
from schemas.errors import ConfigError, ModelUnavailable

if TYPE_CHECKING:
    from PIL import Image

Floats = NDArray[np.float32]

_OPERATIONAL = {"operational": True}
_STATE_DICTS = (".pt", ".pth", ".safetensors")


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Sections [nsfw_head], [watermark] and [aesthetic] of a recipe. Bounds are inclusive."""

    path: str = field(default="none", metadata=_OPERATIONAL)  # counts by its content: `fingerprint`
    """File of the model; none scores nothing."""
    sees: Literal["embedding", "picture"] = "embedding"
    clip_model: str = field(default="ViT-L-14", metadata=_OPERATIONAL)
    """The CLIP model whose embeddings the head was trained on; as `clip.model`."""
    clip_pretrained: str = field(default="openai", metadata=_OPERATIONAL)
    hidden: Literal["relu", "none"] = "relu"
    """Between the layers of a state dict: LAION's detectors have relu, its predictor of looks has none."""
    answer: Literal["sigmoid", "softmax", "none"] = "none"
    """What is done to the outputs."""
    output: int = 0
    """Which of the outputs is the score."""
    side: int = 224
    """Of the picture that a picture model sees, px."""
    mean: tuple[float, ...] = (0.485, 0.456, 0.406)
    std: tuple[float, ...] = (0.229, 0.224, 0.225)
    min_score: float | None = None
    max_score: float | None = None

    def __post_init__(self) -> None:
        if not self.path:
            raise ConfigError('path is empty: name a file, or write "none" to score nothing')
        if self.side < 1 or self.output < 0 or len(self.mean) != 3 or len(self.std) != 3 or min(self.std) <= 0:
            raise ConfigError(f"{self.path}: side, output, mean (3 numbers) or std (3 numbers over 0) make no sense")
        if self.scores and self.sees == "picture" and Path(self.path).suffix != ".onnx":
            raise ConfigError(f"{self.path}: a model of pictures is an .onnx file")

    @property
    def scores(self) -> bool:
        """Whether anything is scored at all."""
        return self.path != "none"

    @property
    def clip(self) -> clip.Config:
        """The model that embeds for the head."""
        return clip.Config(model=self.clip_model, pretrained=self.clip_pretrained, allow_demo_model=True)


def is_outside(score: float | None, config: Config) -> bool:
    """Whether a score is beyond a bound of the recipe; no score is beyond none."""
    if score is None or not config.scores:
        return False
    low, high = config.min_score, config.max_score
    return (low is not None and score < low) or (high is not None and score > high)


def check(config: Config, section: str, recipe_name: str) -> None:
    """Return if the model can be had here; called before any job starts.

    Raises:
        ConfigError, ModelUnavailable: the file, a package or the CLIP model is missing; the message says what to do.
    """
    if not config.scores:
        return
    path = Path(config.path).expanduser()
    needed = {".onnx": "onnxruntime", ".safetensors": "safetensors", ".pt": "torch", ".pth": "torch"}
    if path.suffix not in needed:
        raise ConfigError(f"{section}.path = {config.path!r}: want one of {', '.join(sorted(needed))}")
    if not path.is_file():
        raise ModelUnavailable(f"{section}.path: there is no file {path}")
    if importlib.util.find_spec(needed[path.suffix]) is None:
        raise ModelUnavailable(f"{section}.path needs the package {needed[path.suffix]}")
    if config.sees == "embedding":
        clip.check(config.clip, recipe_name)


def fingerprint(config: Config) -> str:
    """What stands for the model's content, its CLIP model's included; "none" for no model."""
    if not config.scores:
        return "none"
    path = Path(config.path).expanduser()
    if not path.is_file():
        raise ModelUnavailable(f"there is no file {path}")
    content = hashlib.sha256(path.read_bytes()).hexdigest()
    return f"{content} {clip.fingerprint(config.clip) if config.sees == 'embedding' else ''}"


class Scorer:
    """A loaded model; made by `load`."""

    def __init__(self, answer: Callable[[Image.Image], Floats], config: Config) -> None:
        self._answer, self._config = answer, config

    def score(self, images: Sequence[Image.Image]) -> list[float | None]:
        """One score an image (decoded, RGB or L); None where the model's answer is no number."""
        return [self._score(image) for image in images]

    def _score(self, image: Image.Image) -> float | None:
        outputs = self._answer(image).astype(np.float64).ravel()
        if not np.isfinite(outputs).all():
            return None
        if self._config.answer == "sigmoid":
            outputs = 1 / (1 + np.exp(-np.clip(outputs, -500, 500)))
        elif self._config.answer == "softmax":
            powers = np.exp(outputs - outputs.max())
            outputs = powers / powers.sum()
        return round(float(outputs[self._config.output]), 4) + 0.0


def load(config: Config) -> Scorer:
    """The model that the section names.

    Raises:
        ConfigError: it names none.
        ModelUnavailable: the file is of another form, or is for embeddings of another width.
    """
    if not config.scores:
        raise ConfigError("no model is named: there is none to load")
    path = Path(config.path).expanduser()
    run = _layers(path, config) if path.suffix in _STATE_DICTS else _onnx(path)
    if config.sees == "picture":
        scorer = Scorer(lambda image: run(_planes(image, config)), config)
    else:
        embed = clip.load_cached(config.clip).embed_images
        scorer = Scorer(lambda image: run(embed([image])), config)
    _try(scorer, path, config)
    return scorer


def load_cached(config: Config) -> Scorer:
    """As `load`, once a process."""
    return loaded.once("head", config, lambda: load(config))


def _layers(path: Path, config: Config) -> Callable[[Floats], Floats]:
    """A state dict as a function: each matrix with the bias that follows it, in the order of the file."""
    if path.suffix == ".safetensors":
        from safetensors.numpy import load_file

        state: dict[str, Any] = load_file(path)
    else:
        import torch

        read = torch.load(path, map_location="cpu", weights_only=True)
        state = {name: value.float().numpy() for name, value in read.items()}
    named = [name for name in state if state[name].ndim == 2]
    if path.suffix == ".safetensors":  # which keeps no order of its own
        named.sort(key=_natural)
    layers = [(state[name], state.get(name.removesuffix("weight") + "bias")) for name in named]
    if not layers:
        raise ModelUnavailable(f"{path} holds no linear layer")

    def run(rows: Floats) -> Floats:
        for number, (weight, bias) in enumerate(layers):
            rows = np.maximum(rows, 0) if number and config.hidden == "relu" else rows
            rows = rows @ weight.T.astype(np.float32) + (0 if bias is None else bias)
        return rows

    return run


def _natural(name: str) -> list[tuple[bool, int, str]]:
    """Parts of a name, numbers as numbers: layers.10 comes after layers.2."""
    return [(part.isdigit(), int(part) if part.isdigit() else 0, part) for part in name.split(".")]


def _onnx(path: Path) -> Callable[[Floats], Floats]:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    try:
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise ModelUnavailable(f"{path} is no ONNX model: {error}") from error
    name = session.get_inputs()[0].name
    return lambda rows: np.asarray(session.run(None, {name: rows})[0])


def _planes(image: Image.Image, config: Config) -> Floats:
    """float32 [1, 3, side, side]: the picture pressed into a square, normalised."""
    from PIL import Image as Pillow

    square = image.convert("RGB").resize((config.side, config.side), Pillow.Resampling.BICUBIC)
    scaled = (np.asarray(square, np.float32) / 255 - np.array(config.mean)) / np.array(config.std)
    return np.ascontiguousarray(scaled.transpose(2, 0, 1)[None], dtype=np.float32)


def _try(scorer: Scorer, path: Path, config: Config) -> None:
    """One grey picture: what does not fit together is said before the job meets it."""
    from PIL import Image as Pillow

    try:
        scorer.score([Pillow.new("RGB", (64, 64), (128, 128, 128))])
    except Exception as error:
        raise ModelUnavailable(f"{path} does not take a {config.sees} of this form: {error}") from error
