"""`weft loader simulate DIR --ranks N`: what a run will be like, from the indexes alone, before any GPU is rented."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from vlm.loader.config import LoaderConfig
from vlm.loader.dataset import Dataset
from vlm.loader.errors import LoaderConfigError
from vlm.loader.lanes import LaneState
from vlm.loader.pack import FIRST, Piece
from vlm.loader.plan import Planner, ShardPlans, check_ranks, open_datasets
from vlm.loader.runs import shorten
from vlm.loader.state import encode_lanes
from vlm.loader.tokenizers import load_tokenizer
from vlm.loader.tools.options import add_options, config_of, guarded, quantiles, say
from vlm.loader.views import Kind


def main(argv: Sequence[str] | None = None) -> int:
    """Exit code: 0, or 2 where the datasets cannot be planned."""
    parser = argparse.ArgumentParser(prog="weft loader simulate", description=__doc__)
    add_options(parser)
    parser.add_argument("--ranks", type=int, default=1)
    parser.add_argument("--steps", type=int, default=200, help="steps that are planned")
    parser.add_argument("--tokens-per-second", type=float, default=5e4, help="that all ranks together can train on")
    return guarded(_run, parser.parse_args(argv))


@dataclass(slots=True)
class Tally:
    """What the planned steps hold."""

    packs: int = 0
    tokens: int = 0
    patches: int = 0
    read_bytes: int = 0
    begun: set[tuple[int, int, int, int]] = field(default_factory=set)
    """Documents, as (dataset, epoch, shard, row); of pairs one for all pairs of a page."""
    cpu_s: float = 0.0
    state_bytes: int = 0
    lanes: dict[int, LaneState[Piece]] = field(default_factory=dict)
    """As they stand after the last step."""
    per_step: list[list[int]] = field(default_factory=list)
    """Patches of each rank, step by step: the work that can differ."""


def _run(args: argparse.Namespace) -> int:
    config = config_of(args)
    if args.steps < 1 or args.tokens_per_second <= 0:
        raise LoaderConfigError("--steps and --tokens-per-second must be over 0")
    check_ranks(config, 0, args.ranks)
    datasets = open_datasets(config)
    tokenizer = load_tokenizer(config.tokenizer, config.separator)
    plans = ShardPlans(datasets, tokenizer, config, keep=config.lanes * len(datasets) + 32)
    ranks = [Planner(config, datasets, plans, rank=r, world_size=args.ranks) for r in range(args.ranks)]
    tally = Tally()
    began = time.process_time()
    while len(tally.per_step) < args.steps and not ranks[0].exhausted:
        steps = [planner.step() for planner in ranks]
        work = []
        for step in steps:
            tally.lanes.update(step.lanes)
            _count(tally, [p for pack in step.rows for p in pack], plans)
            tally.packs += len(step.rows)
            work.append(sum(p.patches for pack in step.rows for p in pack))
        tally.per_step.append(work)
    tally.cpu_s = time.process_time() - began
    tally.state_bytes = len(json.dumps(encode_lanes(shorten(tally.lanes, plans))))
    _report(args, config, tally, datasets)
    return 0


def _count(tally: Tally, pieces: list[Piece], plans: ShardPlans) -> None:
    """Add the pieces of a rank's step. It reads each JSON and each image of them once."""
    read: dict[tuple[int, int, int, int], int] = {}
    for piece in pieces:
        tally.tokens += piece.tokens
        tally.patches += piece.patches
        if piece.ends & FIRST:
            tally.begun.add((piece.dataset, piece.epoch, piece.shard, piece.row))
        plan = plans.plan(piece.dataset, piece.shard)
        assert plan is not None  # a lost shard is an error here
        where, first = (piece.dataset, piece.shard, piece.row), int(plan.index.node_start[piece.row])
        read[*where, -1] = int(plan.index.member_length[plan.index.member_start[piece.row]])
        entries = slice(piece.start_entry, piece.stop_entry + (piece.stop_token > 0))
        for node in plan.entry_node[entries][plan.entry_kind[entries] == Kind.IMAGE].tolist():
            read[*where, node] = int(plan.index.num_bytes[first + node])
    tally.read_bytes += sum(read.values())


def _report(args: argparse.Namespace, config: LoaderConfig, t: Tally, sources: Sequence[Dataset]) -> None:
    documents = sum(d.num_documents for d in sources)
    # Documents that lanes took, and what they gave, open bins included: all of them cost planning, some give nothing.
    at = [x for lane in t.lanes.values() for x in zip(sources, lane.epochs, lane.offsets, strict=True)]
    taken = sum(epoch * d.num_documents / config.lanes + offset for d, epoch, offset in at)
    held = [p for lane in t.lanes.values() for pack in (*lane.bins, *lane.ready) for p in pack]
    per_document = (t.tokens + sum(p.tokens for p in held)) / max(taken, 1)
    patches = (t.patches + sum(p.patches for p in held)) / max(taken, 1)
    useful = t.tokens / max(t.packs * config.seq_len, 1)
    spread = [max(w) / (sum(w) / len(w)) for w in t.per_step if sum(w)]
    seconds = documents * per_document / args.tokens_per_second
    rate = args.tokens_per_second * t.read_bytes / max(t.tokens, 1)
    shards = sum(len(d.shards) for d in sources)
    size = sum(s.num_bytes for d in sources for s in d.shards)
    largest = max((s.num_bytes for d in sources for s in d.shards), default=0)
    open_shards = min(config.lanes // args.ranks * len(sources) + 1, shards)
    say(f"{documents:,} documents, {shards} shards, {size / 1e9:,.2f} GB; {args.ranks} ranks, {len(t.per_step)} steps")
    begun = f"{t.packs:,} packs, {len(t.begun):,} documents begun"
    say(f"fill                {useful:.4f} of {config.seq_len} tokens; {begun}")
    say(f"a document          {per_document:,.0f} tokens, {patches:,.0f} patches")
    say(
        f"balance             rank with most patches over the mean: {max(spread, default=1.0):.2f} at worst, "
        f"{sum(spread) / max(len(spread), 1):.2f} in the mean; patches a step and rank (min / median / max): "
        f"{quantiles([w for step in t.per_step for w in step])}"
    )
    say(
        f"an epoch            {seconds / 3600:,.2f} h at {args.tokens_per_second:,.0f} tokens a second, "
        f"{documents * per_document / (config.batch_size * config.seq_len * max(useful, 1e-9)):,.0f} steps"
    )
    say(f"reading             {rate / 1e6:,.1f} MB a second over all ranks")
    say(f"cache               {open_shards} open shards a rank: {open_shards * largest / 1e9:,.2f} GB if remote")
    say(f"state               {t.state_bytes:,} bytes for {len(t.lanes)} lanes")
    say(f"planning            {t.cpu_s / max(taken, 1) * 1e6:,.1f} microseconds of CPU a document, indexes read")
