"""Packing: documents into sequences under two budgets, best fit, cut where they must be, nothing dropped.

A *piece* is a document or a part of one; a *pack* is what one row of a batch holds; a *bin* is a pack that is not full
yet. The packer sees numbers only (tokens and patches of entries); it is a pure function of the documents in their
order, and its state is its open bins.

Rules (measured in `benchmarks/loader/fill.py`):

* A document that fits an open bin goes where it leaves the least room.
* One that is longer than a pack is cut into pieces that fill a bin or a pack; the rest is placed like a document.
* One that would fit a pack but no open bin, when all bins are taken: the fullest bin is closed. If that would waste
  more than `MAX_WASTE` of a pack, the document is cut to fill the bin in which the least room stays.
* Cuts stand at paragraph borders (after a text), an image stays with what follows it; inside a paragraph only where it
  is longer than a pack: at the end of a sentence, else between tokens.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import accumulate
from operator import itemgetter
from typing import NamedTuple

MAX_WASTE = 0.01
"""Share of a pack that may stay empty before a fitting document is cut instead; see `benchmarks/loader/fill.py`."""
FULL = 4
"""A bin with less room than this many tokens is closed at once: bos, eos and two tokens are the least piece of use."""
CHUNK = 16
"""A sentence longer than a pack is cut at token borders into steps of 1/16 pack, so that its parts fill bins well."""

FIRST, LAST = 1, 2
WHOLE = FIRST | LAST


class Piece(NamedTuple):
    """Part of a sequence of a document: entries `start_entry` to `stop_entry` (exclusive) of its shard's plan.

    `start_token` tokens of the first entry went to the piece before; `stop_token` tokens of entry `stop_entry`, if not
    0, belong to this piece. `ends` has FIRST where the sequence begins here (bos) and LAST where it ends (eos).
    `offset` is the place of the document in its lane's part of the epoch, `sequence` that of the sequence within it.
    """

    dataset: int
    epoch: int
    offset: int
    shard: int
    row: int
    sequence: int
    start_entry: int
    start_token: int
    stop_entry: int
    stop_token: int
    ends: int
    tokens: int
    patches: int


Pack = tuple[Piece, ...]


class Atom(NamedTuple):
    """What is never cut: its cost, and the address after it."""

    tokens: int
    patches: int
    stop_entry: int
    stop_token: int


@dataclass(frozen=True, slots=True)
class Cutting:
    """The atoms of a document with running sums, so that a cut is a binary search."""

    tokens: list[int]
    """Running sums, one more than there are atoms; bos and eos are in the first and last."""
    patches: list[int]
    stops: list[tuple[int, int]]
    """Address (entry, token) after each atom."""

    @classmethod
    def of(cls, atoms: list[Atom]) -> Cutting:
        """That of a list of atoms."""
        stops = [(a.stop_entry, a.stop_token) for a in atoms]
        return cls([0, *accumulate(a.tokens for a in atoms)], [0, *accumulate(a.patches for a in atoms)], stops)

    def fits(self, first: int, tokens: int, patches: int) -> int:
        """The atom after the longest run from `first` on that fits."""
        by_tokens = bisect_right(self.tokens, self.tokens[first] + tokens)
        by_patches = bisect_right(self.patches, self.patches[first] + patches)
        return min(by_tokens, by_patches) - 1

    def cost(self, first: int, stop: int) -> tuple[int, int]:
        """Tokens and patches of atoms `first` to `stop` (exclusive)."""
        return self.tokens[stop] - self.tokens[first], self.patches[stop] - self.patches[first]

    def rest(self, first: int) -> tuple[int, int]:
        """Tokens and patches of the atoms from `first` on."""
        return self.cost(first, len(self.stops))


class Bin(NamedTuple):
    """An open pack: room left, and what is in it."""

    tokens: int
    patches: int
    pieces: Pack


@dataclass(slots=True)
class Packer:
    """Open bins of one lane, the fullest first. `place` returns the packs that it completed."""

    seq_len: int
    max_patches: int
    open_bins: int
    bins: list[Bin] = field(default_factory=list)
    _rooms: list[int] = field(init=False)
    """Tokens of room of each bin: what is searched."""

    def __post_init__(self) -> None:
        """Sort the bins that are given."""
        self.bins.sort(key=itemgetter(0))
        self._rooms = [b.tokens for b in self.bins]

    def place(self, whole: Piece, cutting: Callable[[], Cutting]) -> list[Pack]:
        """Put a sequence into bins; the packs that are complete now, in the order in which they became so."""
        if whole.tokens <= self.seq_len and whole.patches <= self.max_patches:
            done = self._place_whole(whole)
            if done is not None:
                return done
        return self._place_cut(whole, cutting())

    def flush(self, keep: int = 0) -> list[Pack]:
        """Close bins, fullest first, until `keep` are open."""
        more = max(0, len(self.bins) - keep)
        done = [b.pieces for b in self.bins[:more]]
        del self.bins[:more], self._rooms[:more]
        return done

    def _place_whole(self, piece: Piece) -> list[Pack] | None:
        """Completed packs, or None where the piece should rather be cut."""
        for i in range(bisect_left(self._rooms, piece.tokens), len(self.bins)):
            if self.bins[i].patches >= piece.patches:
                return self._add(i, piece)
        if len(self.bins) >= self.open_bins and self._rooms[0] > MAX_WASTE * self.seq_len:
            return None
        return self._open(piece)

    def _open(self, piece: Piece) -> list[Pack]:
        done = self.flush(self.open_bins - 1)
        return done + self._fill(Bin(self.seq_len, self.max_patches, ()), piece)

    def _add(self, i: int, piece: Piece) -> list[Pack]:
        del self._rooms[i]
        return self._fill(self.bins.pop(i), piece)

    def _fill(self, b: Bin, piece: Piece) -> list[Pack]:
        room = b.tokens - piece.tokens
        pieces = (*b.pieces, piece)
        if room < FULL:
            return [pieces]
        i = bisect_right(self._rooms, room)
        self._rooms.insert(i, room)
        self.bins.insert(i, Bin(room, b.patches - piece.patches, pieces))
        return []

    def _place_cut(self, whole: Piece, cut: Cutting) -> list[Pack]:
        """Cut the sequence to the room of bins until the rest can be placed whole."""
        done: list[Pack] = []
        first, start = 0, (whole.start_entry, 0)
        while True:
            ends = FIRST if first == 0 else 0
            tokens, patches = cut.rest(first)
            if tokens <= self.seq_len and patches <= self.max_patches:
                placed = self._place_whole(_part(whole, start, cut.stops[-1], ends | LAST, tokens, patches))
                if placed is not None:
                    return done + placed
            where, stop = self._fit(cut, first)
            if where < 0:
                stop = cut.fits(first, self.seq_len, self.max_patches)
            end = cut.stops[stop - 1]
            ends |= LAST if stop == len(cut.stops) else 0
            part = _part(whole, start, end, ends, *cut.cost(first, stop))
            done += self._add(where, part) if where >= 0 else self._open(part)
            first, start = stop, end
            if first == len(cut.stops):
                return done

    def _fit(self, cut: Cutting, first: int) -> tuple[int, int]:
        """(bin, atom after the cut) that leaves the least room in an open bin; bin -1 where there is none, or where
        none can be filled to within `MAX_WASTE` and another bin may still be opened.
        """
        best, at = -1, first
        least = int(MAX_WASTE * self.seq_len) if len(self.bins) < self.open_bins else self.seq_len
        sums, seen = cut.tokens, cut.patches
        start, begun = sums[first], seen[first]
        stop = first + 1
        for i in range(bisect_left(self._rooms, sums[stop] - start), len(self.bins)):  # the hottest loop of planning
            room, vision, _ = self.bins[i]
            stop = bisect_right(sums, start + room, stop) - 1
            fitting = stop
            if seen[stop] > begun + vision:
                fitting = bisect_right(seen, begun + vision, first, stop + 1) - 1
                if fitting == first:
                    continue
            left = start + room - sums[fitting]
            if left <= least:
                best, at, least = i, fitting, left - 1
                if not left:
                    break
        return best, at


def _part(whole: Piece, start: tuple[int, int], stop: tuple[int, int], ends: int, tokens: int, patches: int) -> Piece:
    return Piece(*whole[:6], *start, *stop, ends, tokens, patches)
