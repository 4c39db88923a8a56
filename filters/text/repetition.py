"""How much a text repeats itself: n-grams of characters and words, counted by sorting their hashes.

The unit of work is a batch of texts as one array of windows. One sort of (hash, position) finds all repeats of the
batch; a repeated (n+1)-gram begins where a repeated n-gram begins, so longer ones are looked for among the shorter.
Hashes keep 40 bits or more here: in a batch of 200,000 windows a false repeat has a chance below one in a thousand.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from filters.text.words import Flags, Hashes, Ints, prefix_sums, spans

Floats = npt.NDArray[np.float64]

CHARACTERS: Final = 10
WORDS: Final = 5
"""Lengths of n-grams in OBELICS's config (build_obelics/05, both node and document)."""
TOP: Final = (2, 3, 4)
DUPLICATE: Final = (5, 6, 7, 8, 9, 10)
"""n of Gopher's repetition rules (Rae et al. 2021, arXiv:2112.11446, table A1)."""

_SEGMENT: Final = np.uint64(0xD6E8FEB86659FD93)


@dataclass(frozen=True, slots=True)
class Groups:
    """Windows that occur more than once in their segment, one group after the other, each by position.

    `positions` (M) of the windows; `starts` (G) of each group in it; `sizes` (G) at least 2; `segments` (G).
    """

    positions: Ints
    starts: Ints
    sizes: Ints
    segments: Ints


def find(hashes: Hashes, positions: Ints, owner: Ints) -> Groups:
    """Group the windows at `positions` (ascending) by hash and segment, `owner[position]`; single ones are left out."""
    bits = np.uint64(max(1, int(positions[-1]).bit_length()) if positions.size else 1)
    low = np.uint64((1 << int(bits)) - 1)
    keys = ((hashes + owner[positions].astype(np.uint64) * _SEGMENT) & ~low) | positions.astype(np.uint64)
    keys.sort()
    if keys.size < 2:
        none = np.zeros(0, dtype=np.int64)
        return Groups(none, none, none, none)
    same = np.zeros(keys.size + 1, dtype=np.bool_)
    same[1:-1] = (keys[1:] ^ keys[:-1]) <= low
    member = same[1:] | same[:-1]
    kept = (keys[member] & low).astype(np.int64)
    starts = np.flatnonzero(~same[:-1][member])
    sizes = np.diff(starts, append=kept.size)
    return Groups(kept, starts, sizes, owner[kept[starts]])


@dataclass(frozen=True, slots=True)
class Owners:
    """Who owns the items of a sequence: segment `of` (I, ascending); segments' `ends` and `lengths` in items (S).

    An item at or after its owner's end (a gap) belongs to nobody.
    """

    of: Ints
    ends: Ints
    lengths: Ints

    def inside(self, starts: Ints, n: int) -> Ints:
        """Those starts whose n items lie in one segment."""
        return starts[starts + n <= self.ends[self.of[starts]]]

    def totals(self, n: int) -> Ints:
        """How many n-grams each segment has (S)."""
        return np.maximum(self.lengths - n + 1, 0)

    def groups(self, prefix: Hashes, starts: Ints, n: int) -> Groups:
        """Repeats inside a segment among the n-grams at `starts`; `prefix` as of `words.prefix_sums`."""
        starts = self.inside(starts, n)
        return find(spans(prefix, starts, starts + n), starts, self.of)


def owners(counts: Ints) -> Owners:
    """Segments of these lengths, end to end without gaps."""
    return Owners(np.repeat(np.arange(counts.size, dtype=np.int64), counts), np.cumsum(counts), counts)


def top_share(groups: Groups, total: Ints) -> Floats:
    """BLOOM's character repetition (Laurencon et al. 2022, arXiv:2303.03915, A.2; as OBELICS has it).

    The share of all windows that the most frequent ones take; as many of them count as the square root of the
    number of distinct windows, but only ones that repeat.
    """
    count = total.size
    extra = np.bincount(groups.segments, weights=groups.sizes - 1, minlength=count).astype(np.int64)
    limit = np.minimum(np.sqrt(total - extra).astype(np.int64), np.bincount(groups.segments, minlength=count))
    order = np.lexsort((-groups.sizes, groups.segments))
    segments = groups.segments[order]
    rank = np.arange(order.size) - np.searchsorted(segments, segments, side="left")
    taken = rank < limit[segments]
    return share(np.bincount(segments[taken], weights=groups.sizes[order][taken], minlength=count), total)


def repeated_share(groups: Groups, total: Ints) -> Floats:
    """BLOOM's word repetition: the share of windows that occur more than once."""
    return share(np.bincount(groups.segments, weights=groups.sizes, minlength=total.size), total)


def share(part: npt.NDArray[np.generic], total: Ints) -> Floats:
    """part / total, 0 where there is nothing."""
    found: Floats = np.divide(part, total, out=np.zeros(total.size), where=total > 0)
    return found


def top_gram_chars(groups: Groups, n: int, documents: Owners, chars: Ints) -> Ints:
    """Characters (D) that the most frequent n-gram of a document takes, blanks between its words counted (Gopher).

    Of several as frequent, the one that comes first. `chars` (W + 1) sums of word lengths.
    """
    firsts = groups.positions[groups.starts]
    order = np.lexsort((firsts, -groups.sizes, groups.segments))
    segments = groups.segments[order]
    best = order[np.flatnonzero(np.diff(segments, prepend=-1))]
    long_enough = documents.lengths >= n
    start = np.where(long_enough, documents.ends - documents.lengths, 0)
    times = long_enough.astype(np.int64)
    start[groups.segments[best]] = firsts[best]
    times[groups.segments[best]] = groups.sizes[best]
    end = np.minimum(start + n, chars.size - 1)
    length: Ints = (chars[end] - chars[start] + n - 1) * times
    return length


def duplicate_gram_starts(groups: Groups, n: int) -> Ints:
    """Starts of the n-grams that were met before, walking from the front and past each one that is found (Gopher)."""
    if not groups.positions.size:
        return groups.positions
    group_of = np.repeat(np.arange(groups.sizes.size), groups.sizes)
    order = np.argsort(groups.positions)
    seen = bytearray(groups.sizes.size)
    found = []
    free = 0
    for start, group in zip(groups.positions[order].tolist(), group_of[order].tolist(), strict=True):
        if start < free:
            continue
        if seen[group]:
            found.append(start)
            free = start + n
        else:
            seen[group] = 1
    return np.array(found, dtype=np.int64)


def of_characters(prefix: Hashes, texts: Owners, documents: Owners) -> tuple[Floats, Floats]:
    """Character repetition of the texts (T) and of the documents (D)."""
    n = CHARACTERS
    found = documents.groups(prefix, np.arange(prefix.size - 1, dtype=np.int64), n)
    inner = texts.groups(prefix, np.sort(found.positions), n)
    return top_share(inner, texts.totals(n)), top_share(found, documents.totals(n))


@dataclass(frozen=True, slots=True)
class WordRepetition:
    """Shares from 0 to 1: word repetition of `texts` (T) and `documents` (D); Gopher's `top`, `duplicate` by n (D)."""

    texts: Floats
    documents: Floats
    top: dict[int, Floats]
    duplicate: dict[int, Floats]


def of_words(
    hashes: Hashes, word_lengths: Ints, texts: Owners, documents: Owners, document_chars: Ints
) -> WordRepetition:
    """All that is counted on n-grams of words.

    Args:
        hashes: of each word (W).
        word_lengths: characters of each word (W).
        texts: T segments of words.
        documents: D segments of words.
        document_chars: characters of each document (D).
    """
    prefix = prefix_sums(hashes)
    chars = np.concatenate((np.zeros(1, dtype=np.int64), np.cumsum(word_lengths)))
    starts = np.arange(hashes.size, dtype=np.int64)
    top: dict[int, Floats] = {}
    duplicate: dict[int, Floats] = {}
    of_texts = of_documents = np.zeros(0)
    for n in (*TOP, *DUPLICATE):
        groups = documents.groups(prefix, starts, n)
        if n in TOP:
            top[n] = share(top_gram_chars(groups, n, documents, chars), document_chars)
        else:
            found = duplicate_gram_starts(groups, n)
            again = chars[found + n] - chars[found]
            duplicate[n] = share(np.bincount(documents.of[found], again, document_chars.size), document_chars)
        starts = np.sort(groups.positions)
        if n == WORDS:
            of_documents = repeated_share(groups, documents.totals(n))
            of_texts = repeated_share(texts.groups(prefix, starts, n), texts.totals(n))
    return WordRepetition(of_texts, of_documents, top, duplicate)


def duplicates(hashes: Hashes, owner: Ints, lengths: Ints, num_documents: int) -> tuple[Ints, Ints]:
    """How many of a document's lines (or paragraphs) were met before in it, and their characters (D each) (Gopher)."""
    groups = find(hashes, np.arange(hashes.size, dtype=np.int64), owner)
    again: Flags = np.ones(groups.positions.size, dtype=np.bool_)
    again[groups.starts] = False
    places = groups.positions[again]
    number = np.bincount(owner[places], minlength=num_documents)
    chars = np.bincount(owner[places], weights=lengths[places], minlength=num_documents)
    return number, chars.astype(np.int64)
