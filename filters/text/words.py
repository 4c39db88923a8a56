"""Many texts as arrays: characters, words with hashes of their lower-case form, lines. One pass, no Python loop.

A word is a run of characters without white space, stripped at both ends of everything but letters, marks and digits;
what is left empty is no word. So `don't`, `and/or` and `2024` are one word each, a dash alone is none. This is
OBELICS's word (it strips digits too: there `2024` is none). Scripts without spaces are cut into units of a fixed number
of letters (`characters.UNIT`), starting anew at each punctuation mark and change of script.

Hashes are polynomials over 64 bits of fixed random values of the characters: the same in every process and on every
machine, so they may be stored.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from filters.text import characters as ch

Ints = npt.NDArray[np.int64]
Hashes = npt.NDArray[np.uint64]
Flags = npt.NDArray[np.bool_]

GAP = "\n\n"
"""What stands between the texts of a document."""

_BASE = 0x9E3779B97F4A7C15  # odd, so it has an inverse modulo 2^64
_INVERSE = pow(_BASE, -1, 1 << 64)
_MAX_WORDS_IN_TABLE = 1 << 21


@dataclass(frozen=True, slots=True)
class Layout:
    """C characters of N texts, end to end with gaps; W words.

    `codes` (C) code points; `kinds` (C) flags; `starts`, `ends` (N) of each text; `word_starts`, `word_ends`,
    `word_hashes`, `word_alpha` (W); `text_of_word` (W); `prefix` (C + 1) sums behind `hash_of`.
    """

    codes: npt.NDArray[np.uint32]
    kinds: npt.NDArray[np.uint16]
    starts: Ints
    ends: Ints
    prefix: Hashes
    word_starts: Ints
    word_ends: Ints
    word_hashes: Hashes
    word_alpha: Flags
    text_of_word: Ints

    def hash_of(self, starts: Ints, ends: Ints) -> Hashes:
        """Hash of the lower-case characters [start, end): equal for equal text, wherever it stands."""
        return spans(self.prefix, starts, ends)

    def exact_hash_of(self, starts: Ints, ends: Ints) -> Hashes:
        """The same, of the characters as they stand: capital letters make a difference."""
        places = np.flatnonzero((self.kinds & ch.UPPER) != 0)
        powers, inverses = _powers(_table_size(self.prefix.size))
        sums = np.zeros(places.size + 1, dtype=np.uint64)
        np.cumsum(powers[places], out=sums[1:])
        capitals = sums[np.searchsorted(places, ends)] - sums[np.searchsorted(places, starts)]
        return self.hash_of(starts, ends) ^ ch.mix(capitals * inverses[starts])

    def sums(self, flags: Flags) -> Ints:
        """How many characters of each text are flagged (N)."""
        return segment_sums(flags, self.starts, self.ends)


def lay_out(texts: Sequence[str], given: Sequence[Sequence[str]] | None = None) -> Layout:
    """The arrays of `texts`. Costs about 60 bytes of memory a character: give it a few hundred thousand at once.

    `given`: the words of each text in their order, from another segmenter; else they are found as the module says.
    """
    lengths = np.fromiter(map(len, texts), dtype=np.int64, count=len(texts))
    ends = np.cumsum(lengths + len(GAP)) - len(GAP)
    starts = ends - lengths
    codes = ch.code_points(GAP.join(texts))
    kinds = ch.kinds()[codes]
    prefix = prefix_sums(ch.values()[codes])
    word_starts, word_ends, alpha = _words(kinds) if given is None else _given(texts, starts, given, kinds)
    hashes = ch.mix(spans(prefix, word_starts, word_ends))
    owner = np.searchsorted(starts, word_starts, side="right") - 1
    return Layout(codes, kinds, starts, ends, prefix, word_starts, word_ends, hashes, alpha, owner)


def word_hashes(words: Sequence[str]) -> Hashes:
    """Hashes (len(words)) of whole strings, as `Layout.word_hashes` has them: for word lists and given words."""
    lengths = np.fromiter(map(len, words), dtype=np.int64, count=len(words))
    ends = np.cumsum(lengths)
    prefix = prefix_sums(ch.values()[ch.code_points("".join(words))])
    return ch.mix(spans(prefix, ends - lengths, ends))


def split(text: str) -> list[str]:
    """The words of `text`, lower case, as strings: the slow, readable face of `lay_out`."""
    found = lay_out([text])
    pairs = zip(found.word_starts.tolist(), found.word_ends.tolist(), strict=True)
    return [text[start:end].lower() for start, end in pairs]


def _words(kinds: npt.NDArray[np.uint16]) -> tuple[Ints, Ints, Flags]:
    """Starts, ends and 'has a letter' of all words."""
    solid = (kinds & ch.SPACE) == 0
    opens = solid.copy()
    opens[1:] &= ~solid[:-1]
    script: npt.NDArray[np.uint16] = np.right_shift(kinds, ch.SCRIPT_SHIFT, dtype=np.uint16)
    unspaced = bool(script.any())
    if unspaced:
        opens[1:] |= solid[1:] & (script[1:] != script[:-1])
    inner = np.flatnonzero((kinds & ch.WORD) != 0)
    if not inner.size:
        none = np.zeros(0, dtype=np.int64)
        return none, none, np.zeros(0, dtype=np.bool_)
    run = np.cumsum(opens, dtype=np.int32)[inner]
    change = np.flatnonzero(run[1:] != run[:-1]) + 1
    first = np.concatenate(([0], change))
    starts = inner[first]
    ends = inner[np.concatenate((change, [inner.size])) - 1] + 1
    alpha = np.logical_or.reduceat((kinds[inner] & ch.ALPHA) != 0, first)
    return _cut(starts, ends, alpha, script) if unspaced else (starts, ends, alpha)


def _given(
    texts: Sequence[str], starts: Ints, given: Sequence[Sequence[str]], kinds: npt.NDArray[np.uint16]
) -> tuple[Ints, Ints, Flags]:
    """Where the given words stand; a word that is not in the rest of its text is left out."""
    found: list[tuple[int, int]] = []
    for text, start, words in zip(texts, starts.tolist(), given, strict=True):
        at = 0
        for word in filter(None, words):
            place = text.find(word, at)
            if place >= 0:
                at = place + len(word)
                found.append((start + place, start + at))
    places = np.array(found, dtype=np.int64).reshape(-1, 2)
    word_starts, word_ends = places[:, 0], places[:, 1]
    return word_starts, word_ends, segment_sums((kinds & ch.ALPHA) != 0, word_starts, word_ends) > 0


def _cut(starts: Ints, ends: Ints, alpha: Flags, script: npt.NDArray[np.uint16]) -> tuple[Ints, Ints, Flags]:
    """Runs of scripts without spaces cut into units."""
    unit = ch.UNIT[script[starts]]
    pieces = (ends - starts + unit - 1) // unit
    begin = np.cumsum(pieces) - pieces
    nth = np.arange(int(pieces.sum()), dtype=np.int64) - np.repeat(begin, pieces)
    unit_of = np.repeat(unit, pieces)
    cut_starts = np.repeat(starts, pieces) + nth * unit_of
    cut_ends = np.minimum(cut_starts + unit_of, np.repeat(ends, pieces))
    return cut_starts, cut_ends, np.repeat(alpha, pieces)


def prefix_sums(values: Hashes) -> Hashes:
    """(C + 1) running sums of value_i * BASE^i modulo 2^64."""
    powers, _ = _powers(_table_size(values.size))
    sums = np.zeros(values.size + 1, dtype=np.uint64)
    np.cumsum(values * powers[: values.size], out=sums[1:])
    return sums


def spans(prefix: Hashes, starts: Ints, ends: Ints) -> Hashes:
    """Position-free hash of each span [start, end) under `prefix`."""
    _, inverses = _powers(_table_size(prefix.size))
    return (prefix[ends] - prefix[starts]) * inverses[starts]


def _table_size(count: int) -> int:
    return 1 << max(18, int(count).bit_length())


@cache
def _powers(size: int) -> tuple[Hashes, Hashes]:
    tables = []
    for base in (_BASE, _INVERSE):
        table = np.full(size, base, dtype=np.uint64)
        table[0] = 1
        np.cumprod(table, out=table)
        tables.append(table)
    return tables[0], tables[1]


def segment_sums(values: npt.NDArray[np.generic], starts: Ints, ends: Ints) -> Ints:
    """Sum of values[start:end] for each pair; an empty span sums to 0. Spans ascend and do not overlap."""
    if not starts.size:
        return np.zeros(0, dtype=np.int64)
    sums = np.zeros(values.size + 1, dtype=np.int64)
    np.cumsum(values, out=sums[1:])
    return sums[ends] - sums[starts]
