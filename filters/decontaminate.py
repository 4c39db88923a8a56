"""Whether a document holds what an evaluation set asks: runs of words that both have.

The runs of `width` words of all evaluation texts are kept as 64-bit hashes, about 80 bytes each with their table; a
document is looked up from the word hashes that its measures left behind. 13 words, as GPT-3 has it (Brown et al. 2020,
arXiv:2005.14165, appendix C); texts of fewer words count as one run where they have at least `min_words`, so that short
questions are found and phrases such as "what is in the picture" are not.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from filters.file_digest import file_digest
from filters.text import words as tw
from filters.text.characters import mix
from filters.text.word_lists import Hashed
from schemas.errors import ConfigError, InputError


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Recipe section [decontaminate]: evaluation sets by path; no paths = off."""

    paths: tuple[str, ...] = field(default=(), metadata={"operational": True})  # their content counts
    """Text files (a text a line), or .jsonl files (every string in them is a text)."""
    width: int = 13
    min_words: int = 8
    max_runs: int = field(default=0, metadata={"threshold": True})
    """A document with more runs than this in common is dropped."""

    def __post_init__(self) -> None:
        """Check every value."""
        if not 1 <= self.min_words <= self.width:
            raise ConfigError(f"decontaminate: min_words = {self.min_words}, want 1 to width = {self.width}")
        if self.max_runs < 0:
            raise ConfigError(f"decontaminate.max_runs = {self.max_runs}, want at least 0")


@dataclass(frozen=True, slots=True)
class Index:
    """Hashes of the evaluation sets' runs by their number of words."""

    runs: dict[int, Hashed]

    def count(self, words: tw.Hashes) -> int:
        """How many runs of a document (hashes of its words, in order) stand in the evaluation sets."""
        return sum(int(np.count_nonzero(known.contains(_runs(words, n)))) for n, known in self.runs.items())


def build(texts: Iterable[str], config: Config) -> Index:
    """The index of evaluation texts."""
    found: dict[int, list[tw.Hashes]] = {}
    for text in texts:
        words = tw.lay_out([text]).word_hashes
        if words.size >= config.min_words:
            n = min(config.width, words.size)
            found.setdefault(n, []).append(_runs(words, n))
    return Index({n: Hashed.of(np.concatenate(parts)) for n, parts in sorted(found.items())})


def load(config: Config) -> Index | None:
    """The index of the files that the recipe names; None where it names none.

    Raises:
        InputError: a file is missing, is not what its name says, or all are empty of texts of `min_words` words.
    """
    if not config.paths:
        return None
    found = build((text for path in config.paths for text in _texts(_existing(path))), config)
    if not found.runs:
        raise InputError(f"decontaminate: no text of {config.min_words} words in {', '.join(config.paths)}")
    return found


def fingerprint(config: Config) -> list[str]:
    """Hex digests that stand for the content of the evaluation sets.

    Raises:
        InputError: a file is missing.
    """
    return [file_digest(_existing(path)) for path in config.paths]


def _existing(name: str) -> Path:
    path = Path(name).expanduser()
    if not path.is_file():
        raise InputError(f"decontaminate: there is no file {path}")
    return path


def _texts(path: Path) -> Iterator[str]:
    try:
        for line in path.read_text("utf-8").splitlines():
            if path.suffix == ".jsonl" and line.strip():
                yield from _strings(json.loads(line))
            else:
                yield line
    except ValueError as error:
        raise InputError(f"decontaminate: {path} cannot be read: {error}") from error


def _strings(value: Any) -> Iterator[str]:
    """Every string in a JSON value, keys left out."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _strings(item)
    elif isinstance(value, list):
        for item in value:
            yield from _strings(item)


def _runs(words: tw.Hashes, n: int) -> tw.Hashes:
    if words.size < n:
        return words[:0]
    starts = np.arange(words.size - n + 1, dtype=np.int64)
    return mix(tw.spans(tw.prefix_sums(words), starts, starts + n))
