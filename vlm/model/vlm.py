"""The model of any preset: the parts, put together around a language model, and its loss on a batch.

patches -> tower -> mapper -+-> in place of image tokens, at the input        (LLaVA, Idefics2, BLIP-2, MAPL, ...)
                            +-> in place of image tokens, before inner layers (eP-ALM, DePALM)
                            +-> keys of gated cross-attention before layers   (Flamingo)
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.distributed import is_initialized
from torch.distributed.tensor import DTensor
from torch.utils.checkpoint import checkpoint

from vlm.config import ModelConfig
from vlm.errors import PresetError
from vlm.loader import Batch, ImageConfig
from vlm.loader.batch import target_mask
from vlm.model.attention import Kept, block_mask, layout_of
from vlm.model.cross import GatedCross, Media, media_of
from vlm.model.cross import block_mask as cross_mask
from vlm.model.language import (
    Adapter,
    add_lora,
    layer_width_of,
    layers_of,
    load_language,
    logit_scale,
    positions_of,
    width_of,
    windows_of,
)
from vlm.model.mapper import Layer, Linear, Mapper
from vlm.model.vision import Tower, residual

CHUNK = 4096
"""Targets whose logits are in memory at once."""
_GROUPS = {
    "vision": r"vision\.",
    "language": r"language\.(?!.*lora_[ab]$)",
    "embeddings": r"language\..*(embed_tokens|embed_in|embed_out|wte|lm_head)\.(base\.)?(weight|bias)$",
    "mapper": r"mapper\.",
    "cross": r"cross\.",
    "prompt": r"prompt$",
    "lora": r"language\..*lora_[ab]$",
    "adapter": r"adapter\.",
    "scale_bias": r"(scale|shift)\.",
    "norm": r"language\..*(norm\w*|ln_\w+)\.(weight|bias)$",
    "bias": r"language\..*\.bias$",
}


@dataclass(frozen=True, slots=True)
class TokenLoss:
    """Of each target token of a batch, in the order of the flattened rows."""

    nll: Tensor
    """(T,) float32: minus the log of the probability of the token."""
    z: Tensor
    """(T,) float32: the log of the normaliser."""
    where: Tensor
    """(T,) place of the target in the flattened rows."""


class Vlm(nn.Module):
    """A vision-language model of the parts that a configuration names."""

    def __init__(self, config: ModelConfig, vocabulary: int) -> None:
        """Build all parts. Raises PresetError where they do not fit together."""
        super().__init__()
        self.config = config
        self.language = load_language(config.language, vocabulary)
        self.vision = Tower(config.vision, config.layout)
        width, layers = layer_width_of(self.language), layers_of(self.language)
        cross, inner, tune = config.inject.cross, config.inject.inner, config.tune
        entry = width_of(self.language) if config.inject.input or not inner else width
        self.mapper = Mapper(config.mapper, self.vision.width, entry)
        _check(config, self.mapper.out_width, entry, len(layers))
        if inner and entry != width:
            raise PresetError(f"inject: {entry} wide at the input, {width} in the layers: no mapper gives both")
        self.cross = nn.ModuleDict()
        if cross is not None:
            for number in range(0, len(layers), cross.every):
                self.cross[str(number)] = GatedCross(width, self.mapper.out_width, cross)
        if tune.lora is not None:
            add_lora(self.language, tune.lora)
        self.prompt = nn.Parameter(torch.randn(tune.prompt, width_of(self.language)) * 0.02) if tune.prompt else None
        self.scale = nn.ParameterDict({str(n): nn.Parameter(torch.ones(width)) for n in tune.scale_bias})
        self.shift = nn.ParameterDict({str(n): nn.Parameter(torch.zeros(width)) for n in tune.scale_bias})
        adapted = range(len(layers)) if tune.adapter else ()
        self.adapter = nn.ModuleDict({str(n): Adapter(width, tune.adapter.width) for n in adapted if tune.adapter})
        self._logit_scale = logit_scale(self.language)
        self._inner = {} if inner is None else {layer: i for i, layer in enumerate(inner.layers)}
        self._now: _Now | None = None
        self._nll = _nll
        for number, layer in enumerate(layers):
            if str(number) in self.cross or number in self._inner:
                layer.register_forward_pre_hook(_Before(self, number))
            if str(number) in self.scale or str(number) in self.adapter:
                layer.register_forward_hook(_After(self, number))

    @property
    def first_image_layer(self) -> int:
        """Layers below see no image token: nothing is in them yet."""
        return min(self._inner) if self._inner and not self.config.inject.input else 0

    @property
    def room(self) -> int | None:
        """Longest document, in tokens; None where the language model computes its positions."""
        found = positions_of(self.language)
        return found if found is None or self.prompt is None else found - len(self.prompt)

    def compile_parts(self) -> None:
        """Compile what repeats: layers of the language model, the tower and the mapper, and the loss. Hooks between
        the layers stay as they are, and layers of one kind share their code.
        """
        parts = [*layers_of(self.language), *self.cross.values(), *self.vision.blocks()]
        for module in (*parts, *(m for m in self.mapper.modules() if isinstance(m, Layer | Linear))):
            module.forward = torch.compile(module.forward)
        self._nll = torch.compile(_nll)

    def image_config(self, size: int = 0) -> ImageConfig:
        """What the loader must be asked for. Raises PresetError where the parts cannot take such images."""
        layout = self.config.layout
        side = (size or layout.size) // layout.patch
        common: dict[str, Any] = {"mode": layout.mode, "size": size or layout.size, "patch": layout.patch}
        common |= {"max_tiles": layout.max_tiles, "max_patches": layout.max_patches, "merge": layout.merge}
        common |= {"mean": layout.mean, "std": layout.std}
        grid = (side, side)
        tokens: int | None = self.mapper.tokens(self.vision.tokens(grid), grid)
        if not self.config.inject.input and not self._inner:
            return ImageConfig(**common, tokens=1)
        if layout.mode == "native":
            other = (2 * layout.merge, layout.merge)
            varies = self.mapper.tokens(self.vision.tokens(other), other) != tokens
            if varies and self.mapper.tokens(self.vision.tokens(other), other) != 2:
                raise PresetError(
                    "native layout: the mapper must give one token for merge x merge patches, or a fixed number"
                )
            tokens = None if varies else tokens
        return ImageConfig(**common, tokens=tokens)

    def forward(self, batch: Batch, *, blind: bool = False) -> TokenLoss:
        """The loss of each target token; with `blind`, as if every image were of the mean colour."""
        if blind:
            batch = replace(batch, patches=torch.zeros_like(batch.patches))
        return self.token_loss(self.hidden(batch), batch)

    def hidden(self, batch: Batch, kept: Kept | None = None) -> Tensor:
        """(B, L, width) what the language model's head reads; with what was `kept` of the same document when it was
        shorter, by one token, only that of the last, (1, 1, width).
        """
        prompt = 0 if self.prompt is None else len(self.prompt)
        both_ways = self.config.attention == "prefix"
        layout = layout_of(batch, prompt=prompt, first_image_layer=self.first_image_layer, kept=kept, prefix=both_ways)
        before = None if kept is None else kept.images
        sources, image_of_key = before or self._images(batch)
        x = residual(self.language.get_input_embeddings()(batch.tokens))
        inject = self.config.inject
        if inject.input and sources:
            x = put(x, sources[-1], batch.image_index)
        if self.prompt is not None:
            x = torch.cat([self.prompt.to(x.dtype).expand(len(x), -1, -1), x], 1)
        media = None
        if inject.cross is not None:
            features = sources[-1] if sources else x.new_zeros(0, self.mapper.out_width)
            media = media_of(batch, features, image_of_key, inject.cross, prompt)
        index = batch.image_index
        if before:
            x, index, media, prompt = x[:, -1:], index[:, -1:], media and media.last_token(), 0
            layout = layout.last_token()
        elif kept is not None:
            kept.images = sources, image_of_key
        if x.device.type == "cuda" and not before:  # made here, not in what is compiled
            for window in windows_of(self.language, x.shape[1]):
                for at in (layout, layout.bare):
                    block_mask(at, window) if at is not None else None
            if media is not None and len(media.features):
                cross_mask(media)
        self._now = _Now(sources, index, prompt, media)
        out = self.language.base_model(inputs_embeds=x, position_ids=layout.positions, layout=layout, use_cache=False)
        states: Tensor = out.last_hidden_state[:, prompt:]
        return states if self._logit_scale == 1 else states * self._logit_scale

    def _images(self, batch: Batch) -> tuple[list[Tensor], Tensor]:
        """(for each source layer the tokens of all crops in a row, the image of each token)."""
        if not len(batch.grids):
            if self.training or is_initialized():  # every rank must use, and gather, every parameter, images or not
                return self._nothing(batch), batch.grid_image.long()
            return [], batch.grid_image.long()
        groups = self.vision(batch)
        mapped = [[self.mapper(layer, group.grid) for layer in group.layers] for group in groups]
        if len(groups) == 1:
            each = mapped[0][0].shape[1]
            return [m.flatten(0, 1) for m in mapped[0]], batch.grid_image.long().repeat_interleave(each)
        sizes = torch.cat([torch.full((len(g.crops),), m[0].shape[1]) for g, m in zip(groups, mapped, strict=True)])
        crops = torch.cat([group.crops for group in groups]).cpu()
        starts = torch.cat([sizes.new_zeros(1), sizes.cumsum(0)[:-1]])
        order = torch.cat([torch.arange(int(starts[i]), int(starts[i] + sizes[i])) for i in crops.argsort()]).to(
            batch.patches.device
        )
        flat = [torch.cat([m[i].flatten(0, 1) for m in mapped])[order] for i in range(len(mapped[0]))]
        each = sizes[crops.argsort()].to(batch.grid_image.device)
        return flat, batch.grid_image.long().repeat_interleave(each)

    def _nothing(self, batch: Batch) -> list[Tensor]:
        side = self.config.layout.size // self.config.layout.patch
        grid = (side, side)
        one = replace(
            batch,
            patches=batch.patches.new_zeros(side * side, batch.patches.shape[1]),
            grids=batch.grids.new_tensor([grid]),
            cu_patches=batch.cu_patches.new_tensor([0, side * side]),
            grid_image=batch.grid_image.new_zeros(1),
        )
        group = self.vision(one)[0]
        return [self.mapper(layer, grid).flatten(0, 1)[:0] for layer in group.layers]

    def token_loss(self, hidden: Tensor, batch: Batch) -> TokenLoss:
        """The loss of each token that is to be predicted, from the hidden state of the one before it."""
        targets, where = targets_of(batch)
        states = hidden.flatten(0, 1)[where - 1]
        head: Any = self.language.get_output_embeddings()

        def chunk(states: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
            return self._nll(head(states), targets)

        nll, z, many = [], [], len(where) > CHUNK
        for start in range(0, len(where), CHUNK):
            part = (states[start : start + CHUNK], targets[start : start + CHUNK])
            a, b = checkpoint(chunk, *part, use_reentrant=False) if many else chunk(*part)
            nll.append(a)
            z.append(b)
        if not nll and self.training:  # every rank must use every parameter
            none, nothing = chunk(hidden[:1, -1], targets.new_zeros(1))
            return TokenLoss(none[:0], nothing[:0], where)
        empty = states.float().sum(1)
        return TokenLoss(torch.cat(nll) if nll else empty, torch.cat(z) if z else empty, where)

    def logits(self, batch: Batch) -> Tensor:
        """(B, L, vocabulary)."""
        return self.language.get_output_embeddings()(self.hidden(batch))  # type: ignore[no-any-return]

    def gates(self) -> dict[str, float]:
        """tanh of each gate, by layer and kind; where they are sharded, all ranks must ask."""
        found = {}
        for number, block in self.cross.items():
            for kind, name in (("attention", "gate"), ("ffn", "gate_ffn")):
                gate = getattr(block, name).detach()
                whole = gate.full_tensor() if isinstance(gate, DTensor) else gate
                found[f"{number}.{kind}"] = float(whole.tanh())
        return found

    def trains(self, groups: tuple[str, ...]) -> list[str]:
        """Freeze all but these groups; the names of the parameters that learn. PresetError where a group has none."""
        chosen: set[str] = set()
        names = [name for name, _ in self.named_parameters()]
        for group in groups:
            if group not in _GROUPS and not group.startswith("re:"):
                raise PresetError(f"stage.train: no group {group}; there are: {', '.join(_GROUPS)}, re:PATTERN")
            pattern = re.compile(group[3:] if group.startswith("re:") else _GROUPS[group])
            found = [name for name in names if pattern.match(name)]
            if not found:
                raise PresetError(f"stage.train: this model has no parameters in the group {group}")
            chosen.update(found)
        for name, parameter in self.named_parameters():
            parameter.requires_grad_(name in chosen)
        return [name for name in names if name in chosen]


def targets_of(batch: Batch) -> tuple[Tensor, Tensor]:
    """(token, place in the flattened rows) of what is to be predicted and has something readable before it."""
    mask = target_mask(batch.loss_mask, batch.valid).flatten()
    is_cuda = mask.device.type == "cuda"  # there a plain `nonzero` would wait for the device
    where = (mask.nonzero_static(size=batch.num_targets) if is_cuda else mask.nonzero())[:, 0]
    return batch.tokens.flatten()[where], where


def _nll(logits: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    logits = logits.float()
    z = logits.logsumexp(1)
    return z - logits.gather(1, targets[:, None])[:, 0], z


def put(x: Tensor, tokens: Tensor, image_index: Tensor) -> Tensor:
    """`x` (B, L, width) with `tokens` (K, width), in order, where `image_index` is not -1."""
    mask = image_index >= 0
    if not len(tokens):
        return x + tokens.sum().to(x.dtype)
    place = mask.flatten().long().cumsum(0).sub(1).clamp(0, len(tokens) - 1).view_as(mask)
    return torch.where(mask[..., None], tokens.to(x.dtype)[place], x)


@dataclass(frozen=True, slots=True)
class _Now:
    """What the hooks of this forward pass use."""

    sources: list[Tensor]
    image_index: Tensor
    prompt: int
    media: Media | None


class _Before:
    """Before a layer: image tokens are exchanged, then text looks at images."""

    def __init__(self, model: Vlm, number: int) -> None:
        self._model, self._number = model, number

    def __call__(self, _: nn.Module, args: tuple[Any, ...]) -> tuple[Any, ...]:
        model, now, hidden = self._model, self._model._now, args[0]
        assert now is not None
        if self._number in model._inner and now.sources:
            front, text = hidden[:, : now.prompt], hidden[:, now.prompt :]
            text = put(text, now.sources[model._inner[self._number]], now.image_index)
            hidden = torch.cat([front, text], 1) if now.prompt else text
        if str(self._number) in model.cross and now.media is not None:
            hidden = model.cross[str(self._number)](hidden, now.media)
        return (hidden, *args[1:])


class _After:
    """After a layer: its adapter, its learned scale and bias."""

    def __init__(self, model: Vlm, number: int) -> None:
        self._model, self._number = model, str(number)

    def __call__(self, _: nn.Module, __: tuple[Any, ...], out: Any) -> Any:
        hidden = out[0] if isinstance(out, tuple) else out
        if self._number in self._model.adapter:
            hidden = self._model.adapter[self._number](hidden)
        if self._number in self._model.scale:
            scale, shift = self._model.scale[self._number], self._model.shift[self._number]
            hidden = hidden * scale.to(hidden.dtype) + shift.to(hidden.dtype)
        return (hidden, *out[1:]) if isinstance(out, tuple) else hidden


def _check(config: ModelConfig, mapped: int, width: int, layers: int) -> None:
    inject, vision = config.inject, config.vision
    if not (inject.input or inject.inner or inject.cross):
        raise PresetError("inject: none of input, inner and cross is asked for: the model would see no image")
    if (inject.input or inject.inner) and mapped != width:
        raise PresetError(f"the mapper gives width {mapped}, the language model takes {width}: end with a linear part")
    if inject.inner is not None:
        chosen = inject.inner.layers
        if len(chosen) != vision.last:
            raise PresetError(
                f"inject.inner has {len(chosen)} layers, vision.last gives {vision.last} sources: want as many"
            )
        if not chosen or max(chosen) >= layers or min(chosen) < 0 or list(chosen) != sorted(set(chosen)):
            raise PresetError(f"inject.inner.layers {list(chosen)} must rise, within the {layers} layers of the model")
    elif vision.last != 1:
        raise PresetError("vision.last is more than 1, and inject.inner takes no source but the last")
    if config.tune.scale_bias and max(config.tune.scale_bias) >= layers:
        raise PresetError(f"tune.scale_bias: the language model has {layers} layers")
