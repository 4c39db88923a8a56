"""Language models of transformers, by name or path or from a small configuration, and where their parts are.

Used as they are: attention goes through `vlm.model.attention`, what is injected through hooks before a layer. A family
whose attention cannot be exchanged, or whose logits are not what its head gives, is refused: it would be wrong in
silence. Weights are float32, whatever type they are stored in: what learns would lose its small steps in bfloat16.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from vlm.config import LanguageConfig, LoraConfig
from vlm.errors import PresetError
from vlm.model.attention import NAME, Layout, register


def load_language(config: LanguageConfig, vocabulary: int) -> Any:
    """A causal language model with room for `vocabulary` tokens. Raises PresetError where it cannot be had."""
    import transformers

    register()
    model: Any
    quiet: Any = transformers.utils.logging
    automatic: Any = transformers.AutoModelForCausalLM
    try:
        if config.model:
            quiet.disable_progress_bar()
            model = automatic.from_pretrained(config.model, attn_implementation=NAME, dtype=torch.float32)
        else:
            settings = {"vocab_size": vocabulary, **config.config, "attn_implementation": NAME}
            for name in ("bos_token_id", "eos_token_id", "pad_token_id"):
                settings.setdefault(name, None)
            model = automatic.from_config(_described(settings), attn_implementation=NAME)
    except (OSError, ValueError, KeyError, TypeError) as error:
        what = config.model or config.config.get("model_type", "language.config without model_type")
        why = "its attention cannot be exchanged" if NAME in str(error) else error
        raise PresetError(f"language model {what} cannot be had here: {why}") from error
    model.config.use_cache = False
    if int(model.get_input_embeddings().num_embeddings) < vocabulary:
        level = quiet.get_verbosity()
        quiet.set_verbosity_error()  # it would tell how new embeddings are drawn
        model.resize_token_embeddings(vocabulary, mean_resizing=not _is_meta(model))
        quiet.set_verbosity(level)
    _check(model)
    return model


@torch.no_grad()
def _check(model: Any) -> None:
    """Raise PresetError where documents of a pack would see each other, or logits are not what the head gives.

    Two documents in three tokens; the first is another one in the second pass.
    """
    layers_of(model)
    if getattr(model.config, "final_logit_softcapping", None):
        raise PresetError(f"{type(model).__name__} caps its logits, which is not built here")
    if _is_meta(model):
        return
    tokens = torch.tensor([[0, 1, 2]], device=next(model.parameters()).device)
    place, ones = torch.tensor([[0, 1, 0]], device=tokens.device), torch.ones_like(tokens)
    documents = torch.tensor([[0, 0, 1]], device=tokens.device)
    asked: dict[str, Any] = {"position_ids": place, "use_cache": False}
    learns, found = model.training, []
    model.eval()
    try:
        for part, ids in ((model, tokens), (model.base_model, tokens[:, [1, 0, 2]])):
            layout = Layout(documents=documents, valid=ones > 0, positions=place, segments=((0, 0, 2), (0, 2, 3)))
            embedded = model.get_input_embeddings()(ids)
            found.append(part(inputs_embeds=embedded, layout=layout, **asked))
        want = found[0].logits[:, 2].float()
        ours = model.get_output_embeddings()(found[1].last_hidden_state[:, 2] * logit_scale(model)).float()
    except (AttributeError, TypeError, ValueError, RuntimeError) as error:
        raise PresetError(f"{type(model).__name__} cannot be used here: {error}") from error
    finally:
        model.train(learns)
    if (ours - want).abs().max() > 1e-4 * want.abs().max():
        raise PresetError(
            f"{type(model).__name__} cannot be used here: documents of a pack would see each other, or its logits are"
            " not those of its head"
        )


def logit_scale(model: Any) -> float:
    """By what a family multiplies what its head reads (Cohere, Granite); 1 for the others."""
    times, by = (getattr(model.config, name, None) or 1.0 for name in ("logit_scale", "logits_scaling"))
    return float(times) / float(by)


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


def windows_of(model: Any, length: int) -> list[int | None]:
    """The layers' sliding windows that are shorter than rows of `length` tokens; None stands for layers without one."""
    window = getattr(model.config, "sliding_window", None)
    kinds = getattr(model.config, "layer_types", None) or ["sliding_attention"]
    slides = window is not None and window < length
    return list(dict.fromkeys(window if slides and kind == "sliding_attention" else None for kind in kinds))


def width_of(model: Any) -> int:
    """Width of an input embedding."""
    return int(model.get_input_embeddings().embedding_dim)


def layer_width_of(model: Any) -> int:
    """Width of what flows through the layers: some (OPT-350M) have narrower embeddings and project them."""
    return int(model.config.hidden_size)


def attention_width_of(model: Any) -> int:
    """Width of the queries of all heads of a layer."""
    config = model.config
    head = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    return int(head * config.num_attention_heads)


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


class Adapter(nn.Module):
    """What a bottleneck adds to the output of a layer: nothing, at first (arXiv:1902.00751)."""

    def __init__(self, width: int, narrow: int) -> None:
        """Through `narrow`."""
        super().__init__()
        self.down, self.up = nn.Linear(width, narrow), nn.Linear(narrow, width)
        nn.init.zeros_(self.up.weight)
        nn.init.zeros_(self.up.bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """x plus what it adds."""
        return x + self.up(nn.functional.gelu(self.down(x))).to(x.dtype)  # type: ignore[no-any-return]


def add_lora(model: nn.Module, config: LoraConfig) -> int:
    """Put LoRA on each linear layer whose last name is a target; how many. PresetError where a target names none."""
    linear = [
        (parent, name, child)
        for parent in model.modules()
        for name, child in parent.named_children()
        if isinstance(child, nn.Linear)
    ]
    there = {name for _, name, _ in linear}
    unknown = [target for target in config.targets if target not in there]
    if unknown:
        raise PresetError(
            f"tune.lora.targets {', '.join(unknown)}: the language model has no such linear layers; there are:"
            f" {', '.join(sorted(there))}"
        )
    found = [layer for layer in linear if layer[1] in config.targets]
    for parent, name, child in found:
        setattr(parent, name, LoraLinear(child, config.rank, config.alpha))
    return len(found)
