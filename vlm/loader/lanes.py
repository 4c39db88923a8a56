"""One lane: documents in its order in, packs out; small immutable states in between.

A lane is a pure function of (manifests, seed, configuration, its number). It knows which document comes next for each
dataset, which dataset is next in the mix, and its open bins; nothing of ranks, threads or pixels. `freeze` costs about
a microsecond, so every pack carries the state after it, and what the consumer has seen is what is saved.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Sequence
from functools import partial
from typing import Generic, NamedTuple, Protocol, TypeVar

from vlm.loader.config import LoaderConfig, Phase
from vlm.loader.cut import cutting
from vlm.loader.errors import DatasetError
from vlm.loader.order import EpochOrder
from vlm.loader.pack import WHOLE, Bin, Cutting, Pack, Packer, Piece
from vlm.loader.views import Kind, ShardPlan

log = logging.getLogger(__name__)

PATIENCE = 100_000
"""A lane goes on without a dataset that gave nothing for so many documents in a row, or for all of them twice."""

SPARSE, FULL_ROWS = 0.9, 100
"""Share of full rows below which a single pass is told to take fewer lanes: as many as have so many full rows each."""

Part = TypeVar("Part")
"""What bins hold: pieces, or runs of them (`runs.py`) where the state is to be small."""


class Plans(Protocol):
    """Where a lane gets the entries of a shard."""

    def plan(self, dataset: int, shard: int) -> ShardPlan | None:
        """The plan of a shard; None where the shard is lost and may be skipped."""


class LaneState(NamedTuple, Generic[Part]):
    """What a lane needs to go on: everything, and nothing that holds memory."""

    packs: int
    """Packs that it has given."""
    epochs: tuple[int, ...]
    offsets: tuple[int, ...]
    """For each dataset: epoch, and documents of it that were taken."""
    phase: int
    served: tuple[int, ...]
    """Tokens or documents of each dataset since the phase began."""
    idle: tuple[int, ...]
    """Documents of each dataset, the last in a row, that gave nothing under the view."""
    bins: tuple[tuple[Part, ...], ...]
    ready: tuple[tuple[Part, ...], ...]
    """Packs that are complete and not yet given."""
    done: bool


class Lane:
    """Lane `number` of `config.lanes`."""

    def __init__(
        self,
        number: int,
        orders: Sequence[EpochOrder],
        plans: Plans,
        config: LoaderConfig,
        state: LaneState[Piece] | None = None,
    ) -> None:
        """From the start, or from a state."""
        self.number, self._orders, self._plans, self._config = number, orders, plans, config
        self._schedule: tuple[Phase, ...] = config.schedule
        none = (0,) * len(orders)
        s = state or LaneState(0, none, none, 0, none, none, (), (), False)
        self.packs, self._phase, self._served, self._done = s.packs, s.phase, list(s.served), s.done
        self._epochs, self._offsets = list(s.epochs), list(s.offsets)
        self._ready: deque[Pack] = deque(s.ready)
        bins = [self._reopen(pieces) for pieces in s.bins]
        self._packer = Packer(config.seq_len, config.patches, config.open_bins, bins)
        self._idle = list(s.idle)
        self._patience = [min(2 * o.num_documents + 2, PATIENCE) for o in orders]

    def _reopen(self, pieces: Pack) -> Bin:
        tokens = self._config.seq_len - sum(p.tokens for p in pieces)
        return Bin(tokens, self._config.patches - sum(p.patches for p in pieces), pieces)

    def freeze(self) -> LaneState[Piece]:
        """The state after the last pack that `next` gave."""
        return LaneState(
            self.packs,
            tuple(self._epochs),
            tuple(self._offsets),
            self._phase,
            tuple(self._served),
            tuple(self._idle),
            tuple([b.pieces for b in self._packer.bins]),
            tuple(self._ready),
            self._done,
        )

    @property
    def exhausted(self) -> bool:
        """Whether a lane of a single pass has nothing more to give."""
        return self._done and not self._ready

    def next(self) -> Pack:
        """The next pack. An exhausted lane gives empty ones.

        Raises DatasetError where no document of any dataset gives anything under this view.
        """
        self._fill()
        self.packs += bool(self._ready)
        pack = self._ready.popleft() if self._ready else ()
        if self._config.one_pass:
            self._fill()  # looks ahead, so that `exhausted` is known with the last pack and not one empty pack later
        return pack

    def _fill(self) -> None:
        while not self._ready and not self._done:
            self._feed()

    def _feed(self) -> None:
        """Take one document and place it; where there is none left, close the bins."""
        self._enter_phase()
        dataset = self._choose()
        if dataset < 0:
            if not self._config.one_pass:
                view = self._config.view
                raise DatasetError(
                    f"no document gives anything under view={view!r}: lane {self.number} tried {self._idle}"
                )
            self._done = True
            self._ready.extend(self._packer.flush())
            self._tell_sparse()
            return
        place = self._advance(dataset)
        if place is None:
            return
        shard, row = place[3:]
        plan = self._plans.plan(dataset, shard)
        if plan is None:
            return self._nothing(dataset)
        first, stop = plan.sequence_start.item(row), plan.sequence_start.item(row + 1)
        for n in range(first, stop):
            tokens, patches = plan.sequence_tokens.item(n) + 2, plan.sequence_patches.item(n)
            entries = plan.entry_start.item(n), 0, plan.entry_start.item(n + 1), 0
            whole = Piece(*place, n - first, *entries, WHOLE, tokens, patches)
            if self._config.mix_unit == "tokens":
                self._served[dataset] += tokens
            self._ready.extend(self._packer.place(whole, partial(self._cutting, plan, whole)))
        if self._config.mix_unit == "documents":
            self._served[dataset] += 1
        if first == stop:
            return self._nothing(dataset)
        self._idle[dataset] = 0
        return None

    def _tell_sparse(self) -> None:
        """Warn, once for all lanes of a single pass, where the bins that were open at the end are much of it."""
        full = sum(p.tokens for pack in self._ready for p in pack) / self._config.seq_len + self.packs
        share = full / max(self.packs + len(self._ready), 1)
        lanes = self._config.lanes
        if self.number == lanes - 1 and lanes > self._config.batch_size and share < SPARSE:
            log.warning(
                f"a single pass: each of the {lanes} lanes ends with open bins, so that rows are but {share:.2f} full; "
                f"try lanes={max(1, int(full * lanes / FULL_ROWS))}, or the number of ranks if that is more"
            )

    def _nothing(self, dataset: int) -> None:
        self._idle[dataset] += 1
        if self._idle[dataset] > self._patience[dataset] and not self._config.one_pass:
            where = self.number, dataset, self._idle[dataset]
            log.warning("lane %d goes on without dataset %d: %d documents gave nothing", *where)

    def _cutting(self, plan: ShardPlan, whole: Piece) -> Cutting:
        entries = slice(whole.start_entry, whole.stop_entry)
        costs = plan.entry_tokens[entries], plan.entry_patches[entries], plan.entry_kind[entries] == Kind.IMAGE
        limits = self._config.seq_len, self._config.patches

        def cuts(entry: int) -> Sequence[int]:
            return plan.cuts.get((whole.row, int(plan.entry_node[entry])), ())

        return cutting(*costs, limits, whole.start_entry, cuts)

    def _advance(self, dataset: int) -> tuple[int, int, int, int, int] | None:
        """(dataset, epoch, offset, shard, row) of the next document; None where the lane has none in this epoch."""
        epoch, offset, order = self._epochs[dataset], self._offsets[dataset], self._orders[dataset]
        start, stop = order.lane_range(self.number, epoch)
        if offset >= stop - start:
            self._epochs[dataset], self._offsets[dataset] = epoch + 1, 0
            return None
        self._offsets[dataset] += 1
        return dataset, epoch, offset, *order.at(epoch, start + offset)

    def _enter_phase(self) -> None:
        """Begin a phase of the mix once this lane's next pack lies in a step of it. Before that fewer and fewer bins
        stay open, half as many as packs are left: the new phase shall not wait until those of the old are full.
        """
        self._packer.open_bins = self._config.open_bins
        while self._phase + 1 < len(self._schedule):
            slot = self._schedule[self._phase + 1].from_step * self._config.batch_size
            # packs to come before it beside those ready; a lane gives slot number + lanes x packs
            left = -((self.number - slot) // self._config.lanes) - self.packs - len(self._ready)
            if left > 0:
                self._packer.open_bins = max(1, min(self._config.open_bins, left // 2))
                self._ready.extend(self._packer.flush(self._packer.open_bins))
                return
            self._phase += 1
            self._served = [0] * len(self._served)
            self._ready.extend(self._packer.flush())

    def _choose(self) -> int:
        """The dataset that is furthest behind its weight; -1 where a single pass has nothing left."""
        weights = self._schedule[self._phase].weights
        some = [i for i, w in enumerate(weights) if (w > 0 or self._config.one_pass) and self._left(i)]
        if len(some) == 1:
            return some[0]
        total = sum(self._served) + 1
        share = sum(weights)
        return max(some, key=lambda i: weights[i] / share * total - self._served[i], default=-1)

    def _left(self, dataset: int) -> bool:
        if not self._orders[dataset].num_documents:
            return False
        if not self._config.one_pass:
            return self._idle[dataset] <= self._patience[dataset]
        start, stop = self._orders[dataset].lane_range(self.number, 0)
        return self._epochs[dataset] == 0 and self._offsets[dataset] < stop - start
