"""What a loader is asked for: datasets, budgets, image geometry, order, limits.

Every field that can change the stream of packs stands in the state (`planning_facts`) and is compared by name at a
resume; fields marked operational (threads, caches, timeouts, limits, device) never change it.
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, field, fields
from types import UnionType
from typing import Any, Literal, get_args, get_origin, get_type_hints

from vlm.loader.errors import LoaderConfigError

LANES = 240
"""Divisible by 1-6, 8, 10, 12, 15, 16, 20, 24, 30, 40, 48, 60, 80, 120 and 240 ranks."""
OPEN_BINS = 32
"""Fill 0.997 or more at 2,048 to 8,192 tokens; 64 bins gain nothing and cost more (`benchmarks/loader/fill.py`)."""
_OP: dict[str, Any] = {"operational": True}


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageConfig:
    """How an image becomes patches and tokens.

    `fixed` resizes to a square of `size`; `tiles` to a grid of at most `max_tiles` such squares, with a thumbnail
    after them where there is more than one (LLaVA-NeXT, Idefics3); `native` keeps the aspect ratio, within
    `max_patches` patches (NaViT, Qwen2-VL). `tokens` is what the language model sees for one crop (perceiver: 64;
    cross-attention: 1); None means one token for `merge` x `merge` patches.
    """

    mode: Literal["fixed", "tiles", "native"] = "fixed"
    size: int = 384
    patch: int = 16
    tokens: int | None = 64
    merge: int = 1
    max_tiles: int = 4
    max_patches: int = 1024
    resample: Literal["bicubic", "bilinear"] = "bicubic"
    mean: tuple[float, float, float] = (0.5, 0.5, 0.5)  # SigLIP's; CLIP's are 0.48145466, 0.4578275, 0.40821073
    std: tuple[float, float, float] = (0.5, 0.5, 0.5)
    marks: bool = True
    """Whether a start and an end token stand around the tokens of an image."""

    def __post_init__(self) -> None:
        _check_types(self, "image.")
        unit = self.patch * self.merge
        if self.patch < 1 or self.merge < 1 or self.size < unit or self.size % unit:
            raise LoaderConfigError(f"image.size={self.size} must be a multiple of patch x merge = {unit}")
        if self.tokens is not None and self.tokens < 1:
            raise LoaderConfigError(f"image.tokens={self.tokens} must be at least 1, or None")
        if self.max_tiles < 1 or self.max_patches < self.merge**2:
            raise LoaderConfigError("image.max_tiles must be at least 1 and image.max_patches at least merge x merge")
        if min(self.std) <= 0:
            raise LoaderConfigError(f"image.std={self.std} must be positive")

    @property
    def crop_tokens(self) -> int:
        """Tokens of one square crop (modes fixed and tiles)."""
        return self.tokens if self.tokens is not None else (self.size // (self.patch * self.merge)) ** 2

    @property
    def most_patches(self) -> int:
        """Patches of the largest image there can be."""
        crops = 1 if self.mode == "fixed" or self.max_tiles == 1 else self.max_tiles + 1
        return self.max_patches if self.mode == "native" else crops * (self.size // self.patch) ** 2

    @property
    def most_tokens(self) -> int:
        """Tokens of the largest image there can be, marks included."""
        marks = 2 * self.marks
        if self.mode == "native":
            return marks + (self.tokens if self.tokens is not None else self.max_patches // self.merge**2)
        return marks + self.crop_tokens * (1 if self.mode == "fixed" or self.max_tiles == 1 else self.max_tiles + 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """Weights of the datasets from one step on, in the order of `LoaderConfig.datasets`."""

    from_step: int
    weights: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LoaderConfig:
    """Everything a loader is asked for. `datasets` are folders or URLs that hold a `manifest.json`."""

    datasets: tuple[str, ...]
    batch_size: int
    """Packs (rows) of one step, over all ranks."""
    seq_len: int = 2048
    patch_budget: int | None = None
    """Most patches of one pack; None means what one image may have, or `seq_len / 170` images if that is more (pairs:
    `seq_len / (tokens of a crop + 16)` images)."""
    tokenizer: str = "bytes"
    image: ImageConfig = field(default_factory=ImageConfig)
    view: Literal["natural", "retrieval", "pairs", "text_only"] = "natural"
    seed: int = 0
    lanes: int = LANES
    open_bins: int = OPEN_BINS
    one_pass: bool = False
    weights: tuple[float, ...] | None = None
    phases: tuple[Phase, ...] = ()
    mix_unit: Literal["tokens", "documents"] = "tokens"
    separator: str = "\n\n"

    device: str = field(default="cpu", metadata=_OP)
    dtype: Literal["bfloat16", "float16", "float32"] = field(default="bfloat16", metadata=_OP)
    decoder: Literal["auto", "torchcodec", "torchvision", "nvimagecodec", "cpu"] = field(default="auto", metadata=_OP)
    threads: int = field(default=2, metadata=_OP)
    prefetch: int = field(default=4, metadata=_OP)
    cache_dir: str | None = field(default=None, metadata=_OP)
    cache_bytes: int = field(default=64 << 30, metadata=_OP)
    retries: int = field(default=5, metadata=_OP)
    timeout_s: float = field(default=60.0, metadata=_OP)
    on_lost_shard: Literal["error", "skip"] = field(default="error", metadata=_OP)
    max_fault_share: float = field(default=0.01, metadata=_OP)
    max_faults_in_row: int = field(default=100, metadata=_OP)  # Megatron-Energon's limit for consecutive failures

    def __post_init__(self) -> None:
        if isinstance(self.datasets, str) or not self.datasets:
            raise LoaderConfigError("datasets must name at least one folder or URL, as a tuple")
        _check_types(self)
        least = {"batch_size": 1, "lanes": 1, "open_bins": 1, "threads": 0, "prefetch": 1, "retries": 0}
        for name, low in (least | {"seq_len": 8, "cache_bytes": 0, "timeout_s": 0.1, "max_faults_in_row": 0}).items():
            if getattr(self, name) < low:
                raise LoaderConfigError(f"{name}={getattr(self, name)} must be at least {low}")
        if self.view != "text_only":
            self._check_images()
        if not 0 <= self.max_fault_share <= 1:
            raise LoaderConfigError(f"max_fault_share={self.max_fault_share} must be in [0, 1]")
        self._check_mixing()

    def _check_images(self) -> None:
        tokens, patches = self.image.most_tokens, self.image.most_patches
        if tokens > self.seq_len // 2:
            raise LoaderConfigError(f"an image may take {tokens} tokens, over half of seq_len={self.seq_len}")
        if self.patches < patches:
            raise LoaderConfigError(f"patch_budget={self.patches} is less than one image may have ({patches})")

    def _check_mixing(self) -> None:
        want = len(self.datasets)
        if not all(isinstance(phase, Phase) for phase in self.schedule):
            raise LoaderConfigError(f"phases must be of the type Phase: {self.phases}")
        for phase in self.schedule:
            w = phase.weights
            good = all(isinstance(x, int | float) and 0 <= x < math.inf for x in w)
            if len(w) != want or not good or sum(w) <= 0:
                raise LoaderConfigError(f"weights {w}: want {want} finite numbers >= 0 with a positive sum")
        steps = [p.from_step for p in self.schedule]
        if steps[0] != 0 or steps != sorted(set(steps)):
            raise LoaderConfigError(f"phases must start at step 0 and rise, not {steps}")

    @property
    def schedule(self) -> tuple[Phase, ...]:
        """The phases of the mix; a single one where none was given."""
        equal = self.weights if self.weights is not None else (1.0,) * len(self.datasets)
        return self.phases or (Phase(from_step=0, weights=equal),)

    @property
    def patches(self) -> int:
        """Most patches of one pack."""
        if self.patch_budget is not None:
            return self.patch_budget
        # OBELICS has an image for about every 330 text tokens; twice that many keeps the second budget from binding.
        # A short caption with bos, eos and marks is 16 tokens: as many pairs as a pack holds then have their patches.
        pairs = self.seq_len // (self.image.crop_tokens + 16) if self.view == "pairs" else 0
        images = max(-(-self.seq_len // 170), pairs)
        return max(self.image.most_patches, images * (self.image.size // self.image.patch) ** 2)

    def planning_facts(self) -> dict[str, Any]:
        """What decides the stream besides the data and the tokenizer, by name, as JSON values."""
        skip = {"datasets", "tokenizer", "weights", "phases", "patch_budget", "image", "separator"}
        facts = {
            f.name: getattr(self, f.name)
            for f in fields(self)
            if not f.metadata.get("operational") and f.name not in skip
        }
        geometry = {k: v for k, v in asdict(self.image).items() if k not in ("mean", "std", "resample")}
        facts["patch_budget"] = self.patches
        facts["image"] = json.dumps(geometry, sort_keys=True)
        facts["mix"] = json.dumps([[p.from_step, list(p.weights)] for p in self.schedule])
        return facts


def _check_types(config: object, prefix: str = "") -> None:
    """Raise LoaderConfigError unless each field is of its type (int will do for float, list for tuple) or choices."""
    wider: dict[type, tuple[type, ...]] = {float: (int, float), tuple: (list, tuple)}
    for name, hint in get_type_hints(type(config)).items():
        value, shown = getattr(config, name), f"{prefix}{name}={getattr(config, name)!r}"
        if get_origin(hint) is Literal:
            if value not in get_args(hint):
                raise LoaderConfigError(f"{shown}: want one of {', '.join(get_args(hint))}")
            continue
        kinds = [get_origin(h) or h for h in (get_args(hint) if isinstance(hint, UnionType) else (hint,))]
        if not any(isinstance(value, wider.get(k, k)) and (k is bool or not isinstance(value, bool)) for k in kinds):
            raise LoaderConfigError(f"{shown}: want {' or '.join(k.__name__ for k in kinds)}")
