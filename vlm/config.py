"""What a model is made of and how it is trained, read from `vlm/presets/NAME.toml`; sizes shrink it for small machines.

A preset is merged with a size (`vlm/sizes/SIZE.toml`, then its own `[small]` table) and with `--set` overrides, then
parsed strictly: an unknown key or a value of another type is a `PresetError` that names it.
"""

from __future__ import annotations

import tomllib
import types
import typing
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import MISSING, dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any, Literal

from vlm.errors import PresetError

HERE = Path(__file__).resolve().parent


@dataclass(frozen=True, slots=True, kw_only=True)
class VisionConfig:
    """A tower: `model` is an open_clip name, a folder (`local-dir:PATH`), `timm:NAME`, or empty for one of `config`."""

    model: str = ""
    pretrained: str = ""
    """open_clip's tag or a checkpoint; empty means random weights."""
    config: dict[str, Any] = field(default_factory=dict)
    """image_size, patch_size, width, layers, head_width: of open_clip's `vision_cfg`."""
    features: Literal["patches", "cls", "pooled"] = "patches"
    last: int = 1
    """From how many of the last layers features are taken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LanguageConfig:
    """A causal language model of transformers: `model` is a name or path, or empty for a random one of `config`."""

    model: str = ""
    config: dict[str, Any] = field(default_factory=dict)
    """`model_type` and what that type's configuration takes."""
    tokenizer: str = "bytes"


@dataclass(frozen=True, slots=True, kw_only=True)
class MapperPart:
    """One part of the chain from vision features to what the language model takes. Unused fields are refused."""

    kind: Literal["linear", "pool", "latent", "branch"]
    # linear: `depth` layers with GELU between; depth 0 is the identity; `tokens` outputs for each input token
    depth: int = 1
    out: int = 0  # 0: the width of the language model
    tokens: int = 1
    bias: bool = True
    # pool: `k` tokens become one
    pool: Literal["avg", "max", "random", "concat", "shuffle", "conv"] = "avg"
    k: int = 4
    # latent: a transformer with learned queries
    attend: Literal["joint", "cross", "cross_concat"] = "joint"
    queries: int = 32
    layers: int = 2
    width: int = 0  # 0: the width that comes in
    ffn: int = 0  # 0: 4 x width
    heads: int = 8
    head_width: int = 0  # 0: width / heads
    cross_every: int = 1
    per_group: int = 0  # run on groups of so many tokens each; 0: on all at once
    # branch: chains side by side on the same features, their tokens one after the other
    branches: tuple[tuple[MapperPart, ...], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class InnerConfig:
    """Image tokens are exchanged before these language layers (from 0); source i of `vision.last` goes to layer i."""

    layers: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CrossConfig:
    """A gated cross-attention block before every `every`-th language layer."""

    every: int = 1
    heads: int = 8
    head_width: int = 64
    attend: Literal["last_image", "all_previous"] = "last_image"
    skip_without_image: bool = True
    """Tokens with no image before them pass the whole block by, its FFN too: without an image the model is the LM."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InjectConfig:
    """Where the language model meets the image; the ways may be combined."""

    input: bool = False
    inner: InnerConfig | None = None
    cross: CrossConfig | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LoraConfig:
    """Low-rank updates (arXiv:2106.09685) of the linear layers of the language model whose name ends in a target."""

    rank: int
    alpha: float
    targets: tuple[str, ...] = ("q_proj", "v_proj")


@dataclass(frozen=True, slots=True, kw_only=True)
class AdapterConfig:
    """A bottleneck after each layer of the language model, added to its output (arXiv:1902.00751); zero at first."""

    width: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TuneConfig:
    """What is added to the language model to be tuned. Which parameters learn is said by each stage."""

    prompt: int = 0
    """Learned tokens before each document."""
    lora: LoraConfig | None = None
    adapter: AdapterConfig | None = None
    scale_bias: tuple[int, ...] = ()
    """Layers whose output gets a learned scale (1 at first) and bias (0)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LayoutConfig:
    """How images become patches (`vlm.loader.ImageConfig`); how many tokens they take follows from the parts."""

    mode: Literal["fixed", "tiles", "native"] = "fixed"
    size: int = 224
    patch: int = 14
    merge: int = 1
    max_tiles: int = 4
    max_patches: int = 1024
    mean: tuple[float, float, float] = (0.48145466, 0.4578275, 0.40821073)
    std: tuple[float, float, float] = (0.26862954, 0.26130258, 0.27577711)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelConfig:
    """All parts of a model."""

    vision: VisionConfig
    language: LanguageConfig
    mapper: tuple[MapperPart, ...]
    inject: InjectConfig
    tune: TuneConfig = field(default_factory=TuneConfig)
    layout: LayoutConfig = field(default_factory=LayoutConfig)
    attention: Literal["causal", "prefix"] = "causal"
    """prefix: what stands before the first token to be predicted sees all of itself (PaliGemma, arXiv:2407.07726)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One stretch of training: what learns, from what, how fast."""

    name: str
    train: tuple[str, ...]
    """Groups: vision, language, embeddings, mapper, cross, prompt, lora, adapter, scale_bias, norm, bias; or parameters
    by name: `re:PATTERN`."""
    steps: int = 1000
    lr: float = 1e-4
    min_lr: float = 0.0
    """As a share of `lr`; the schedule is a linear rise and half a cosine."""
    warmup: int = 100
    schedule: Literal["cosine", "constant"] = "cosine"
    weight_decay: float = 0.1
    beta1: float = 0.9
    beta2: float = 0.95
    eps: float = 1e-8
    clip: float = 1.0
    z_loss: float = 0.0
    batch_size: int = 8
    accumulate: int = 1
    seq_len: int = 2048
    size: int = 0
    """Pixels of a side (0: the layout's)."""
    view: Literal["natural", "retrieval", "pairs", "text_only"] = "natural"
    weights: tuple[float, ...] = ()
    """Of the datasets that the command names; empty: equal."""

    def __post_init__(self) -> None:
        at_least(self, f"stage {self.name}: ", steps=0, warmup=0, clip=0, batch_size=1, accumulate=1, seq_len=8)


def at_least(config: object, where: str = "", **least: int) -> None:
    """Raise PresetError where a field is less than that."""
    for name, low in least.items():
        if getattr(config, name) < low:
            raise PresetError(f"{where}{name} = {getattr(config, name)}: want at least {low}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """What is known of the system's trained parameters, and what ours come to at full size."""

    says: str = ""
    parameters: int = 0
    """Asserted on meta tensors by the tests, where it is not 0."""
    stage: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """A system that can be built and trained."""

    name: str
    title: str
    source: str
    model: ModelConfig
    stages: tuple[Stage, ...]
    not_reproduced: tuple[str, ...] = ()
    published: Published = field(default_factory=Published)
    falls: float = 0.0
    """By how much the loss must fall, at least, in 20 steps on one repeated batch at size `tiny` (a test)."""
    needs_language: bool = False
    """Whether that test begins from a trained language model, because this one is frozen."""


def names() -> list[str]:
    """Presets that there are."""
    return sorted(path.stem for path in (HERE / "presets").glob("*.toml"))


def load_preset(name: str, *, size: str = "full", overrides: Sequence[str] = ()) -> Preset:
    """The preset of that name, or of a TOML file; shrunk to a size; with `a.b=value` overrides (TOML values).

    Raises PresetError where there is none, a key is unknown, or a value has another type.
    """
    path = Path(name) if name.endswith(".toml") else HERE / "presets" / f"{name}.toml"
    if not path.is_file():
        raise PresetError(f"no preset {name}; there are: {', '.join(names())}")
    table = _read(path)
    small = table.pop("small", {})
    if size != "full":
        chosen = HERE / "sizes" / f"{size}.toml"
        if not chosen.is_file():
            known = sorted(p.stem for p in (HERE / "sizes").glob("*.toml"))
            raise PresetError(f"no size {size}; there are: full, {', '.join(known)}")
        table = _shrunk(table, _read(chosen), small)
    for override in overrides:
        _override(table, override)
    table.setdefault("name", path.stem)
    return typing.cast(Preset, parse(Preset, table, path.name))


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise PresetError(f"{path}: {error}") from error


def _shrunk(table: dict[str, Any], size: dict[str, Any], small: dict[str, Any]) -> dict[str, Any]:
    """Towers by the size, of the families that the preset names; the mapper's widths by the preset."""
    model = table["model"]
    families: dict[str, Any] = size.pop("language_of")
    family = model["language"].get("config", {}).get("model_type", "llama")
    if family not in families:
        raise PresetError(f"the size has no small {family}: give model.language.model a path, or use the full size")
    model["language"] = {**size.pop("language"), "config": {"model_type": family, **families[family]}}
    vision, towers = model["vision"], size.pop("vision_of")
    named = vision.get("model", "")
    tower = "timm" if named.startswith("timm:") else "resnet" if named.startswith("RN") else "vit"
    model["vision"] = {**{k: v for k, v in vision.items() if k in ("features", "last")}, **towers[tower]}
    stage = size.pop("stage")
    stages = [{**s, **stage} for s in table["stages"]]
    table = _merged({**table, "stages": stages}, size)
    return _merged(table, deepcopy(small))


def _merged(base: dict[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Tables are merged; lists of tables element by element; anything else is replaced."""
    out = dict(base)
    for key, value in over.items():
        old = out.get(key)
        if isinstance(value, dict) and isinstance(old, dict):
            out[key] = _merged(old, value)
        elif isinstance(value, list) and value and isinstance(value[0], dict) and isinstance(old, list):
            out[key] = [_merged(a, b) for a, b in zip(old, value, strict=True)]
        else:
            out[key] = value
    return out


def _override(table: dict[str, Any], text: str) -> None:
    key, found, value = text.partition("=")
    if not found:
        raise PresetError(f"--set {text}: want KEY=VALUE")
    try:
        parsed = tomllib.loads(f"x = {value}")["x"]
    except tomllib.TOMLDecodeError:
        parsed = value  # a bare word is a string
    at: Any = table
    *path, last = key.strip().split(".")
    for part in path:
        at = at[int(part)] if isinstance(at, list) and part.isdigit() else _down(at, part, text)
    if isinstance(at, list):
        for element in at:
            element[last] = parsed
    elif isinstance(at, dict):
        at[last] = parsed
    else:
        raise PresetError(f"--set {text}: {path[-1]} is no table")


def _down(at: Any, part: str, text: str) -> Any:
    if not isinstance(at, dict):
        raise PresetError(f"--set {text}: {part} is no table")
    return at.setdefault(part, {})


def parse(kind: Any, value: Any, where: str) -> Any:
    """`value` of a TOML file as the type `kind`: dataclasses from tables, tuples from lists; strict."""
    origin, args = typing.get_origin(kind), typing.get_args(kind)
    if kind is Any:
        return value
    if is_dataclass(kind):
        return _table(kind, value, where)
    if origin in (types.UnionType, typing.Union):  # X | None
        return None if value is None else parse(next(a for a in args if a is not type(None)), value, where)
    if origin is Literal:
        if value not in args:
            raise PresetError(f"{where} = {value!r}: want one of {', '.join(map(str, args))}")
        return value
    if origin is tuple:
        if not isinstance(value, list):
            raise PresetError(f"{where} = {value!r}: want a list")
        return tuple(parse(args[0], v, f"{where}.{i}") for i, v in enumerate(value))
    if origin is dict and isinstance(value, dict):
        return dict(value)
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, kind if origin is None else origin) or (isinstance(value, bool) and kind is not bool):
        raise PresetError(f"{where} = {value!r}: want {getattr(kind, '__name__', kind)}")
    return value


def _table(kind: Any, value: Any, where: str) -> Any:
    if not isinstance(value, dict):
        raise PresetError(f"{where}: want a table, not {value!r}")
    hints, known = typing.get_type_hints(kind), {f.name: f for f in fields(kind)}
    unknown = sorted(set(value) - set(known))
    if unknown:
        raise PresetError(f"{where}: no key {unknown[0]}; there are: {', '.join(known)}")
    missing = [n for n, f in known.items() if n not in value and f.default is MISSING and f.default_factory is MISSING]
    if missing:
        raise PresetError(f"{where}: the key {missing[0]} is missing")
    return kind(**{name: parse(hints[name], v, f"{where}: {name}") for name, v in value.items()})
