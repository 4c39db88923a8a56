"""The stream of packs: lanes taken in turn, and the state that is saved of them.

Slot j of the stream comes from lane j mod `lanes`; step s has slots s x batch_size to (s + 1) x batch_size - 1; rank r
of W has the slots with j mod W == r, and so only lanes with that remainder. All that is saved is the number of slots
that the consumer has seen and the state of each lane (prototype: section 3.3 of the survey of loaders).
"""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from vlm.loader.config import LoaderConfig
from vlm.loader.dataset import Dataset
from vlm.loader.errors import DatasetError, LoaderConfigError, ShardLost
from vlm.loader.lanes import Lane, LaneState
from vlm.loader.order import EpochOrder
from vlm.loader.pack import Pack, Piece
from vlm.loader.storage import open_store
from vlm.loader.token_table import read_token_table
from vlm.loader.tokenizers import ByteTokenizer, Tokenizer
from vlm.loader.views import ShardPlan, byte_tokens, plan_shard

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class StepPlan:
    """The rows of one step that belong to this rank, and the lanes as they stand after it."""

    step: int
    rows: tuple[Pack, ...]
    lanes: dict[int, LaneState[Piece]]
    last: bool
    """Whether a single pass ends with this step."""


def open_datasets(config: LoaderConfig) -> list[Dataset]:
    """The datasets of a configuration, their manifests read. Raises DatasetError or LoaderConfigError."""
    options: Any = {n: getattr(config, n) for n in ("cache_dir", "cache_bytes", "retries", "timeout_s")}
    return [Dataset(open_store(str(url), **options)) for url in config.datasets]  # a path will do too


def check_ranks(config: LoaderConfig, rank: int, world_size: int) -> None:
    """Raise LoaderConfigError, with the numbers that would do, unless lanes and rows divide among the ranks."""
    if not 0 <= rank < world_size:
        raise LoaderConfigError(f"rank={rank} must be in [0, {world_size})")
    if config.lanes % world_size:
        fits = [n for n in range(1, config.lanes + 1) if config.lanes % n == 0]
        raise LoaderConfigError(f"{world_size} ranks do not divide {config.lanes} lanes; these do: {fits}")
    if config.batch_size % world_size:
        fits = [n for n in range(1, config.batch_size + 1) if config.batch_size % n == config.lanes % n == 0]
        raise LoaderConfigError(
            f"batch_size={config.batch_size} rows cannot be shared by {world_size} ranks; by these: {fits}"
        )


class ShardPlans:
    """Orders of documents and plans of shards, the most recently used in memory. Threads may share it."""

    def __init__(
        self, datasets: Sequence[Dataset], tokenizer: Tokenizer, config: LoaderConfig, *, keep: int, ranks: int = 1
    ) -> None:
        """At most `keep` plans stay in memory, about 1 MB each for a shard of 3,000 documents."""
        self._together = config.one_pass and ranks > 1  # each plans all lanes to know where all end
        self._datasets, self._tokenizer, self._config, self._keep = datasets, tokenizer, config, keep
        self._plans: OrderedDict[tuple[int, int], ShardPlan] = OrderedDict()
        self._lock = threading.Lock()
        order = partial(EpochOrder, seed=config.seed, lanes=config.lanes)
        self.orders = [order(d.counts, dataset=d.fingerprint) for d in datasets]
        self.skipped: set[tuple[int, int]] = set()
        """(dataset, shard) whose index could not be read and that the run goes on without."""
        self.lost: set[tuple[int, int]] = set()
        """Those whose index was read, and whose tar cannot be: planned as ever, masked, not asked for again."""

    def document(self, lane: int, dataset: int, epoch: int, offset: int) -> tuple[int, int]:
        """(shard, row) of a document of a lane's part of an epoch."""
        order = self.orders[dataset]
        return order.at(epoch, order.lane_range(lane, epoch)[0] + offset)

    def plan(self, dataset: int, shard: int) -> ShardPlan | None:
        """The plan of a shard; None where it is lost and `on_lost_shard` says skip. Raises DatasetError otherwise."""
        where = (dataset, shard)
        with self._lock:
            if where in self.skipped:  # by a run before this one, maybe: whether it can be read again does not matter
                return None
            if where in self._plans:
                self._plans.move_to_end(where)
                return self._plans[where]
        try:
            made = self._make(dataset, shard)
        except ShardLost as error:
            self.lose(self.skipped, where, error)
            return None
        with self._lock:
            self._plans[where] = made
            while len(self._plans) > self._keep:
                self._plans.popitem(last=False)
        return made

    def lose(self, record: set[tuple[int, int]], where: tuple[int, int], error: ShardLost) -> None:
        """Enter a shard in `skipped` or `lost`, and say so once. Raises the error unless `on_lost_shard` says skip."""
        if self._config.on_lost_shard == "error":
            raise error
        if record is self.skipped and self._together:
            raise ShardLost(f"{error}; ranks of a single pass end together, so none of them skips an index") from error
        with self._lock:
            if where not in record:
                log.error("the run goes on without this shard, and the state says so: %s", error)
            record.add(where)

    def _make(self, dataset: int, shard: int) -> ShardPlan:
        source = self._datasets[dataset]
        index = source.index(shard)
        if isinstance(self._tokenizer, ByteTokenizer):
            tokens = byte_tokens(index, self._tokenizer.separator)
        else:
            tokens = read_token_table(source, shard, index, self._tokenizer, self._config.cache_dir)
        return plan_shard(index, tokens, self._config)


class Planner:
    """The rows of a rank, step by step. Pure: no clock, no threads, no pixels."""

    def __init__(
        self,
        config: LoaderConfig,
        datasets: Sequence[Dataset],
        plans: ShardPlans,
        *,
        rank: int = 0,
        world_size: int = 1,
        cursor: int = 0,
        lanes: dict[int, LaneState[Piece]] | None = None,
    ) -> None:
        """From slot `cursor` on. `lanes` must hold every lane that this rank owns, unless the cursor is 0."""
        check_ranks(config, rank, world_size)
        self._config, self._rank, self._world = config, rank, world_size
        self.cursor = cursor
        counts = [d.num_documents for d in datasets]
        for phase in config.schedule:
            if not config.one_pass and not any(w > 0 and n for w, n in zip(phase.weights, counts, strict=True)):
                raise DatasetError(
                    f"no documents: {[d.store.url for d in datasets]} have {counts}, weights {phase.weights}"
                )
        given, owned = lanes or {}, self.owned(config, rank, world_size)
        self.lanes = {i: Lane(i, plans.orders, plans, config, given.get(i)) for i in owned}

    @staticmethod
    def owned(config: LoaderConfig, rank: int, world_size: int) -> range:
        """The lanes that a rank plans: its own; in a single pass all, because each rank must know when all are done."""
        return range(config.lanes) if config.one_pass else range(rank, config.lanes, world_size)

    @property
    def exhausted(self) -> bool:
        """Whether a single pass is over."""
        return self._config.one_pass and all(lane.exhausted for lane in self.lanes.values())

    def step(self) -> StepPlan:
        """The next step."""
        size = self._config.batch_size
        rows: list[Pack] = []
        after: dict[int, LaneState[Piece]] = {}
        for slot in range(self.cursor, self.cursor + size):
            mine = slot % self._world == self._rank
            if mine or self._config.one_pass:
                lane = self.lanes[slot % self._config.lanes]
                pack = lane.next()
                after[lane.number] = lane.freeze()
                if mine:
                    rows.append(pack)
        self.cursor += size
        if self.exhausted and not any(lane.packs for lane in self.lanes.values()):
            raise DatasetError(f"no document gives anything under view={self._config.view!r}")
        return StepPlan(self.cursor // size - 1, tuple(rows), after, self.exhausted)
