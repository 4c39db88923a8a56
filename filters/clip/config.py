"""Section [clip] of a recipe: which model scores images against texts, and how it is run."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from filters import loaded
from schemas.errors import ConfigError

OPERATIONAL: dict[str, Any] = {"operational": True}
BY_CONTENT: dict[str, Any] = {"operational": True}
"""A name is no part of a recipe's fingerprint: `filters.clip.fingerprint` is, which hashes the model
itself."""
RESERVED = ("none", "demo")
"""Names that are no folder even where a folder is called so, as `demo` is in this project's own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Bounds are inclusive: a reference at `min_score` is kept.

    `model` is one of
      none             nothing is scored
      demo             the tiny model that comes with weft; for recipes/tiny.toml and tests only
      ViT-B-32, ...    a name that open_clip knows, with `pretrained` one of its tags or a file of weights
      hf-hub:OWNER/X   a model on the Hugging Face hub in open_clip's layout
      a folder         open_clip's layout too: open_clip_config.json, weights, tokenizer files
    """

    model: str = field(default="none", metadata=BY_CONTENT)
    pretrained: str = field(default="", metadata=BY_CONTENT)
    allow_demo_model: bool = field(default=False, metadata=OPERATIONAL)
    min_score: float = -1.0
    """Least cosine with any text of the document; -1 keeps all. mmc4: 0.15, ViT-L/14 (arXiv:2304.06939,
    2)."""
    precision: Literal["fp32", "bf16", "fp16"] = "fp32"
    """Below fp32 it is a GPU's business: a CPU is slower with them, not faster."""
    batch_size: int = 1
    """Rows of one forward pass; the last pass is filled up. A kernel may sum in another order for another
    number of rows, so this number is part of the recipe. On a CPU 1 is safe by construction (no row has a
    neighbour) and costs about a third more CPU time than 32 (ViT-B-32, one thread); on a GPU take 64 or
    more."""
    device: str = field(default="cpu", metadata=OPERATIONAL)
    """cpu, cuda, cuda:1, ..., or auto: cuda where there is one."""
    workers: int = field(default=1, metadata=OPERATIONAL)
    """Processes that hold the model at the same time; 0 = as many as Spark runs tasks."""
    threads: int = field(default=0, metadata=OPERATIONAL)
    """Rows that a worker computes side by side on a CPU; 0 = the cores it may use divided by `workers`."""

    def __post_init__(self) -> None:
        if not self.model:
            raise ConfigError('clip.model is empty: name a model, or write "none" to score nothing')
        if not -1.0 <= self.min_score <= 1.0:
            raise ConfigError(f"clip.min_score = {self.min_score} is no cosine: it must be in [-1, 1]")
        for name, least in (("batch_size", 1), ("workers", 0), ("threads", 0)):
            if getattr(self, name) < least:
                raise ConfigError(f"clip.{name} = {getattr(self, name)} must be at least {least}")
        if not re.fullmatch(r"cpu|auto|cuda(:\d+)?", self.device):
            raise ConfigError(f"clip.device = {self.device!r} must be cpu, cuda, cuda:N or auto")

    @property
    def scores(self) -> bool:
        """Whether anything is scored at all."""
        return self.model != "none"

    def num_threads(self) -> int:
        """Rows that one worker computes at a time on a CPU."""
        return loaded.num_threads(self.workers, self.threads)


def is_folder(model: str) -> bool:
    """Whether `model` says a folder rather than a name: it is one, or is written like one."""
    if model in RESERVED:
        return False
    return Path(model).is_dir() or model.startswith(("/", "./", "../", "~"))
