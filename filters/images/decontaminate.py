"""Whether an image is one of an evaluation set's: by PDQ hash, against folders of images.

OmniCorpus and MINT-1T take evaluation images out by hash; what is left in would be trained on and then asked. Flat
pictures are not looked for: their hashes mean nothing, and no question hangs on them.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from filters.images.measures import measure
from filters.images.near import MAX_RADIUS
from filters.images.pdq import MIN_QUALITY, words
from schemas.errors import ConfigError, InputError
from schemas.reasons import FileReason


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Recipe section [decontaminate_images]: folders of evaluation sets; none = off."""

    folders: tuple[str, ...] = field(default=(), metadata={"operational": True})  # count by content: `fingerprint`
    radius: int = 16
    """Bits of 256 up to which an image is the evaluation set's."""

    def __post_init__(self) -> None:
        if not 0 <= self.radius <= MAX_RADIUS:
            raise ConfigError(f"decontaminate_images.radius = {self.radius}, want 0 to {MAX_RADIUS} bits")


def hashes(config: Config) -> npt.NDArray[np.uint64]:
    """uint64 (images, 4): the hashes of the folders' images, distinct and in order; files that are no image are passed.

    Raises:
        InputError: a folder is missing, or holds no image at all.
    """
    found = set()
    for folder in config.folders:
        measured = [measure(path.read_bytes()) for path in _files(folder)]
        images = [m for m in measured if not isinstance(m, FileReason)]
        if not images:
            raise InputError(f"decontaminate_images: there is no image in {folder}")
        found |= {m.pdq for m in images if m.pdq_quality >= MIN_QUALITY}
    return words(sorted(found))


def fingerprint(config: Config) -> str:
    """What stands for the content of the folders; "none" for no folder."""
    return _content(config.folders) if config.folders else "none"


@functools.lru_cache(maxsize=4)
def _content(folders: tuple[str, ...]) -> str:
    each = {hashlib.sha256(path.read_bytes()).digest() for folder in folders for path in _files(folder)}
    return hashlib.sha256(b"".join(sorted(each))).hexdigest()


def _files(folder: str) -> Iterator[Path]:
    root = Path(folder).expanduser()
    if not root.is_dir():
        raise InputError(f"decontaminate_images: there is no folder {root}")
    return (path for path in sorted(root.rglob("*")) if path.is_file())
