"""How much of a picture looks like letters: drawn signs on an even ground, not a photograph's texture.

A tile of 8 x 8 px counts where it has contrast, many steep steps from left to right, and much of its area at one end
of its range, which is the ground. Cheap (a tenth of a millisecond on the reduced picture) and no reading: of 96
pictures looked at among those of the corpus that have most of it, about two were not text, screens, charts, sleeves
or codes. Recipes that want pages, charts and screenshots keep pictures by it; the shard writer stores them with full
colour resolution.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

TEXT_RICH = 0.2
"""Share from which a picture is called rich in text: text, screens, charts, sleeves."""
_TILE = 8
_MIN_TILES = 8  # across and down: an icon's edges are no letters
_MIN_CONTRAST = 64  # levels of 255 between the darkest and the brightest pixel of a tile
_MIN_STEP = 48  # levels between neighbours
_MIN_STEPS = 7  # of the 56 in a tile
_END = 4  # an end is this part of a tile's range
_MIN_GROUND = 0.35  # share of a tile at one end of its range


def text_share(grey: npt.NDArray[np.uint8]) -> float:
    """Share of tiles that look like letters, 0 to 1, 4 decimals; 0 below 64 px.

    Args:
        grey: uint8 (height, width), with a shorter side of 128 to 255 px where there are so many.
    """
    rows, columns = grey.shape[0] // _TILE, grey.shape[1] // _TILE
    if min(rows, columns) < _MIN_TILES:
        return 0.0
    whole = np.ascontiguousarray(grey[: rows * _TILE, : columns * _TILE])
    lines = whole.reshape(rows, _TILE, columns * _TILE)
    low = _across(lines.min(axis=1)).min(axis=0)
    high = _across(lines.max(axis=1)).max(axis=0)
    steps = np.zeros(whole.shape, np.bool_)
    left, right = whole[:, :-1], whole[:, 1:]
    np.greater(np.maximum(left, right) - np.minimum(left, right), _MIN_STEP, out=steps[:, :-1])
    steps[:, _TILE - 1 :: _TILE] = False  # steps out of a tile
    found = np.flatnonzero((high - low >= _MIN_CONTRAST) & (_count(steps, rows).ravel() >= _MIN_STEPS))
    tiles = lines.reshape(rows, _TILE, columns, _TILE)[found // columns, :, found % columns].reshape(-1, _TILE * _TILE)
    end = (high - low)[found] // _END
    bright, dark = tiles > (high[found] - end)[:, None], tiles < (low[found] + end)[:, None]
    ground = np.maximum(_marks(bright).sum(axis=1), _marks(dark).sum(axis=1))
    letters = int(np.count_nonzero(ground >= _MIN_GROUND * _TILE * _TILE))
    return round(letters / float(rows * columns), 4)


def _across(lines: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """uint8 (8, tiles) of lines of tiles: NumPy takes the least of long rows six times faster than of neighbours."""
    return np.ascontiguousarray(lines.reshape(-1, _TILE).T)


def _count(steps: npt.NDArray[np.bool_], rows: int) -> npt.NDArray[np.uint8]:
    """uint8 (rows, tiles): how many steps each tile has."""
    counted: npt.NDArray[np.uint8] = _marks(steps).reshape(rows, _TILE, -1).sum(axis=1, dtype=np.uint8)
    return counted


def _marks(flags: npt.NDArray[np.bool_]) -> npt.NDArray[np.uint8]:
    """How many of eight neighbours are set (.., an eighth): their eight bytes are one number."""
    return np.bitwise_count(flags.view(np.uint64))
