"""Which images are kept: thresholds over stored measures, first broken rule wins.

Named sets hold what published pipelines use (facts and sources: each set below); a recipe takes one and may
change single thresholds. Bounds are inclusive: an image at the bound is kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from filters.images.decode import MAX_PIXELS
from filters.images.header import DECODABLE
from filters.images.measures import Measures
from filters.images.text_share import TEXT_RICH
from schemas.errors import ConfigError
from schemas.reasons import FileReason


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """Section [images] of a recipe. The defaults are OBELICS's (arXiv:2306.16527, appendix A.1.4)."""

    formats: tuple[str, ...] = ("jpeg", "png", "webp")
    """Of jpeg, png, webp, gif, avif, bmp, tiff; jpg means jpeg."""
    min_side: int = 150
    """Least shorter side, px."""
    max_side: int = 20_000
    """Greatest longer side, px."""
    max_aspect: float = 2.0
    """Greatest ratio of longer to shorter side; 2 keeps width / height from 1/2 to 2."""
    keep_animated: bool = True
    """Keep animated images, as their first frame."""
    min_colour_spread: int = 9
    """Least range of the widest channel on an average of 32 to 63 px, 0 to 255: a drawn picture of one colour has 0,
    and 8 leaves room for JPEG noise. 0 keeps all."""
    min_entropy: float = 0.0
    """Least entropy of the grey histogram, bits. No published pipeline uses it; 0 keeps all."""
    min_sharpness: float = 0.0
    """Least variance of the Laplacian at 64 to 127 px. 0 keeps all."""
    max_faces: int = -1
    """Most faces that the NSFW model sees: 0 drops what shows any (`mmc4_ff`, arXiv:2304.06939, 2). -1 keeps all; an
    image that no model has looked at has no number and is kept."""
    min_text_share: float = 0.0
    """Least share of tiles that look like letters, for recipes that want pages and charts only. 0 keeps all."""
    text_rich: float = TEXT_RICH
    """Share of such tiles from which neither entropy nor sharpness drops a picture: letters on paper have little of
    the one, and their measure of the other says nothing of letters."""
    max_pixels: int = MAX_PIXELS
    """Larger pictures are not decoded."""

    def __post_init__(self) -> None:
        known = {"jpeg" if name == "jpg" else name for name in self.formats}
        if not known or not known <= set(DECODABLE):
            raise ConfigError(f"images.formats={list(self.formats)} must be some of {list(DECODABLE)}")
        if not 1 <= self.min_side <= self.max_side:
            raise ConfigError(f"images.min_side={self.min_side} must be in [1, max_side={self.max_side}]")
        if self.max_aspect < 1:
            raise ConfigError(f"images.max_aspect={self.max_aspect} must be at least 1")
        if not 0 <= self.min_colour_spread <= 255:
            raise ConfigError(f"images.min_colour_spread={self.min_colour_spread} must be in [0, 255]")
        if not 0 <= self.min_entropy <= 8:
            raise ConfigError(f"images.min_entropy={self.min_entropy} must be in [0, 8] bits")
        if self.min_sharpness < 0:
            raise ConfigError(f"images.min_sharpness={self.min_sharpness} must be at least 0")
        if self.max_faces < -1:
            raise ConfigError(f"images.max_faces={self.max_faces} must be at least 0, or -1 to keep all")
        if not (0 <= self.min_text_share <= 1 and 0 <= self.text_rich <= 1):
            raise ConfigError(f"images: min_text_share={self.min_text_share}, text_rich={self.text_rich}: in [0, 1]")
        if self.max_pixels < 1:
            raise ConfigError(f"images.max_pixels={self.max_pixels} must be at least 1")


OBELICS = Rules(min_colour_spread=0)
"""jpg, jpeg, png, webp; sides 150 to 20,000; aspect 1/2 to 2 (arXiv:2306.16527, A.1.4). No rule on colour."""

M3W = Rules(
    formats=("jpeg", "png", "webp", "gif"),
    min_side=64,
    max_side=1_000_000,
    max_aspect=3.0,
    min_colour_spread=9,
)
"""Shorter side at least 64, aspect at most 3, not of a single colour (Flamingo, arXiv:2204.14198, A.1). The
paper names no formats; M3W's images are what its scraper could decode."""

MMC4 = Rules(formats=("jpeg", "png"), min_side=150, max_side=1_000_000, min_colour_spread=0)
"""png, jpeg, jpg; side at least 150, aspect 1/2 to 2 (arXiv:2304.06939, section 3)."""

OMNICORPUS = Rules(min_side=150, max_side=1_000_000, min_colour_spread=0)
"""Side at least 150, aspect 1/2 to 2 (arXiv:2406.08418, appendix); scores are judged elsewhere."""

MINT1T = Rules(min_side=150, max_side=20_000, min_colour_spread=0)
"""Sides 150 to 20,000, aspect at most 2, as OBELICS (arXiv:2406.11271, section 3)."""

RULE_SETS: Mapping[str, Rules] = MappingProxyType(
    {"obelics": OBELICS, "m3w": M3W, "mmc4": MMC4, "omnicorpus": OMNICORPUS, "mint1t": MINT1T}
)


def judge_faces(num_faces: int | None, rules: Rules) -> FileReason | None:
    """Why a file is dropped for the faces that it shows, None if it is kept."""
    return FileReason.MANY_FACES if num_faces is not None and 0 <= rules.max_faces < num_faces else None


def judge(measures: Measures, rules: Rules) -> FileReason | None:
    """Why the file is dropped, None if it is kept; the first broken rule in the order of `FileReason`."""
    formats = {"jpeg" if name == "jpg" else name for name in rules.formats}
    shorter, longer = sorted((measures.width, measures.height))
    if shorter * longer > rules.max_pixels:
        return FileReason.TOO_MANY_PIXELS
    if measures.format not in formats:
        return FileReason.FORMAT
    if shorter < rules.min_side:
        return FileReason.TOO_SMALL
    if longer > rules.max_side:
        return FileReason.TOO_LARGE
    if longer > rules.max_aspect * shorter:
        return FileReason.ASPECT
    if measures.animated and not rules.keep_animated:
        return FileReason.ANIMATED
    if measures.colour_spread < rules.min_colour_spread:
        return FileReason.SINGLE_COLOUR
    is_text_rich = measures.text_share >= rules.text_rich
    if measures.entropy < rules.min_entropy and not is_text_rich:
        return FileReason.LOW_ENTROPY
    if measures.sharpness < rules.min_sharpness and not is_text_rich:
        return FileReason.BLURRED
    if measures.text_share < rules.min_text_share:
        return FileReason.LITTLE_TEXT
    return None
