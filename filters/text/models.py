"""Measures that a model takes: perplexity under a KenLM language model, quality by a fastText classifier; by path.

Nothing is shipped and nothing is on by default. A language without a perplexity model is not measured (None), and never
dropped for that. KenLM is the extra `kenlm`; it reads binary and ARPA files.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from filters import language
from filters.file_digest import file_digest
from filters.text.characters import bound_marks
from schemas.errors import ConfigError, ModelUnavailable

_DIGITS = re.compile(r"\d")
_MAX_LOG = 9.0  # a perplexity above 10^9 says no more than "not this language", and infinity has no place in a column


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Recipe section [text.models]."""

    perplexity: dict[str, str] = field(default_factory=dict)
    """Path of a KenLM model by language."""
    sentencepiece: dict[str, str] = field(default_factory=dict)
    """Path of the SentencePiece model whose pieces a language's KenLM model counts (CCNet's do); absent = words."""
    perplexity_of_nodes: bool = False
    """Also of each text node."""
    quality: str | None = None
    """Path of a fastText classifier."""
    quality_label: str = "__label__hq"
    """The label whose probability is the quality."""

    def __post_init__(self) -> None:
        """Check that pieces are for a model."""
        for code in self.sentencepiece:
            if code not in self.perplexity:
                raise ConfigError(f"text.models.sentencepiece.{code} has no text.models.perplexity.{code}")


class Models:
    """Loaded models. Not picklable: load them in each worker."""

    def __init__(
        self, perplexity: dict[str, Any], pieces: dict[str, Any], quality: language.Identifier | None, config: Config
    ) -> None:
        self._perplexity = perplexity
        self._pieces = pieces
        self._quality = quality
        self.config = config

    def perplexity(self, text: str, code: str | None) -> float | None:
        """Perplexity a token of `text`, normalised as CCNet does (Wenzek et al. 2020, arXiv:1911.00359, 4.2).

        10 ** (-log10 P / tokens), the end of each line counted as a token. None where the language has no model or the
        text no token; 4 decimals.
        """
        model = self._perplexity.get(code or "")
        if model is None:
            return None
        pieces = self._pieces.get(code or "")
        score, tokens = 0.0, 0
        for line in normalise(text).split("\n"):
            if line:
                words = " ".join(pieces.encode(line, out_type=str)) if pieces else line
                score += model.score(words)
                tokens += len(words.split()) + 1
        if not tokens:
            return None
        return round(float(10.0 ** min(-score / tokens, _MAX_LOG)), 4)

    def quality(self, text: str) -> float | None:
        """Probability of the label that stands for quality; None without a model. 4 decimals."""
        return self._quality.probability(text, self.config.quality_label) if self._quality else None


def normalise(text: str) -> str:
    """Lower case, no accents, digits as 0, punctuation as blanks apart from its line breaks."""
    decomposed = unicodedata.normalize("NFD", bound_marks(text.lower()))
    kept = (char for char in decomposed if unicodedata.category(char) != "Mn")
    spaced = "".join(" " if unicodedata.category(char)[0] in "PSC" and char != "\n" else char for char in kept)
    return "\n".join(" ".join(line.split()) for line in _DIGITS.sub("0", spaced).split("\n"))


def load(config: Config) -> Models | None:
    """The models of a recipe, None where it names none.

    Raises:
        ModelUnavailable: a file is missing or of another kind, or a package is.
    """
    if not (config.perplexity or config.quality):
        return None
    perplexity = {code: _kenlm(Path(path).expanduser()) for code, path in config.perplexity.items()}
    pieces = {code: _sentencepiece(Path(path).expanduser()) for code, path in config.sentencepiece.items()}
    quality = language.load(config.quality) if config.quality else None
    if quality is not None and config.quality_label not in quality.labels():
        raise ModelUnavailable(
            f"text.models.quality: {config.quality} has no label {config.quality_label}; it has {quality.labels()[:10]}"
        )
    return Models(perplexity, pieces, quality, config)


def fingerprint(config: Config) -> list[str]:
    """Hex digests that stand for the content of the files."""
    paths = [*config.perplexity.values(), *config.sentencepiece.values(), *filter(None, [config.quality])]
    return [file_digest(_existing(Path(path).expanduser())) for path in paths]


def columns(
    models: Models | None, documents: Sequence[Sequence[str]], languages: Sequence[str | None]
) -> dict[str, list[float | None]]:
    """`perplexity`, `quality` of documents and `node_perplexity` of their texts, end to end."""
    num_texts = sum(map(len, documents))
    if models is None:
        none: list[float | None] = [None] * len(documents)
        return {"perplexity": none, "quality": none, "node_perplexity": [None] * num_texts}
    joined = ["\n".join(texts) for texts in documents]
    pairs = list(zip(documents, languages, strict=True))
    of_nodes = models.config.perplexity_of_nodes
    return {
        "perplexity": [models.perplexity(text, code) for text, code in zip(joined, languages, strict=True)],
        "quality": [models.quality(text) for text in joined],
        "node_perplexity": [
            models.perplexity(text, code) if of_nodes else None for texts, code in pairs for text in texts
        ],
    }


def _kenlm(path: Path) -> Any:
    try:
        import kenlm
    except ImportError as error:
        raise ModelUnavailable("text.models.perplexity: the package `kenlm` is not installed") from error
    try:
        return kenlm.Model(str(_existing(path)))
    except (OSError, RuntimeError, ValueError) as error:  # ValueError: its message holds bytes of the file
        raise ModelUnavailable(f"text.models.perplexity: {path} is not a KenLM model: {error}") from error


def _sentencepiece(path: Path) -> Any:
    try:
        import sentencepiece
    except ImportError as error:
        raise ModelUnavailable("text.models.sentencepiece: the package `sentencepiece` is not installed") from error
    try:
        return sentencepiece.SentencePieceProcessor(model_file=str(_existing(path)))
    except (OSError, RuntimeError) as error:
        raise ModelUnavailable(f"text.models.sentencepiece: {path} is no SentencePiece model: {error}") from error


def _existing(path: Path) -> Path:
    if not path.is_file():
        raise ModelUnavailable(f"text.models: there is no model file {path}")
    return path
