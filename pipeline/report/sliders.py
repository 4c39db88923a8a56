"""The thresholds that the page lets one move: where each stands in the recipe, what it bounds, where it can stand.

A slider has at most 87 positions, so that how many of them keep a stored measure is one printable character in the
embedded sample. The recipe's own bound is always a position; a bound that is off stands before the first.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from filters.text.rule_sets import RuleSet
from pipeline.recipe import Recipe

ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%()*+,-./:;=?@[]^_`{|}~"
"""Character of rank 0, 1, ...: none needs an escape in JSON or HTML."""
MAX_POSITIONS: Final = len(ALPHABET) - 1
"""A rank is from 0 to the number of positions."""

_SHARES: Final = (0.0, 0.001, 0.002, 0.005, *(n / 100 for n in range(1, 30)), *(n / 20 for n in range(6, 21)))
_COUNTS: Final = tuple(m * 10**e for e in range(6) for m in (1, 1.5, 2, 3, 4, 5, 6, 7, 8) if (m * 10**e) % 1 == 0)
_SIDES: Final = (1, 16, 32, 48, 64, 80, 100, 112, 128, 150, 180, 200, 224, 256, 300, 336, 384, 400, 448, 512, 600, 640)
_MORE_SIDES: Final = (720, 768, 800, 900, 1_000, 1_024, 1_280, 1_500, 1_920, 2_000, 3_000, 4_000, 6_000, 10_000, 20_000)
_ASPECTS: Final = (*(round(1 + n / 10, 1) for n in range(21)), 3.5, 4, 5, 6, 8, 10, 20)
_TENTHS: Final = tuple(round(n / 10, 1) for n in range(81))
_CLIP: Final = tuple(round(-0.1 + n / 100, 2) for n in range(61))
_SPREADS: Final = (*range(33), *range(36, 129, 4), 160, 192, 224, 255)
_SHARPNESS: Final = (0, *(m * 10**e for e in range(5) for m in (1, 1.5, 2, 3, 4, 5, 7)))
_IMAGES: Final = (*range(41), 50, 60, 80, 100, 200, 500, 1_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Slider:
    """One threshold."""

    key: str
    """Section and key of the recipe: "text.document.min_words"."""
    stage: str
    """documents (step 01), images (step 04), references (step 05) or decisions (assemble)."""
    measure: str
    label: str
    bound: float | None
    positions: tuple[float, ...]
    unit: str = ""
    only: str = ""
    """What the bound holds for, where it does not hold for all."""

    @property
    def is_min(self) -> bool:
        """Whether the bound keeps what is at least as large (inclusive), not at most."""
        return self.key.rsplit(".", 1)[-1].startswith("min_")

    def ranks(self, values: npt.ArrayLike) -> npt.NDArray[np.int64]:
        """For each value the number of positions, from the loosest on, that keep it; NaN (not measured) is kept by all.

        Positions ascend; a minimum is loosest at the first, a maximum at the last. A value is kept at the position i
        (counted from the loosest) if i < rank.
        """
        array = np.asarray(values, np.float64)
        edges = np.asarray(self.positions)
        if self.is_min:
            found = np.searchsorted(edges, array, side="right")
        else:
            found = len(edges) - np.searchsorted(edges, array, side="left")
        return np.where(np.isnan(array), len(edges), found)

    @property
    def current(self) -> int:
        """The position of the recipe's bound, counted from the loosest; -1 = off."""
        if self.bound is None:
            return -1
        place = self.positions.index(self.bound)
        return place if self.is_min else len(self.positions) - 1 - place

    def as_json(self) -> dict[str, Any]:
        """What the page's script needs; positions from the loosest to the tightest."""
        positions = self.positions if self.is_min else self.positions[::-1]
        return {
            **{name: getattr(self, name) for name in ("key", "stage", "label", "unit", "only", "bound", "current")},
            "min": self.is_min,
            "positions": [int(p) if p == int(p) else p for p in positions],
        }


def sliders(recipe: Recipe) -> list[Slider]:
    """The bounds of a recipe that can be moved, in the order of the flow."""
    found = [_slider("language.min_score", "documents", "language_score", recipe.language.min_score, _SHARES,
                     only=_but(recipe.language.min_score_of))]  # fmt: skip
    found += _text(recipe.text.resolve())
    images, nsfw = recipe.images, recipe.nsfw
    found += [
        _slider("images.min_side", "images", "short_side", images.min_side, _SIDES + _MORE_SIDES, "px"),
        _slider("images.max_side", "images", "long_side", images.max_side, _SIDES + _MORE_SIDES, "px"),
        _slider("images.max_aspect", "images", "aspect", images.max_aspect, _ASPECTS),
        _slider("images.min_colour_spread", "images", "colour_spread", images.min_colour_spread, _SPREADS),
        _slider("images.min_entropy", "images", "entropy", images.min_entropy, _TENTHS, "bits"),
        _slider("images.min_sharpness", "images", "sharpness", images.min_sharpness, _SHARPNESS),
    ]
    if nsfw.scores:
        found.append(_slider("nsfw.max_score", "images", "nsfw_score", nsfw.max_score, _SHARES))
    if recipe.clip.scores:
        low = recipe.clip.min_score
        found.append(_slider("clip.min_score", "references", "best_score", None if low <= -1 else low, _CLIP))
    found.append(_slider("assemble.min_images", "decisions", "num_images", recipe.assemble.min_images, _IMAGES))
    found.append(_slider("assemble.max_images", "decisions", "num_images", recipe.assemble.max_images, _IMAGES))
    return found


def encode(ranks: npt.NDArray[np.int64]) -> list[str]:
    """A string a row: one character for each rank of a (rows, sliders) matrix."""
    letters = np.array(list(ALPHABET))
    return ["".join(row) for row in letters[ranks]]


def _text(rules: RuleSet) -> Iterable[Slider]:
    """The document rules that are on, and the two that every curator asks for."""
    for bound in rules.document.__dataclass_fields__:
        value = getattr(rules.document, bound)
        if bound in ("min_max_node_words", "or_mean_node_words") or (
            value is None and bound not in ("min_words", "max_words")
        ):
            continue
        name = bound[4:]
        measure = {"words": "num_words"}.get(name, name)
        counted = name in ("words", "gopher_stop_words", "c4_sentences", "lorem_ipsum", "curly_brackets", "perplexity")
        grid: tuple[float, ...] = _TENTHS if name == "mean_word_length" else _COUNTS if counted else _SHARES
        own = [language for language, bounds in rules.of_language.items() if bound in bounds]
        yield _slider(
            f"text.document.{bound}", "documents", measure, value, (0.0, *grid) if counted else grid, only=_but(own)
        )


def _but(languages: Iterable[str]) -> str:
    names = sorted(languages)
    return f"languages but {' '.join(names)}, which have a bound of their own" if names else ""


def _slider(
    key: str, stage: str, measure: str, bound: float | None, grid: Iterable[float], unit: str = "", *, only: str = ""
) -> Slider:
    positions = sorted({float(value) for value in grid} | ({float(bound)} if bound is not None else set()))
    label = key.rsplit(".", 1)[-1].replace("_", " ")
    if len(positions) > MAX_POSITIONS:
        raise ValueError(f"{key}: {len(positions)} positions")
    return Slider(
        key=key,
        stage=stage,
        measure=measure,
        label=label,
        bound=None if bound is None else float(bound),
        positions=tuple(positions),
        unit=unit,
        only=only,
    )
