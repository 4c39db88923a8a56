"""From the width and height in the index to patches and tokens: arithmetic only, before any pixel is read.

Both the planner (whole shards at a time, as arrays) and the decoder (one image) use these functions, so that what was
planned is what is cut.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vlm.loader.config import ImageConfig

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Sizes:
    """For each of N images: its grid of tiles, the grid of patches of one tile, and what it costs."""

    tile_rows: Ints
    tile_cols: Ints
    grid_height: Ints
    """Patches of one tile, vertically."""
    grid_width: Ints
    patches: Ints
    """Patches of all crops, thumbnail included."""
    tokens: Ints
    """Tokens of all crops, marks not included."""


@dataclass(frozen=True, slots=True)
class Job:
    """One resize: a whole image to `rows` x `cols` tiles of `grid_height` x `grid_width` patches."""

    image: int
    rows: int
    cols: int
    grid_height: int
    grid_width: int

    @property
    def crops(self) -> int:
        """How many grids it gives."""
        return self.rows * self.cols

    @property
    def patches(self) -> int:
        """How many patches it gives."""
        return self.rows * self.cols * self.grid_height * self.grid_width


def sizes(width: npt.ArrayLike, height: npt.ArrayLike, config: ImageConfig) -> Sizes:
    """What each image costs. Sides are pixels of the member; sides below 1 count as 1."""
    w = np.maximum(np.atleast_1d(np.asarray(width, np.int64)), 1)
    h = np.maximum(np.atleast_1d(np.asarray(height, np.int64)), 1)
    one = np.ones_like(w)
    if config.mode == "native":
        gh, gw = _native_grid(w, h, config)
        per_token = config.merge**2
        tokens = gh * gw // per_token if config.tokens is None else one * config.tokens
        return Sizes(one, one, gh, gw, gh * gw, tokens)
    side = one * (config.size // config.patch)
    rows, cols = (one, one) if config.mode == "fixed" else _tiles(w, h, config)
    crops = rows * cols + (rows * cols > 1)
    return Sizes(rows, cols, side, side, crops * side * side, crops * config.crop_tokens)


def jobs(image: int, width: int, height: int, config: ImageConfig) -> list[Job]:
    """The resizes of one image in the order of its crops: tiles, then the thumbnail."""
    s = sizes(width, height, config)
    rows, cols, gh, gw = (int(x[0]) for x in (s.tile_rows, s.tile_cols, s.grid_height, s.grid_width))
    whole = [Job(image, rows, cols, gh, gw)]
    return whole if rows * cols == 1 else [*whole, Job(image, 1, 1, gh, gw)]


def _native_grid(w: Ints, h: Ints, config: ImageConfig) -> tuple[Ints, Ints]:
    """Patches (height, width) that keep the aspect ratio, never enlarge, and stay within `max_patches`."""
    unit, most = config.patch * config.merge, config.max_patches // config.merge**2
    scale = np.minimum(1.0, np.sqrt(most * unit**2 / (w * h).astype(np.float64)))
    gw = np.clip(np.floor(w * scale / unit).astype(np.int64), 1, most)
    gh = np.clip(np.floor(h * scale / unit).astype(np.int64), 1, most)
    return gh * config.merge, gw * config.merge


def _tiles(w: Ints, h: Ints, config: ImageConfig) -> tuple[Ints, Ints]:
    """The grid of tiles nearest to the aspect ratio; of equals the largest that the image can fill."""
    best_rows, best_cols = np.ones_like(w), np.ones_like(w)
    aspect = np.log(w / h)
    best = np.abs(aspect)
    for rows in range(1, config.max_tiles + 1):
        for cols in range(1, config.max_tiles // rows + 1):
            off = np.abs(aspect - np.log(cols / rows))
            filled = (rows <= -(-h // config.size)) & (cols <= -(-w // config.size))
            larger = (np.abs(off - best) < 1e-9) & (rows * cols > best_rows * best_cols)
            take = filled & ((off < best - 1e-9) | larger)
            best_rows, best_cols = np.where(take, rows, best_rows), np.where(take, cols, best_cols)
            best = np.where(take, off, best)
    return best_rows, best_cols
