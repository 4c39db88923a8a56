"""A CLIP model at work: pixels and texts in, cosines out, the same bits whatever shares the batch.

What was found (torch 2.15, MKL and oneDNN on an AVX2 CPU; `benchmarks/models/run.py` shows it again): a row's vector
changes in its last bits with the number of rows in the pass, not with its place among them; threads that share one
matrix product left no trace here, but no library promises that. Rounding to 4 decimals hides nearly all of it and not
all: a cosine at the edge of two roundings falls to either side. So every pass has one shape (`batch_size`, 1 by
default, the last one filled up), runs on one thread, and passes run side by side on `threads`. With more than one row
a pass, `load` checks on its own model and device that a row's place and neighbours leave no trace. Cosines are then
taken exactly (`cosines`). Another kind of CPU or GPU may give other last bits; within a run use one kind.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from filters import loaded
from filters.clip import weights
from filters.clip.config import Config
from filters.clip.package import import_open_clip
from schemas.errors import ConfigError, ModelUnavailable

if TYPE_CHECKING:
    import torch
    from PIL import Image

    Pixels = Image.Image | NDArray[np.uint8]

Vectors = NDArray[np.float32]

# Shape suffixes: N = rows asked for, D = dimensions of the model's space.

_GRID = float(2**26)
"""Vectors are put on multiples of 1/_GRID: products are then integers below 2**52, and sums of them below
2**53, so float64 adds them without rounding, in any order. An eighth of float32's own step near 1."""
_CHARS_A_TOKEN = 8
"""Characters of a text that are read for each token of the context. BPE vocabularies of CLIP models average
4 to 5 in English; without a bound a hostile paragraph costs the tokenizer time quadratic in its length."""
_MAX_CACHED_WORDS = 100_000  # open_clip's tokenizer remembers every word for ever; this is about 20 MB


class Clip:
    """A loaded model. Made by `load`; safe to use from one thread at a time."""

    def __init__(self, model: Any, preprocess: Callable[[Any], torch.Tensor], tokenizer: Any, config: Config) -> None:
        import torch

        open_clip = import_open_clip()

        self._model = model
        self._preprocess = preprocess
        self._tokenizer = tokenizer
        self._device = next(model.parameters()).device
        self._dtype = open_clip.get_input_dtype(config.precision) or torch.float32
        self._rows = config.batch_size
        threads = config.num_threads() if self._device.type == "cpu" else 1
        self._pool = ThreadPoolExecutor(threads, "clip", lambda: torch.set_num_threads(1))
        self.context_length = int(tokenizer.context_length)

    def embed_images(self, images: Sequence[Pixels]) -> Vectors:
        """[N, D] unit vectors of decoded images: PIL, or uint8 [height, width, 3].

        A row is zeros where the model's answer is not finite.
        """
        return self._embed(self._model.encode_image, images, self._pixels)

    def embed_texts(self, texts: Sequence[str]) -> Vectors:
        """[N, D] unit vectors. The tokenizer cuts a text that is over the context (77 tokens in most
        models)."""
        return self._embed(self._model.encode_text, texts, self._tokens)

    def similarity(self, images: Sequence[Pixels], texts: Sequence[str]) -> list[list[float]]:
        """Cosines, images by texts, rounded to 4 decimals."""
        return cosines(self.embed_images(images), self.embed_texts(texts))

    def _pixels(self, images: Sequence[Pixels]) -> torch.Tensor:
        import torch
        from PIL import Image

        as_images = [Image.fromarray(image) if isinstance(image, np.ndarray) else image for image in images]
        return torch.stack([self._preprocess(image) for image in as_images]).to(self._device, self._dtype)

    def _tokens(self, texts: Sequence[str]) -> torch.Tensor:
        words = getattr(self._tokenizer, "cache", None)
        if words is not None and len(words) > _MAX_CACHED_WORDS:
            for word in [word for word in words if word not in ("<start_of_text>", "<end_of_text>")]:
                words.pop(word, None)
        bound = self.context_length * _CHARS_A_TOKEN
        cut = [text[:bound].encode("utf-8", "replace").decode() for text in texts]  # half a surrogate pair is no text
        tokens: torch.Tensor = self._tokenizer(cut).to(self._device)
        return tokens

    def _embed(self, encode: Callable[..., Any], rows: Sequence[Any], to_tensor: Callable[..., Any]) -> Vectors:
        def one_pass(start: int) -> Vectors:
            mine = list(rows[start : start + self._rows])
            filled = mine + mine[-1:] * (self._rows - len(mine))
            with torch.inference_mode():
                vectors = encode(to_tensor(filled))[: len(mine)]
            return _unit(vectors.float().cpu().numpy())

        import torch

        starts = range(0, len(rows), self._rows)
        with _one_thread_a_pass():
            parts = list(self._pool.map(one_pass, starts))
        return np.concatenate(parts) if parts else np.zeros((0, self._width()), np.float32)

    def _width(self) -> int:
        return int(self.embed_texts([""]).shape[1])


def load(config: Config) -> Clip:
    """The model that the recipe names.

    Raises:
        ConfigError: `clip.model` is "none", or there is no such device.
        ModelUnavailable: it cannot be had, or its rows depend on their neighbours with this `batch_size`.
    """
    if not config.scores:
        raise ConfigError('clip.model is "none": there is no model to load')
    source = weights.find(config)
    import torch

    open_clip = import_open_clip()

    device = config.device
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    if device != "cpu" and not torch.cuda.is_available():
        raise ConfigError(f"clip.device = {config.device!r}, and torch sees no such device here; write cpu or auto")
    if device != "cpu":
        torch.backends.cudnn.allow_tf32 = False  # fp32 means fp32; off by default for matrix products only
        torch.backends.cudnn.deterministic = True
    model, preprocess = open_clip.create_model_from_pretrained(
        source.name, pretrained=source.pretrained, precision=config.precision, device=device
    )
    clip = Clip(model.eval(), preprocess, tokenizer(source), config)
    if config.batch_size > 1:
        _check_rows(clip, config.batch_size)
    return clip


def load_cached(config: Config) -> Clip:
    """As `load`, once a process (`filters.loaded.count("clip")` says how often)."""
    return loaded.once("clip", config, lambda: load(config))


def tokenizer(source: weights.Source) -> Any:
    """The model's tokenizer.

    Raises:
        ModelUnavailable: it is one of the hub's, and cannot be had.
    """
    open_clip = import_open_clip()

    own = {"bpe_path": str(source.bpe)} if source.bpe else {}
    try:
        return open_clip.get_tokenizer(source.name, **own)
    except (OSError, ImportError, ValueError) as error:
        raise ModelUnavailable(f"clip.model: the tokenizer of {source.name} cannot be had: {error}") from error


def cosines(images: Vectors, texts: Vectors) -> list[list[float]]:
    """Cosines of unit vectors, images by texts, rounded to 4 decimals; a row of zeros for a vector of zeros.

    Exact before the rounding (see `_GRID`), so neither the shapes nor the linear algebra library can show
    in it.
    """
    rows, columns = (np.rint(vectors.astype(np.float64) * _GRID) for vectors in (images, texts))
    exact = rows @ columns.T / (_GRID * _GRID)
    rounded: list[list[float]] = (np.round(exact, 4) + 0.0).tolist()  # + 0.0: no negative zero on disk
    return rounded


def _unit(vectors: Vectors) -> Vectors:
    """The rows scaled to length 1; rows that are not finite, or of length 0, become zeros."""
    wide = vectors.astype(np.float64)
    wide[~np.isfinite(wide).all(axis=1)] = 0.0
    lengths = np.array([[np.sqrt(np.square(row).sum())] for row in wide]).reshape(-1, 1)
    units: Vectors = np.divide(wide, lengths, out=np.zeros_like(wide), where=lengths > 0).astype(np.float32)
    return units


@contextmanager
def _one_thread_a_pass() -> Iterator[None]:
    """Within this block a matrix product runs on one thread; the process's own setting is put back after."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _check_rows(clip: Clip, rows: int) -> None:
    """Raise unless a row has the same vector in every place of a pass and beside any neighbours."""
    random = np.random.default_rng(0)
    pictures = [random.integers(0, 256, (64, 64, 3), np.uint8) for _ in range(rows)]
    sentences = [f"{'word ' * (i % 9)}{i}" for i in range(rows)]
    image_rows = [clip.embed_images([picture]) for picture in pictures]
    text_rows = [clip.embed_texts([sentence]) for sentence in sentences]
    together = (clip.embed_images(pictures), clip.embed_texts(sentences))
    for mixed, alone in zip(together, (image_rows, text_rows), strict=True):
        if not np.array_equal(mixed, np.concatenate(alone)):
            raise ModelUnavailable(
                f"clip.batch_size = {rows}: on this device a row's vector depends on its place in the batch, "
                "so shards would differ from run to run; set clip.batch_size = 1"
            )
