"""What open bins hold, as runs of the lane's stream: a state has a few numbers where a bin has hundreds of sequences.

A piece is known from where it stands (dataset, epoch, document of the lane, sequence of the document) and from its cut;
row, entries and costs come from the indexes again. Short sequences mostly lie in a bin as they came, so those that
follow one another are one run. Pieces are references of 13 numbers; of pairs at 8,192 tokens 240 lanes hold a million.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from vlm.loader.errors import ResumeError
from vlm.loader.lanes import LaneState
from vlm.loader.pack import FIRST, LAST, WHOLE, Piece
from vlm.loader.plan import ShardPlans
from vlm.loader.views import ShardPlan


class Run(NamedTuple):
    """`length` whole sequences of a shard, one after another in the stream, or part of one. Epoch and offset are
    counted from where the lane stands; `entries` from `start_entry`, which as the tokens is 0 unless a sequence is cut.
    """

    dataset: int
    epoch: int
    offset: int
    sequence: int
    length: int
    start_entry: int
    start_token: int
    entries: int
    stop_token: int
    ends: int


def shorten(lanes: Mapping[int, LaneState[Piece]], plans: ShardPlans) -> dict[int, LaneState[Run]]:
    """Lanes with runs for pieces. A shard that cannot be read any more makes them longer, no more."""

    def runs(lane: int, s: LaneState[Piece], pack: tuple[Piece, ...]) -> tuple[Run, ...]:
        out: list[list[int]] = []
        last = None
        for p in pack:
            if last is not None and _follows(lane, last, p, plans):
                out[-1][4] += 1
            else:
                cut = (0, 0, 0, 0)
                if p.ends != WHOLE:
                    cut = (p.start_entry, p.start_token, p.stop_entry - p.start_entry, p.stop_token)
                epoch, offset = p.epoch - s.epochs[p.dataset], p.offset - s.offsets[p.dataset]
                out.append([p.dataset, epoch, offset, p.sequence, 1, *cut, p.ends])
            last = p
        return tuple(Run(*r) for r in out)

    return {lane: _mapped(s, lambda pack, lane=lane, s=s: runs(lane, s, pack)) for lane, s in lanes.items()}


def lengthen(lanes: Mapping[int, LaneState[Run]], plans: ShardPlans) -> dict[int, LaneState[Piece]]:
    """The reverse of `shorten`. Raises ShardLost where an index cannot be read, unless it may be skipped, and
    ResumeError where no stream has such runs.
    """

    def pieces(lane: int, s: LaneState[Run], pack: Iterable[Run]) -> tuple[Piece, ...]:
        return tuple(p for r in pack for p in _pieces(lane, s, r, plans))

    try:
        return {lane: _mapped(s, lambda pack, lane=lane, s=s: pieces(lane, s, pack)) for lane, s in lanes.items()}
    except IndexError as error:
        raise ResumeError(f"the state is damaged: {error}") from error


def _mapped(s: LaneState[Any], change: Any) -> LaneState[Any]:
    return s._replace(bins=tuple(map(change, s.bins)), ready=tuple(map(change, s.ready)))


def _follows(lane: int, a: Piece, b: Piece, plans: ShardPlans) -> bool:
    """Whether b is the whole sequence right after the whole sequence a."""
    if (a.dataset, a.epoch, a.shard) != (b.dataset, b.epoch, b.shard) or not a.ends == b.ends == WHOLE:
        return False
    if a.offset == b.offset:
        return b.sequence == a.sequence + 1
    plan = plans.plan(a.dataset, a.shard)
    if plan is None or b.sequence or a.offset > b.offset or _count(plan, a.row) != a.sequence + 1:
        return False
    between = (plans.document(lane, a.dataset, a.epoch, offset) for offset in range(a.offset + 1, b.offset))
    return all(_count(plan, row) == 0 for _, row in between)


def _count(plan: ShardPlan, row: int) -> int:
    return int(plan.sequence_start[row + 1] - plan.sequence_start[row])


def _pieces(lane: int, s: LaneState[Run], r: Run, plans: ShardPlans) -> Iterator[Piece]:
    epoch, offset = s.epochs[r.dataset] + r.epoch, s.offsets[r.dataset] + r.offset
    sequence, left = r.sequence, r.length
    while left:
        shard, row = plans.document(lane, r.dataset, epoch, offset)
        plan = plans.plan(r.dataset, shard)
        if plan is None:  # recorded: what open bins held of the shard goes with it
            return
        place, more = (r.dataset, epoch, offset, shard, row), min(_count(plan, row) - sequence, left)
        first = int(plan.sequence_start[row]) + sequence
        if r.ends != WHOLE:
            start, stop = r.start_entry, r.start_entry + r.entries
            tokens = int(plan.entry_tokens[start:stop].sum()) - r.start_token + r.stop_token
            tokens += bool(r.ends & FIRST) + bool(r.ends & LAST)
            cut = (start, r.start_token, stop, r.stop_token, r.ends)
            yield Piece(*place, sequence, *cut, tokens, int(plan.entry_patches[start:stop].sum()))
        else:
            entries = plan.entry_start[first : first + more + 1].tolist()
            tokens, patches = (x[first : first + more].tolist() for x in (plan.sequence_tokens, plan.sequence_patches))
            for i in range(more):
                cut = (entries[i], 0, entries[i + 1], 0, WHOLE)
                yield Piece(*place, sequence + i, *cut, tokens[i] + 2, patches[i])
        offset, sequence, left = offset + 1, 0, left - max(more, 0)
