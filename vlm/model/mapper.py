"""Mappers: from vision features to the tokens that the language model takes. A chain of four kinds of part.

* linear   `depth` layers with GELU between; depth 0 is the identity; may give several tokens for each one that comes in
* pool     k tokens become one: avg, max, random (one of each k in training, the first else), concat, shuffle (squares
           of the grid, channels side by side), conv (depth-wise, squares of the grid)
* latent   one transformer with learned queries: `joint` (QPMapper of DePALM and MAPL, ClipCap), `cross` (Q-Former),
           `cross_concat` (Perceiver Resampler of Flamingo)
* branch   chains side by side, whose tokens come one after the other (BLIVA)
"""

from __future__ import annotations

import math
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vlm.config import MapperPart
from vlm.errors import PresetError

Grid = tuple[int, int]
_USED = {
    "linear": {"depth", "out", "tokens", "bias"},
    "pool": {"pool", "k"},
    "latent": {
        *("attend", "queries", "layers", "width", "ffn", "heads", "head_width", "cross_every", "per_group", "out"),
    },
    "branch": {"branches"},
}


class Mapper(nn.Sequential):
    """A chain of parts; (G, tokens, width) of one grid in, (G, tokens', width') out."""

    def __init__(self, parts: tuple[MapperPart, ...], width: int, out: int) -> None:
        """From features of `width`; `out` is the language model's width. Raises PresetError where parts do not fit."""
        built: list[nn.Module] = []
        for number, part in enumerate(parts):
            _check(part, number)
            module = _part(part, width, out)
            width = module.out_width
            built.append(module)
        super().__init__(*built)
        self.out_width = width

    def tokens(self, tokens: int, grid: Grid) -> int:
        """Tokens that come out for one crop. Raises PresetError where a part cannot take what comes."""
        for part in self:
            tokens, grid = part.shape(tokens, grid)  # type: ignore[operator]
        return tokens

    def flops(self, tokens: int, grid: Grid) -> float:
        """FLOPs of the forward pass of one crop."""
        total = 0.0
        for part in self:
            total += part.flops(tokens)  # type: ignore[operator]
            tokens, grid = part.shape(tokens, grid)  # type: ignore[operator]
        return total

    def forward(self, x: Tensor, grid: Grid) -> Tensor:  # type: ignore[override]
        """Map the features of crops of one grid."""
        for part in self:
            _, after = part.shape(x.shape[1], grid)  # type: ignore[operator]
            x, grid = part(x, grid), after
        return x


def _check(part: MapperPart, number: int) -> None:
    default = MapperPart(kind=part.kind)
    given = {n for n in MapperPart.__dataclass_fields__ if getattr(part, n) != getattr(default, n)}
    unused = sorted(given - _USED[part.kind])
    if unused:
        raise PresetError(f"mapper part {number} ({part.kind}) does not take {unused[0]}")


def _part(part: MapperPart, width: int, out: int) -> Linear | Pool | Latent | Branch:
    if part.kind == "branch":
        return Branch(part, width, out)
    if part.kind == "linear":
        return Linear(width, part.out or out, part.depth, part.tokens, part.bias)
    return Pool(part, width) if part.kind == "pool" else Latent(part, width)


class Linear(nn.Module):
    """`depth` linear layers with GELU between."""

    def __init__(self, width: int, out: int, depth: int, tokens: int = 1, bias: bool = True) -> None:
        """Depth 0 passes its input on."""
        super().__init__()
        self.per_token, self.out_width = tokens, out if depth else width
        widths = [width, *[out] * (depth - 1), out * tokens][: depth + 1]
        self.layers = nn.ModuleList(nn.Linear(a, b, bias=bias) for a, b in pairwise(widths))

    def shape(self, tokens: int, grid: Grid) -> tuple[int, Grid]:
        """(tokens, grid) that come out; a grid is lost where tokens are split."""
        return tokens * self.per_token, grid if self.per_token == 1 else (tokens * self.per_token, 1)

    def flops(self, tokens: int) -> float:
        """FLOPs of the forward pass of `tokens`."""
        return 2.0 * tokens * matrices(self)

    def forward(self, x: Tensor, grid: Grid) -> Tensor:  # noqa: ARG002 - parts have one signature
        """Map each token."""
        for number, layer in enumerate(self.layers):
            x = layer(F.gelu(x) if number else x)
        return x.reshape(len(x), -1, self.out_width)


class Pool(nn.Module):
    """k tokens become one."""

    def __init__(self, part: MapperPart, width: int) -> None:
        """`shuffle` and `conv` need k to be a square."""
        super().__init__()
        self.kind, self.k = part.pool, part.k
        self.side = math.isqrt(part.k)
        self.out_width = width * (part.k if part.pool in ("concat", "shuffle") else 1)
        if part.k < 1 or (part.pool in ("shuffle", "conv") and self.side**2 != part.k):
            raise PresetError(f"pool {part.pool} of k = {part.k}: want a square number")
        if part.pool == "conv":
            self.conv = nn.Conv2d(width, width, self.side, self.side, groups=width)

    def shape(self, tokens: int, grid: Grid) -> tuple[int, Grid]:
        """(tokens, grid) that come out; raises PresetError where they do not divide."""
        if self.kind in ("shuffle", "conv"):
            if grid[0] % self.side or grid[1] % self.side or grid[0] * grid[1] != tokens:
                raise PresetError(f"pool {self.kind} of {self.side} x {self.side} does not divide the grid {grid}")
            return tokens // self.k, (grid[0] // self.side, grid[1] // self.side)
        if tokens % self.k:
            raise PresetError(f"pool {self.kind}: {tokens} tokens are no multiple of k = {self.k}")
        return tokens // self.k, (tokens // self.k, 1)

    def flops(self, tokens: int) -> float:
        """FLOPs of the forward pass of `tokens`; sums and comparisons are not counted."""
        return 2.0 * tokens * matrices(self)

    def forward(self, x: Tensor, grid: Grid) -> Tensor:
        """Pool each crop."""
        g, tokens, width = x.shape
        if self.kind in ("shuffle", "conv"):
            h, w, s = grid[0], grid[1], self.side
            if self.kind == "conv":
                return self.conv(x.transpose(1, 2).reshape(g, width, h, w)).flatten(2).transpose(1, 2)  # type: ignore[no-any-return]
            cut = x.view(g, h // s, s, w // s, s, width).permute(0, 1, 3, 2, 4, 5)
            return cut.reshape(g, tokens // self.k, self.out_width)
        groups = x.view(g, tokens // self.k, self.k, width)
        if self.kind == "concat":
            return groups.flatten(2)
        if self.kind == "avg":
            return groups.mean(2)
        if self.kind == "max":
            return groups.amax(2)
        pick = (
            torch.randint(self.k, (tokens // self.k,), device=x.device)
            if self.training
            else x.new_zeros(tokens // self.k, dtype=torch.long)
        )
        return groups[:, torch.arange(tokens // self.k, device=x.device), pick]


class Branch(nn.ModuleList):
    """Chains that see the same features; their tokens one after the other."""

    def __init__(self, part: MapperPart, width: int, out: int) -> None:
        """All chains must give the same width."""
        super().__init__(Mapper(parts, width, out) for parts in part.branches)
        widths = {chain.out_width for chain in self}
        if len(widths) != 1:
            raise PresetError(f"branch: want chains that give one width, not {sorted(map(int, widths)) or 'none'}")  # type: ignore[arg-type]
        self.out_width = int(widths.pop())  # type: ignore[arg-type]

    def shape(self, tokens: int, grid: Grid) -> tuple[int, Grid]:
        """(tokens, grid) that come out; no grid is left."""
        count = sum(chain.tokens(tokens, grid) for chain in self)  # type: ignore[operator]
        return count, (count, 1)

    def flops(self, tokens: int) -> float:
        """FLOPs of the forward pass of `tokens`, in a square grid."""
        side = math.isqrt(tokens)
        return float(sum(chain.flops(tokens, (side, side)) for chain in self))  # type: ignore[operator]

    def forward(self, x: Tensor, grid: Grid) -> Tensor:
        """Map each crop by each chain."""
        return torch.cat([chain(x, grid) for chain in self], 1)


class Latent(nn.Module):
    """A transformer whose learned queries come out."""

    def __init__(self, part: MapperPart, width: int) -> None:
        """`joint` projects its input to `width`; `cross_concat` only where the widths differ; `cross` never."""
        super().__init__()
        inner = part.width or width
        self.attend, self.count, self.per_group = part.attend, part.queries, part.per_group
        self.out_width = inner
        self.queries = nn.Parameter(torch.empty(part.queries, inner))
        nn.init.normal_(self.queries, std=0.02)
        projects = part.attend == "joint" or (part.attend == "cross_concat" and inner != width)
        self.project = nn.Linear(width, inner) if projects else nn.Identity()
        keys = width if part.attend == "cross" else inner
        self.layers = nn.ModuleList(Layer(part, inner, keys, number) for number in range(part.layers))
        self.norm = nn.LayerNorm(inner) if part.attend == "cross_concat" else nn.Identity()

    def shape(self, tokens: int, grid: Grid) -> tuple[int, Grid]:  # noqa: ARG002
        """(tokens, grid) that come out: whatever comes in, the queries, once for each group."""
        if self.per_group and tokens % self.per_group:
            raise PresetError(f"latent: {tokens} tokens are no multiple of per_group = {self.per_group}")
        count = self.count * (tokens // self.per_group if self.per_group else 1)
        return count, (count, 1)

    def flops(self, tokens: int) -> float:
        """FLOPs of the forward pass of `tokens`: what acts on queries, what on features, and attention."""
        groups = tokens // self.per_group if self.per_group else 1
        features, queries = tokens // groups, self.count
        total = 2.0 * matrices(self.project) * features
        for layer in self.layers:
            assert isinstance(layer, Layer)
            total += layer.flops(queries, features)
        return groups * total

    def forward(self, x: Tensor, grid: Grid) -> Tensor:  # noqa: ARG002
        """The queries after they have seen the features."""
        images = len(x)
        if self.per_group:
            x = x.reshape(-1, self.per_group, x.shape[2])
        x = self.project(x)
        q = self.queries.to(x.dtype).expand(len(x), -1, -1).contiguous()  # as all that comes after it: compiled once
        if self.attend == "joint":
            both = torch.cat([x, q], 1)
            for layer in self.layers:
                both = layer(both, both)
            q = both[:, -self.count :]
        else:
            for layer in self.layers:
                q = layer(q, x)
        return self.norm(q).reshape(images, -1, q.shape[2])  # type: ignore[no-any-return]


class Layer(nn.Module):
    """One layer of a latent mapper: attention (which one says `attend`), then an FFN; norms first, residuals around."""

    def __init__(self, part: MapperPart, width: int, keys: int, number: int) -> None:
        """`number` decides, for `cross`, whether this layer looks at the features."""
        super().__init__()
        head = part.head_width or width // part.heads
        self.attend, bias = part.attend, part.attend != "cross_concat"
        if part.attend != "cross_concat":
            self.norm_self = nn.LayerNorm(width)
            self.self_attention = Attention(width, width, part.heads, head, bias)
        self.crosses = part.attend == "cross_concat" or (part.attend == "cross" and number % part.cross_every == 0)
        if self.crosses:
            self.norm_queries = nn.LayerNorm(width)
            self.norm_keys = nn.LayerNorm(keys) if part.attend == "cross_concat" else nn.Identity()
            self.cross_attention = Attention(width, keys, part.heads, head, bias)
        self.norm_ffn = nn.LayerNorm(width)
        ffn = part.ffn or 4 * width
        self.ffn = nn.Sequential(nn.Linear(width, ffn, bias=bias), nn.GELU(), nn.Linear(ffn, width, bias=bias))

    def flops(self, queries: int, features: int) -> float:
        """FLOPs of the forward pass."""
        own = queries + features if self.attend == "joint" else queries
        total = 2.0 * own * matrices(self.ffn)
        if self.attend != "cross_concat":
            total += self.self_attention.flops(own, own)
        if self.crosses:
            keys = features + (queries if self.attend == "cross_concat" else 0)
            total += self.cross_attention.flops(queries, keys)
        return total

    def forward(self, x: Tensor, features: Tensor) -> Tensor:
        """`x` are queries (with the features before them where `joint`)."""
        if self.attend != "cross_concat":
            y = self.norm_self(x)
            x = x + self.self_attention(y, y)
        if self.crosses:
            q, keys = self.norm_queries(x), self.norm_keys(features)
            x = x + self.cross_attention(q, torch.cat([keys, q], 1) if self.attend == "cross_concat" else keys)
        return x + self.ffn(self.norm_ffn(x))  # type: ignore[no-any-return]


class Attention(nn.Module):
    """Multi-head attention of queries to keys, all of which they may see."""

    def __init__(self, width: int, keys: int, heads: int, head: int, bias: bool) -> None:
        """`head` is the width of one head."""
        super().__init__()
        self.heads = heads
        self.q = nn.Linear(width, heads * head, bias=bias)
        self.k = nn.Linear(keys, heads * head, bias=bias)
        self.v = nn.Linear(keys, heads * head, bias=bias)
        self.out = nn.Linear(heads * head, width, bias=bias)

    def flops(self, queries: int, keys: int) -> float:
        """FLOPs of the forward pass."""
        own, theirs = matrices(self.q) + matrices(self.out), matrices(self.k) + matrices(self.v)
        return 2.0 * queries * own + 2.0 * keys * theirs + 4.0 * queries * keys * self.q.out_features

    def forward(self, queries: Tensor, keys: Tensor) -> Tensor:
        """(G, n, width) for queries (G, n, width) and keys (G, m, keys)."""
        q, k, v = (split(layer(x), self.heads) for layer, x in ((self.q, queries), (self.k, keys), (self.v, keys)))
        out = F.scaled_dot_product_attention(q, k, v)
        return self.out(out.transpose(1, 2).flatten(2))  # type: ignore[no-any-return]


def matrices(module: nn.Module) -> int:
    """Weights of all that is more than a vector."""
    return sum(p.numel() for p in module.parameters() if p.ndim >= 2)


def split(x: Tensor, heads: int) -> Tensor:
    """(G, n, heads x head) as (G, heads, n, head)."""
    return x.view(*x.shape[:-1], heads, -1).transpose(1, 2)
