"""Language models of transformers, by name or path or from a small configuration, and where their parts are.

Used as they are: attention goes through `vlm.model.attention`, what is injected through hooks before a layer.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from vlm.config import LanguageConfig, LoraConfig
from vlm.errors import PresetError
from vlm.model.attention import NAME, register


def load_language(config: LanguageConfig, vocabulary: int) -> Any:
    """A causal language model with room for `vocabulary` tokens. Raises PresetError where it cannot be had."""
    import transformers

    register()
    model: Any
    automatic: Any = transformers.AutoModelForCausalLM
    try:
        if config.model:
            model = automatic.from_pretrained(config.model, attn_implementation=NAME)
        else:
            settings = {"vocab_size": vocabulary, **config.config, "attn_implementation": NAME}
            for name in ("bos_token_id", "eos_token_id", "pad_token_id"):
                settings.setdefault(name, None)
            model = automatic.from_config(_described(settings), attn_implementation=NAME)
    except (OSError, ValueError, KeyError, TypeError) as error:
        what = config.model or config.config.get("model_type", "language.config without model_type")
        raise PresetError(f"language model {what} cannot be had here: {error}") from error
    model.config.use_cache = False
    if int(model.get_input_embeddings().num_embeddings) < vocabulary:
        model.resize_token_embeddings(vocabulary, mean_resizing=not _is_meta(model))
    if not hasattr(layers_of(model)[0], "register_forward_pre_hook"):
        raise PresetError(f"the layers of {type(model).__name__} were not found")
    return model


def _described(settings: dict[str, Any]) -> Any:
    import transformers

    kind = settings.pop("model_type", None)
    if kind is None:
        raise ValueError("language.config needs a model_type, or language.model a name or path")
    return transformers.AutoConfig.for_model(kind, **settings)


def _is_meta(model: nn.Module) -> bool:
    return next(model.parameters()).device.type == "meta"


def layers_of(model: Any) -> Any:
    """The list of decoder layers."""
    base = model.base_model
    for path in ("layers", "decoder.layers", "h", "transformer.h", "blocks"):
        at = base
        for part in path.split("."):
            at = getattr(at, part, None)
        if isinstance(at, nn.ModuleList):
            return at
    raise PresetError(f"the layers of {type(model).__name__} were not found")


def width_of(model: Any) -> int:
    """Width of an input embedding."""
    return int(model.get_input_embeddings().embedding_dim)


def positions_of(model: Any) -> int | None:
    """How many positions a model has that learned one by one (OPT, GPT-2); None where it computes them (rotary)."""
    tables = {name.rpartition(".")[2] for name, _ in model.base_model.named_modules()} & {"embed_positions", "wpe"}
    return int(model.config.max_position_embeddings) if tables else None


def checkpoint_layers(model: Any) -> None:
    """Keep only the inputs of each layer for the backward pass, and compute the rest again."""
    model.activation_checkpointing_enable({"use_reentrant": False})


class LoraLinear(nn.Module):
    """A linear layer plus a low-rank update that is zero at first (arXiv:2106.09685)."""

    def __init__(self, base: nn.Linear, rank: int, alpha: float) -> None:
        """`base` is kept, under its name."""
        super().__init__()
        self.base, self.scale = base, alpha / rank
        like: dict[str, Any] = {"device": base.weight.device, "dtype": base.weight.dtype}
        self.lora_a = nn.Parameter(torch.randn(rank, base.in_features, **like) * base.in_features**-0.5)
        self.lora_b = nn.Parameter(torch.zeros(base.out_features, rank, **like))

    @property
    def weight(self) -> torch.Tensor:
        """Of the base: some models ask for the type of a layer's weight."""
        return self.base.weight

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """base(x) + scale B A x."""
        few = nn.functional.linear(x, self.lora_a) * self.scale  # here it costs nothing, after B a pass over memory
        return self.base(x) + nn.functional.linear(few, self.lora_b)  # type: ignore[no-any-return]


def add_lora(model: nn.Module, config: LoraConfig) -> int:
    """Put LoRA on each linear layer whose last name is a target; how many. PresetError where there is none."""
    found = [
        (parent, name, child)
        for parent in model.modules()
        for name, child in parent.named_children()
        if name in config.targets and isinstance(child, nn.Linear)
    ]
    if not found:
        raise PresetError(
            f"tune.lora.targets {', '.join(config.targets)}: the language model has no such linear layers"
        )
    for parent, name, child in found:
        setattr(parent, name, LoraLinear(child, config.rank, config.alpha))
    return len(found)
