"""Vision towers on patches: open_clip's transformers and timm's, from a name, a folder, or a small configuration.

The loader hands over patches, not images, so a tower's first convolution is one matrix product; position embeddings are
resized to the grid of each crop (native sizes, other resolutions than it was trained on). Crops of equal grids go
through together. Towers without patches (timm's convolutional ones) get their image back from the patches.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from vlm.config import LayoutConfig, VisionConfig
from vlm.errors import PresetError
from vlm.loader import Batch

STRIDE = 32
"""Pixels to a feature of the convolutional towers that are known here (ResNet, NFNet)."""


@dataclass(frozen=True, slots=True)
class Group:
    """Features of the crops of one grid."""

    crops: Tensor
    """(G,) which crops of the batch."""
    grid: tuple[int, int]
    layers: tuple[Tensor, ...]
    """(G, tokens, width) for each source layer, the last layer last."""


class Tower(nn.Module):
    """Patches in, features of the last n layers out."""

    def __init__(self, config: VisionConfig, layout: LayoutConfig) -> None:
        """Raises PresetError where the tower is unknown, or does not fit the layout."""
        super().__init__()
        self.config, self.layout = config, layout
        self.body = _build(config)
        self.kind = _kind_of(self.body)
        if self.kind == "timm":  # what only a classifier reads would learn nothing, and replicas would wait for it
            for name in ("attn_pool", "fc_norm", "head"):
                setattr(self.body, name, nn.Identity())
        self.width, patch = _shape(self.body, self.kind)
        self._a_pixel = _flops_of_a_pixel(config, layout) if self.kind == "map" else 0.0
        if patch and patch != layout.patch:
            raise PresetError(f"the tower cuts patches of {patch} pixels, the layout of {layout.patch}")
        if config.features == "pooled" and config.last != 1:
            raise PresetError("vision.features = pooled has no layers: vision.last must be 1")
        if self.kind == "map" and (config.features == "cls" or config.last != 1):
            raise PresetError("a convolutional tower gives vision.features = patches or pooled, of its last layer")

    def blocks(self) -> list[nn.Module]:
        """The layers of a transformer; none where the tower is convolutional."""
        if self.kind == "map":
            return []
        body: Any = self.body
        return list(body.transformer.resblocks if self.kind == "open_clip" else body.blocks)

    def flops(self, grid: tuple[int, int]) -> float:
        """FLOPs of the forward pass of one crop of `grid` patches."""
        patches = grid[0] * grid[1]
        if self._a_pixel:
            return self._a_pixel * patches * self.layout.patch**2
        weights = sum(p.numel() for p in self.parameters() if p.ndim >= 2)
        return 2.0 * weights * patches + 4.0 * patches**2 * self.width * len(self.blocks())

    def grid(self, grid: tuple[int, int]) -> tuple[int, int]:
        """Rows and columns of the features of one crop of `grid` patches."""
        if self.config.features != "patches":
            return (1, 1)
        if self.kind != "map":
            return grid
        return tuple(max(1, -(-n * self.layout.patch // STRIDE)) for n in grid)  # type: ignore[return-value]

    def tokens(self, grid: tuple[int, int]) -> int:
        """Features of one crop of `grid` patches."""
        rows, columns = self.grid(grid)
        return rows * columns

    def forward(self, batch: Batch) -> list[Group]:
        """The features of all crops of a batch, by grid."""
        found = self._by_grid(batch)
        return [Group(crops, self.grid(grid), self._features(patches, grid)) for crops, grid, patches in found]

    def _by_grid(self, batch: Batch) -> Iterator[tuple[Tensor, tuple[int, int], Tensor]]:
        count = len(batch.grids)
        if not count:
            return
        device, side = batch.patches.device, math.isqrt(len(batch.patches) // count)
        if self.layout.mode != "native":  # all alike: nothing is asked of the device
            grid = (side, side)
            yield torch.arange(count, device=device), grid, batch.patches.view(count, side * side, -1)
            return
        grids = [tuple(g) for g in batch.grids.tolist()]
        starts = batch.cu_patches.tolist()
        for grid in sorted(set(grids)):
            crops = [i for i, g in enumerate(grids) if g == grid]
            rows = torch.stack([batch.patches[starts[i] : starts[i + 1]] for i in crops])
            yield torch.tensor(crops, device=device), (grid[0], grid[1]), rows

    def _features(self, patches: Tensor, grid: tuple[int, int]) -> tuple[Tensor, ...]:
        dtype = next(self.body.parameters()).dtype
        patches = patches.to(dtype)
        if self.kind == "map":
            maps = _feature_map(self.body, _image(patches, grid, self.layout.patch)).flatten(2).transpose(1, 2)
            return (maps if self.config.features == "patches" else maps.mean(1, keepdim=True),)
        hidden = self._open_clip(patches, grid) if self.kind == "open_clip" else self._timm(patches, grid)
        special = 1 if self.kind == "open_clip" else self.body.num_prefix_tokens
        if self.config.features == "patches":
            return tuple(h[:, special:] for h in hidden)
        if not special:
            return tuple(
                h.mean(1, keepdim=True) for h in hidden
            )  # a tower without a class token: the mean stands for it
        return tuple(h[:, :1] for h in hidden)

    def _open_clip(self, patches: Tensor, grid: tuple[int, int]) -> list[Tensor]:
        body: Any = self.body
        x = F.linear(patches, body.conv1.weight.flatten(1))
        x = torch.cat([body.class_embedding.expand(len(x), 1, -1).to(x.dtype), x], 1)
        x = x + resized_positions(body.positional_embedding, grid, 1).to(x.dtype)
        x = residual(body.ln_pre(x))
        return self._through(x, body.transformer.resblocks, body.ln_post)

    def _timm(self, patches: Tensor, grid: tuple[int, int]) -> list[Tensor]:
        body: Any = self.body
        x = F.linear(patches, body.patch_embed.proj.weight.flatten(1), body.patch_embed.proj.bias)
        special, positions = body.num_prefix_tokens, body.pos_embed
        embedded = positions.shape[1] - (0 if body.no_embed_class else special)
        if embedded != body.patch_embed.num_patches:
            raise PresetError("this timm tower keeps its positions in a way that is not known here")
        if special and not body.no_embed_class:
            x = torch.cat([body.cls_token.expand(len(x), -1, -1), x], 1)
            x = x + resized_positions(positions[0], grid, special)
        else:
            x = x + resized_positions(positions[0], grid, 0)
            x = torch.cat([body.cls_token.expand(len(x), -1, -1), x], 1) if special else x
        return self._through(residual(body.norm_pre(x)), body.blocks, body.norm)

    def _through(self, x: Tensor, blocks: Any, norm: nn.Module) -> list[Tensor]:
        kept: list[Tensor] = []
        for number, block in enumerate(blocks):
            x = block(x)
            if number >= len(blocks) - self.config.last:
                kept.append(norm(x))
        return kept


def residual(x: Tensor) -> Tensor:
    """What flows through the layers, under autocast in its type: norms and sums read half the bytes."""
    kind = x.device.type
    return x.to(torch.get_autocast_dtype(kind)) if torch.is_autocast_enabled(kind) else x


def resized_positions(positions: Tensor, grid: tuple[int, int], special: int) -> Tensor:
    """(special + h w, width) positions of a square grid, resized (bicubic) to another one; their own is left alone."""
    own = round((len(positions) - special) ** 0.5)
    if (own, own) == grid:
        return positions
    square = positions[special:].view(1, own, own, -1).permute(0, 3, 1, 2).float()
    new = F.interpolate(square, size=grid, mode="bicubic", antialias=True, align_corners=False)
    return torch.cat([positions[:special], new[0].flatten(1).T.to(positions.dtype)])


def _feature_map(body: Any, image: Tensor) -> Tensor:
    """(G, width, h, w) of the last convolution, 1/32 of the image's sides."""
    if hasattr(body, "forward_features"):
        return body.forward_features(image)  # type: ignore[no-any-return]
    x = body.stem(image)
    for layer in (body.layer1, body.layer2, body.layer3, body.layer4):
        x = layer(x)
    return x  # type: ignore[no-any-return]


def _flops_of_a_pixel(config: VisionConfig, layout: LayoutConfig) -> float:
    """FLOPs of a convolutional tower for each pixel: PyTorch's count of a copy without weights."""
    with torch.device("meta"), FlopCounterMode(display=False) as counter:
        _feature_map(_build(replace(config, pretrained="")).eval(), torch.empty(1, 3, layout.size, layout.size))
    return float(counter.get_total_flops()) / layout.size**2


def _image(patches: Tensor, grid: tuple[int, int], side: int) -> Tensor:
    """(G, 3, H, W) from patches (G, h w, 3 P P)."""
    h, w = grid
    cut = patches.view(len(patches), h, w, 3, side, side)
    return cut.permute(0, 3, 1, 4, 2, 5).reshape(len(patches), 3, h * side, w * side)


def _build(config: VisionConfig) -> nn.Module:
    if config.model.startswith("timm:"):
        return _timm_model(config.model.removeprefix("timm:"), config)
    import open_clip

    try:
        if config.pretrained or config.model.startswith("local-dir:"):
            whole = open_clip.create_model(config.model, pretrained=config.pretrained or None)
            return _trunk(whole.visual)
        described = open_clip.get_model_config(config.model) if config.model else None
    except (RuntimeError, OSError, ValueError) as error:
        raise PresetError(f"vision tower {config.model} ({config.pretrained}) cannot be had here: {error}") from error
    if config.model and described is None:
        raise PresetError(f"open_clip has no model {config.model}")
    wanted = {**(described or {}).get("vision_cfg", {}), **config.config}
    gelu = bool((described or {}).get("quick_gelu", False))
    if wanted.get("timm_model_name"):
        return _timm_model(wanted["timm_model_name"], config)
    try:
        visual = open_clip.model._build_vision_tower(wanted.get("width", 768), wanted, quick_gelu=gelu)
    except (TypeError, KeyError) as error:
        raise PresetError(f"vision.config: {error}") from error
    return _trunk(visual)


def _timm_model(name: str, config: VisionConfig) -> nn.Module:
    import timm

    try:
        return timm.create_model(name, pretrained=bool(config.pretrained), num_classes=0, **config.config)
    except (RuntimeError, OSError, TypeError) as error:
        raise PresetError(f"timm's {name} cannot be had here: {error}") from error


def _trunk(visual: Any) -> nn.Module:
    """The tower without what only the contrastive loss needs."""
    if hasattr(visual, "trunk"):
        return visual.trunk  # type: ignore[no-any-return]
    if hasattr(visual, "proj") and hasattr(visual, "conv1"):
        visual.proj = None
    if hasattr(visual, "attnpool"):
        visual.attnpool = None
    return visual  # type: ignore[no-any-return]


def _kind_of(body: Any) -> str:
    if hasattr(body, "resblocks") or hasattr(getattr(body, "transformer", None), "resblocks"):
        return "open_clip"
    if hasattr(body, "patch_embed") and hasattr(body, "blocks") and hasattr(body, "pos_embed"):
        return "timm"
    if hasattr(body, "num_features") or hasattr(body, "attnpool"):
        return "map"
    raise PresetError(f"a tower of the kind {type(body).__name__} is not known here")


def _shape(body: Any, kind: str) -> tuple[int, int]:
    """(width of a feature, pixels of the side of a patch; 0 where it has none)."""
    if kind == "open_clip":
        return int(body.conv1.weight.shape[0]), int(body.conv1.kernel_size[0])
    if kind == "timm":
        return int(body.embed_dim), int(body.patch_embed.patch_size[0])
    return int(body.num_features if hasattr(body, "num_features") else body.layer4[-1].bn3.num_features), 0
