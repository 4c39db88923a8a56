"""Signatures that say how much two texts share, and hashes that say whether they are the same.

MinHash (Broder 1997): of all shingles (runs of `width` words) of a text, each of `num_perm` random orders of the hash
space keeps the first; two texts agree in a position with probability equal to the Jaccard similarity of their shingle
sets. A permutation is `a * h + b` modulo 2^32 with odd `a` on the upper half of a mixed 64-bit hash: the scheme that
datasketch 2 calls affine32, with its mean and variance (tested), not its bits.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final, Literal

import numpy as np
import numpy.typing as npt
import xxhash

from filters.text import words as tw
from filters.text.characters import bound_marks, mix
from schemas.errors import ConfigError

Signatures = npt.NDArray[np.uint32]

_SEED: Final = 20_261_121  # of the permutations; part of the format: other seeds give signatures that do not compare
_BLOCK: Final = 256  # shingles permuted at once: 256 x 128 x 4 B stay in the second-level cache
_SEPARATORS: Final = re.compile(r"[\W_]+")
_ASCII_WORDS: Final = bytes(ord(c.lower()) if (c := chr(code)).isalnum() and c.isascii() else 32 for code in range(256))
"""Letters in lower case and digits; a space for all else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Shingles and bands. A pair of Jaccard j becomes a candidate with probability 1 - (1 - j^rows)^bands."""

    width: int = 5
    """Words of a shingle (OBELICS, FineWeb: 5)."""
    num_perm: int = 112
    bands: int = 14
    rows: int = 8
    """FineWeb's 14 bands of 8 (arXiv:2406.17557, 3.4): half of the pairs at 0.72 are found, 92 % at 0.8."""
    threshold: float = 0.8
    """Jaccard from which two documents are duplicates, in verification (OmniCorpus: 0.8, arXiv:2406.08418, 3.1)."""
    verify: Literal["sketch", "estimated", "exact"] = "sketch"
    """Candidates are judged by the smallest hashes of their shingles (exact up to `sketch_size` of them, then with a
    standard error below 0.02), by their signatures (0.04 at 0.8 with 112 permutations), or by all their shingles."""
    sketch_size: int = 512
    """Store the so many smallest hashes of a document's shingles, 4 bytes each; 0 = none. What `sketch` compares."""
    keep_shingles: bool = False
    """Store the hashes of all shingles, 4 bytes a word: what `exact` compares, here and in later crawls."""

    def __post_init__(self) -> None:
        """Check every value."""
        for name in ("width", "num_perm", "bands", "rows"):
            if getattr(self, name) < 1:
                raise ConfigError(f"minhash.{name} = {getattr(self, name)}, want at least 1")
        if self.bands * self.rows > self.num_perm:
            raise ConfigError(
                f"minhash: {self.bands} bands of {self.rows} rows need {self.bands * self.rows} permutations,"
                f" num_perm = {self.num_perm}"
            )
        if self.sketch_size < 0:
            raise ConfigError(f"minhash.sketch_size = {self.sketch_size}, want at least 0")
        if self.verify == "sketch" and not self.sketch_size:
            raise ConfigError('minhash.verify = "sketch" compares stored hashes: set minhash.sketch_size, say to 512')
        if self.verify == "exact" and not self.keep_shingles:
            raise ConfigError('minhash.verify = "exact" compares stored shingles: set minhash.keep_shingles = true')
        if not 0 <= self.threshold <= 1:
            raise ConfigError(f"minhash.threshold = {self.threshold}, want 0 to 1")


PRESETS: Final = {
    "weft": Config(),
    "omnicorpus": Config(width=5, num_perm=128, bands=9, rows=13, threshold=0.8),
    "obelics": Config(width=5, num_perm=16, bands=4, rows=4, threshold=0.8),
}
"""`omnicorpus`: threshold 0.8; paper and code name no bands, so 9 of 13, datasketch's optimum for 0.8 with 128
permutations. `obelics`: 16 hashes over 5-grams (arXiv:2306.16527, A.1.1); its bands are not published either."""


def shingles(word_hashes: tw.Hashes, width: int) -> tw.Hashes:
    """uint64 hashes of every run of `width` words; of the whole text where it is shorter; none of no words."""
    if not word_hashes.size:
        return word_hashes
    width = min(width, word_hashes.size)
    starts = np.arange(word_hashes.size - width + 1, dtype=np.int64)
    return mix(tw.spans(tw.prefix_sums(word_hashes), starts, starts + width))


def signature(shingle_hashes: tw.Hashes, num_perm: int) -> Signatures:
    """uint32 (num_perm) of one document; all ones for a document without shingles."""
    factors, offsets = _permutations(num_perm)
    best = np.full(num_perm, 0xFFFFFFFF, dtype=np.uint32)
    mixed = (mix(shingle_hashes) >> np.uint64(32)).astype(np.uint32)
    space = np.empty((min(_BLOCK, mixed.size), num_perm), dtype=np.uint32)
    for start in range(0, mixed.size, _BLOCK):
        values = mixed[start : start + _BLOCK, None]
        orders = np.multiply(values, factors, out=space[: values.size])
        orders += offsets
        np.minimum(best, orders.min(axis=0), out=best)
    return best


def signatures(documents: Sequence[tw.Hashes], num_perm: int) -> Signatures:
    """uint32 (documents, num_perm)."""
    rows = [signature(hashes, num_perm) for hashes in documents]
    return np.stack(rows) if rows else np.zeros((0, num_perm), dtype=np.uint32)


def of_words(word_hashes: tw.Hashes, config: Config) -> Signatures:
    """uint32 (num_perm) of a document, from the hashes of its words (`filters.text.words`)."""
    return signature(shingles(word_hashes, config.width), config.num_perm)


def band_hashes(signatures: Signatures, bands: int, rows: int) -> npt.NDArray[np.int64]:
    """int64 (documents, bands): equal where two documents agree in all rows of that band; bands never mix.

    Raises:
        ValueError: a signature is shorter than bands x rows.
    """
    count, width = signatures.shape
    if bands * rows > width:
        raise ValueError(f"{bands} bands of {rows} rows, but signatures of {width}")
    grid = signatures[:, : bands * rows].reshape(count, bands, rows).astype(np.uint64)
    hashes = mix(np.arange(1, bands + 1, dtype=np.uint64))[None, :].repeat(count, axis=0)
    for row in range(rows):
        hashes = mix(hashes ^ grid[:, :, row])
    return hashes.view(np.int64)


def estimate_jaccard(a: Signatures, b: Signatures) -> float:
    """Share of positions in which two signatures agree; standard error sqrt(j (1 - j) / num_perm)."""
    return float(np.count_nonzero(a == b)) / a.size


def shingle_set(word_hashes: tw.Hashes, config: Config) -> Signatures:
    """uint32, sorted, each once: the shingles of a document as the permutations see them."""
    return np.unique((mix(shingles(word_hashes, config.width)) >> np.uint64(32)).astype(np.uint32))


def jaccard(a: Signatures, b: Signatures) -> float:
    """Exact similarity of two sets from `shingle_set`; 0 where both are empty."""
    shared = np.intersect1d(a, b, assume_unique=True).size
    together = a.size + b.size - shared
    return shared / together if together else 0.0


def stored_shingles(word_hashes: tw.Hashes, config: Config) -> Signatures | None:
    """What is kept of a document's `shingle_set`: all of it, the smallest `sketch_size`, or None."""
    if not (config.keep_shingles or config.sketch_size):
        return None
    found = shingle_set(word_hashes, config)
    return found if config.keep_shingles else found[: config.sketch_size]


def sketched_jaccard(a: Signatures, b: Signatures, size: int) -> float:
    """Similarity of two sets of which the `size` smallest values are known; exact where neither has more.

    Else over the values below the first that may be missing: a uniform sample of `size` or more of both sets together,
    so the standard error is at most sqrt(j (1 - j) / size) (theta sketches: Dasgupta et al. 2015, arXiv:1510.01455).
    """
    a, b = a[:size], b[:size]
    if np.array_equal(a, b):
        return float(a.size > 0)
    ends = [part[-1] for part in (a, b) if part.size == size]
    if ends:
        a, b = (part[: np.searchsorted(part, min(ends))] for part in (a, b))
    return jaccard(a, b)


def chance(jaccard: float, bands: int, rows: int) -> float:
    """Probability that bands make a candidate of a pair of that similarity: 1 - (1 - j^rows)^bands."""
    return float(1.0 - (1.0 - jaccard**rows) ** bands)


def normalise(text: str) -> str:
    """Case-folded, compatibility-composed letters, marks and digits with single spaces between words.

    Of a text without any of them the text itself: a row of stars is no arrow.
    """
    if text.isascii():
        return " ".join(text.encode().translate(_ASCII_WORDS).decode().split()) or text
    if not unicodedata.is_normalized("NFKC", text):
        text = unicodedata.normalize("NFKC", bound_marks(text))
    folded = text.casefold()
    marks, separators = _marks_and_separators()
    return (separators if marks.search(folded) else _SEPARATORS).sub(" ", folded).strip() or text


@cache
def _marks_and_separators() -> tuple[re.Pattern[str], re.Pattern[str]]:
    r"""Vowel signs of Hindi and Thai, say, and what stands between words of texts that have such marks: to `\w` the
    marks do too, and many words would be one. (Slower than `_SEPARATORS`, so only where there are any.)
    """
    marks = "".join(chr(code) for code in range(0x10000) if unicodedata.category(chr(code))[0] == "M")
    return re.compile(f"[{marks}]"), re.compile(rf"(?:[^\w{marks}]|_)+")


def text_hash(text: str) -> str:
    """32 hex digits of XXH3-128 over the normalised text: equal for the same text in other dress."""
    return xxhash.xxh3_128_hexdigest(_utf8(normalise(text)))


def node_hash(text: str) -> int:
    """int64 of XXH3-64 over the normalised text: to count paragraphs that repeat over a site. Fits Spark's BIGINT."""
    unsigned = xxhash.xxh3_64_intdigest(_utf8(normalise(text)))
    return unsigned - (1 << 64) if unsigned >= 1 << 63 else unsigned


def _utf8(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


@cache
def _permutations(num_perm: int) -> tuple[Signatures, Signatures]:
    """Factors (odd) and offsets; the first n of any number are the same, so signatures can be cut shorter."""
    counter = np.arange(2 * num_perm, dtype=np.uint64) + np.uint64(_SEED << 20)
    values = (mix(mix(counter)) >> np.uint64(32)).astype(np.uint32)
    return values[0::2] | np.uint32(1), values[1::2]
