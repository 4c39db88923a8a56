"""The loader: plans in a thread, reads and decodes in others, hands batches over in the one order there is.

    plan (1 thread) -> assemble (threads) -> decode, resize, patches (CPU: same threads; CUDA: side stream) -> consumer

What has been handed over is what the state counts; everything prefetched beyond it is simply made again.
"""

from __future__ import annotations

import queue
import sys
import threading
import time
from collections import deque
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import torch

from vlm.loader.assemble import Assembler, HostBatch
from vlm.loader.batch import Batch
from vlm.loader.config import LoaderConfig
from vlm.loader.decode import choose_decoder
from vlm.loader.errors import LoaderConfigError, ResumeError
from vlm.loader.faults import FaultCounter, FaultKind
from vlm.loader.finish import CpuFinisher, CudaFinisher
from vlm.loader.lanes import LaneState
from vlm.loader.pack import Piece
from vlm.loader.plan import Planner, ShardPlans, StepPlan, check_ranks, open_datasets
from vlm.loader.runs import lengthen, shorten
from vlm.loader.state import check_facts, decode_lanes, encode_lanes, facts, merge_states
from vlm.loader.tokenizers import load_tokenizer

RECENT = 16
"""Steps back for which a state can still be had; no framework fetches so many batches ahead."""

THREADS = "vlm-loader"
"""Begins the names of all threads of a loader."""

SWITCH_S = 2e-4
"""Python's switch interval, for the whole process, once threads load: the training thread lets the interpreter go at
each operation, and would get it back after the usual 5 ms (8 ms of a step on an H100, `benchmarks/trainer/README.md`).
"""


@dataclass(slots=True)
class Stats:
    """What the consumer of this process has had so far."""

    batches: int = 0
    tokens: int = 0
    useful_tokens: int = 0
    images: int = 0
    wait_s: float = 0.0
    """Seconds that the consumer waited for a batch."""

    @property
    def fill(self) -> float:
        """Share of tokens that are not padding."""
        return self.useful_tokens / self.tokens if self.tokens else 0.0


class Loader:
    """Iterates over the batches of one rank. Endless, unless `one_pass`.

    A new iterator goes on where the last batch was handed over; after the end of a single pass it starts again. The one
    before it ends then, and at `close` and `load_state_dict`.
    """

    def __init__(self, config: LoaderConfig, *, rank: int = 0, world_size: int = 1) -> None:
        """Opens the datasets and the tokenizer.

        Raises:
            DatasetError: a manifest or token table is missing or broken.
            LoaderConfigError: the configuration contradicts itself, or the ranks do not divide lanes and rows.
        """
        check_ranks(config, rank, world_size)
        self.config, self.rank, self.world_size = config, rank, world_size
        self.tokenizer = load_tokenizer(config.tokenizer, config.separator)
        self.datasets = open_datasets(config)
        keep = len(Planner.owned(config, rank, world_size)) * len(self.datasets) + 32  # each lane reads a shard of each
        self.plans = ShardPlans(self.datasets, self.tokenizer, config, keep=keep, ranks=world_size)
        if self.tokenizer.needs_table:  # now, not after the model was built
            first = next(((d, s) for d, of in enumerate(self.datasets) for s, n in enumerate(of.counts) if n), None)
            if first is not None:
                self.plans.plan(*first)
        self.faults = FaultCounter(max_share=config.max_fault_share, max_in_row=config.max_faults_in_row)
        self.stats = Stats()
        count = torch.cuda.device_count()
        known = ["cpu", *["cuda"][:count], *(f"cuda:{i}" for i in range(count))]
        if config.device not in known:
            raise LoaderConfigError(f"device={config.device!r}: want one of {', '.join(known)}")
        device = torch.device(config.device)
        self.decoder = choose_decoder(config.decoder, device)
        self._finisher = (CpuFinisher if device.type == "cpu" else CudaFinisher)(config, self.decoder)
        self._assembler = Assembler(config, self.datasets, self.plans, self.tokenizer)
        self._cursor = 0
        self._lanes: dict[int, LaneState[Piece]] = {}
        """As they stand `RECENT` steps before the last that was handed over; what came since is in `_recent`."""
        self._recent: deque[StepPlan] = deque()
        self._ended = False
        self._run: _Pump | None = None
        self._turn = 0
        """Counts the iterators; an older one than the last gives nothing more."""

    def __iter__(self) -> Iterator[Batch]:
        self.close()
        if self._ended:
            self._restart(0, {})
        at: Any = {"rank": self.rank, "world_size": self.world_size, "cursor": self._cursor}
        planner = Planner(self.config, self.datasets, self.plans, **at, lanes=self._lanes_after(None))
        if planner.exhausted:  # a state of the end of a single pass: nothing is left of it, the next one starts again
            self._ended = True
            return iter(())
        return self._batches(planner, self._turn)

    def _batches(self, planner: Planner, turn: int) -> Iterator[Batch]:
        source = self._inline(planner) if self.config.threads == 0 else self._pumped(planner)
        try:
            while turn == self._turn:
                began = time.perf_counter()
                item = next(source, None)
                if item is None:
                    return
                host, batch = item
                self.faults.account(host.outcomes)
                batch = self._finisher.hand_over(batch)
                self._count(host.plan, batch, time.perf_counter() - began)
                if self._run is not None:
                    self._run.room.release()
                yield batch
        finally:
            source.close()

    def _inline(self, planner: Planner) -> Generator[tuple[HostBatch, Batch], None, None]:
        last = False
        while not last:
            plan = planner.step()
            last = plan.last
            host = self._finisher.prepare(self._assembler.assemble(plan))
            yield host, self._finisher.finish(host)

    def _pumped(self, planner: Planner) -> Generator[tuple[HostBatch, Batch], None, None]:
        self._run = pump = _Pump(self.config, planner, self._assembler, self._finisher)
        try:
            yield from pump
        finally:
            pump.stop()

    def _count(self, plan: StepPlan, batch: Batch, waited: float) -> None:
        self._cursor += self.config.batch_size
        self._recent.append(plan)
        if len(self._recent) > RECENT:
            self._lanes.update(self._recent.popleft().lanes)
        self._ended = plan.last
        s = self.stats
        s.batches += 1
        s.tokens += batch.tokens.numel()
        s.useful_tokens += batch.useful_tokens
        s.images += len(batch.image_ok)
        s.wait_s += waited

    def close(self) -> None:
        """End the current iterator and its threads, if any."""
        self._turn += 1
        if self._run is not None:
            self._run.stop()
            self._run = None

    def _restart(self, cursor: int, lanes: dict[int, LaneState[Piece]]) -> None:
        self._cursor, self._lanes, self._ended = cursor, lanes, False
        self._recent.clear()

    def _lanes_after(self, step: int | None) -> dict[int, LaneState[Piece]]:
        lanes = dict(self._lanes)
        for plan in self._recent:
            if step is None or plan.step <= step:
                lanes.update(plan.lanes)
        return lanes

    def state_dict(self, *, step: int | None = None, gather: bool = False) -> dict[str, Any]:
        """The state after the last batch that was handed over, or after that of `step`: JSON values, under 1 MB.

        Frameworks that fetch a batch ahead (Lightning) must say the step that was trained on; the last 16 are kept.

        With several ranks it holds the lanes of this one (in a single pass all). `gather=True` joins those of all ranks
        through `torch.distributed`, on every rank alike; or keep one a rank and join them by `merge_states`.
        """
        size = self.config.batch_size  # a cursor of another size, if allowed, need not be a multiple of this one
        cursor = self._cursor if step is None else (step + 1) * size + self._cursor % size
        if not self._cursor - len(self._recent) * size <= cursor <= self._cursor:
            raise ResumeError(f"step {step} is not one of the last {len(self._recent)} that were handed over")
        state = {
            "cursor": cursor,
            "facts": facts(self.config, self.datasets, self.tokenizer),
            "lanes": encode_lanes(shorten(self._lanes_after(step), self.plans)),
            "skipped": sorted([d, s] for d, s in self.plans.skipped.copy()),
            "lost": sorted([d, s] for d, s in self.plans.lost.copy()),
            "faults": {str(kind): count for kind, count in sorted(self.faults.by_kind.items())},
            "items": self.faults.items,
        }
        if not gather or self.world_size == 1:
            return state
        states: list[Any] = [None] * self.world_size
        torch.distributed.all_gather_object(states, state)
        return merge_states(states)

    def load_state_dict(
        self, state: Mapping[str, Any] | Sequence[Mapping[str, Any]], *, allow: Iterable[str] = ()
    ) -> None:
        """Go on where a state was taken, on any number of ranks. A list of states of all ranks is joined first.

        Args:
            state: of `state_dict`.
            allow: names of facts that may differ on purpose: `mix` (new weights), `seed` (another order from here on;
                documents in open bins are passed over), `batch_size` (steps, and with them the phases of the mix, are
                then counted in the new size).

        Raises:
            ResumeError: another seed, manifest, tokenizer or budget, by name; or lanes of this rank are not there.
        """
        self.close()
        one = merge_states(list(state)) if isinstance(state, Sequence) else state
        now = facts(self.config, self.datasets, self.tokenizer)
        check_facts(one["facts"], now, allow)
        lanes = decode_lanes(one["lanes"])
        if any(one["facts"][name] != now[name] for name in ("mix", "mix_unit", "batch_size")):
            step = one["cursor"] // self.config.batch_size
            phase = sum(p.from_step <= step for p in self.config.schedule) - 1
            lanes = {i: s._replace(phase=phase, served=(0,) * len(s.served)) for i, s in lanes.items()}
        if one["facts"]["seed"] != now["seed"]:  # places in another order: what was open is not given any more
            lanes = {i: s._replace(bins=(), ready=()) for i, s in lanes.items()}
        # A lane that has given nothing yet is not in a state: it starts from its beginning.
        started = range(min(one["cursor"], self.config.lanes))
        owned = Planner.owned(self.config, self.rank, self.world_size)
        missing = [i for i in owned if i in started and i not in lanes]
        if missing:
            raise ResumeError(
                f"the state lacks {len(missing)} of this rank's lanes (number {missing[0]} first): with several ranks, "
                "save state_dict(gather=True), or give the states of all ranks"
            )
        self.plans.skipped = {(d, s) for d, s in one["skipped"]}
        self.plans.lost = {(d, s) for d, s in one["lost"]}
        mine = {i: lanes[i] for i in owned if i in lanes}
        self._restart(int(one["cursor"]), lengthen(mine, self.plans))
        # Counts are of all ranks: each takes its part, so that the next merge gives the same sum.
        self.faults.by_kind.clear()
        self.faults.by_kind.update({FaultKind(kind): self._part(count) for kind, count in one["faults"].items()})
        self.faults.items = self._part(one["items"])

    def _part(self, count: int) -> int:
        return (count + self.world_size - 1 - self.rank) // self.world_size


class _Pump:
    """A thread that plans ahead, keeps the pool busy, and puts finished batches into a short queue, in order."""

    def __init__(
        self, config: LoaderConfig, planner: Planner, assembler: Assembler, finisher: CpuFinisher | CudaFinisher
    ) -> None:
        self._config, self._planner, self._assembler, self._finisher = config, planner, assembler, finisher
        self._queue = queue.SimpleQueue[tuple[HostBatch, Batch] | BaseException | None]()
        self.room = threading.Semaphore(config.prefetch)
        """Released when a batch was handed over, not when it was fetched: who wakes up takes the interpreter."""
        self._stop = threading.Event()
        sys.setswitchinterval(min(sys.getswitchinterval(), SWITCH_S))
        self._thread = threading.Thread(target=self._main, name=f"{THREADS}-pump", daemon=True)
        self._thread.start()

    def __iter__(self) -> Iterator[tuple[HostBatch, Batch]]:
        while True:
            item = self._queue.get()
            if item is None:
                return
            if isinstance(item, BaseException):
                raise item
            yield item

    def stop(self) -> None:
        """End the threads; what they made is dropped."""
        self._stop.set()
        # The garbage collector may end an iterator in any thread: one of a loader's would wait for itself.
        if not threading.current_thread().name.startswith(THREADS):
            self._thread.join()
        self._queue.put(None)  # for a consumer that waits in another thread

    def _main(self) -> None:
        try:
            with ThreadPoolExecutor(self._config.threads, thread_name_prefix=THREADS) as pool:
                self._pump(pool)
            self._put(None)
        except BaseException as error:  # noqa: BLE001 - raised again in the consumer's thread
            self._put(error)

    def _make(self, plan: StepPlan) -> tuple[HostBatch, Any]:
        host = self._finisher.prepare(self._assembler.assemble(plan))
        return host, self._finisher.finish(host) if self._finisher.in_pool else None

    def _pump(self, pool: ThreadPoolExecutor) -> None:
        pending: deque[Future[tuple[HostBatch, Any]]] = deque()
        last = False
        try:
            while not self._stop.is_set() and (pending or not last):
                while not last and len(pending) < self._config.threads + 1:
                    plan = self._planner.step()
                    last = plan.last
                    pending.append(pool.submit(self._make, plan))
                host, batch = pending.popleft().result()
                self._put((host, batch if batch is not None else self._finisher.finish(host)))
        finally:
            for future in pending:
                future.cancel()

    def _put(self, item: tuple[HostBatch, Batch] | BaseException | None) -> None:
        while not self._stop.is_set():
            if self.room.acquire(timeout=0.1):
                self._queue.put(item)
                return
