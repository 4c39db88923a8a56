"""The state of a run: small, exact, checked by name.

A state is a dictionary of JSON values. It holds the number of slots that the consumer has seen, the facts on which the
stream depends, and the lanes: their runs (`runs.py`) as columns of integers, byte-shuffled and deflated, because most
of them repeat within a lane (240 lanes of 32 bins stay well under 1 MB).

With several ranks each has the states of its own lanes; `merge_states` joins them, and any number of ranks can start
from the result.
"""

from __future__ import annotations

import base64
import zlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from vlm.loader.config import LoaderConfig
from vlm.loader.dataset import Dataset
from vlm.loader.errors import ResumeError
from vlm.loader.lanes import LaneState
from vlm.loader.runs import Run
from vlm.loader.tokenizers import Tokenizer

VERSION = 3
_FIELDS = len(Run._fields)


def facts(config: LoaderConfig, datasets: Sequence[Dataset], tokenizer: Tokenizer) -> dict[str, Any]:
    """What the stream depends on, by name."""
    return {
        "version": VERSION,
        **config.planning_facts(),
        "tokenizer": f"{tokenizer.name} {tokenizer.fingerprint}",
        "manifest": [d.fingerprint for d in datasets],
    }


def check_facts(saved: Mapping[str, Any], now: Mapping[str, Any], allow: Iterable[str] = ()) -> None:
    """Raise ResumeError, naming what differs with both values, unless the state fits."""
    permitted = set(allow)
    wrong = permitted & {"version", "lanes", "manifest", "image", "tokenizer", "seq_len", "patch_budget", "view"}
    if wrong:
        raise ResumeError(f"these cannot change within a run, allowed or not: {sorted(wrong)}")
    known = saved.keys() | now.keys()
    changed = [name for name in sorted(known - permitted) if saved.get(name) != now.get(name)]
    if changed:
        lines = [f"  {name}: the state has {saved.get(name)!r}, this run {now.get(name)!r}" for name in changed]
        raise ResumeError("the stream would not go on as it began:\n" + "\n".join(lines))


def encode_lanes(lanes: Mapping[int, LaneState[Run]]) -> str:
    """Lanes with runs as text."""
    heads: list[int] = []
    runs: list[Run] = []
    for number, s in sorted(lanes.items()):
        heads += [number, s.packs, s.phase, s.done, len(s.epochs), *s.epochs, *s.offsets, *s.served, *s.idle]
        for packs in (s.bins, s.ready):
            heads += [len(packs), *(len(p) for p in packs)]
            runs += [run for pack in packs for run in pack]
    head = np.array(heads, "<i8")
    table = np.array(runs, "<i4").reshape(-1, _FIELDS)
    # column by column, and within a column low bytes first: what repeats then stands together
    shuffled = np.ascontiguousarray(table.T).view(np.uint8).reshape(_FIELDS, -1, 4).transpose(0, 2, 1)
    raw = np.array([len(head)], "<i8").tobytes() + head.tobytes() + np.ascontiguousarray(shuffled).tobytes()
    return base64.b85encode(zlib.compress(raw, 6)).decode()


def decode_lanes(text: str) -> dict[int, LaneState[Run]]:
    """The reverse of `encode_lanes`. Raises ResumeError where the text is none of its."""
    try:
        raw = zlib.decompress(base64.b85decode(text))
        (count,) = np.frombuffer(raw, "<i8", 1).tolist()
        heads = iter(np.frombuffer(raw, "<i8", count, 8).tolist())
        body = np.frombuffer(raw, np.uint8, offset=8 + 8 * count).reshape(_FIELDS, 4, -1)
        columns = np.ascontiguousarray(body.transpose(0, 2, 1)).view("<i4").reshape(_FIELDS, -1)
        runs = iter([Run(*row) for row in columns.T.tolist()])
    except (ValueError, zlib.error) as error:
        raise ResumeError(f"the state is damaged: {error}") from error

    def take(n: int) -> tuple[int, ...]:
        return tuple(next(heads) for _ in range(n))

    def packs() -> tuple[tuple[Run, ...], ...]:
        (n,) = take(1)
        lengths = take(n)
        return tuple(tuple(next(runs) for _ in range(m)) for m in lengths)

    lanes = {}
    for number in heads:
        count, phase, done, n = take(4)
        epochs, offsets, served, idle = take(n), take(n), take(n), take(n)
        lanes[number] = LaneState(count, epochs, offsets, phase, served, idle, packs(), packs(), bool(done))
    return lanes


def merge_states(states: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """One state out of those of all ranks, taken after the same step. Raises ResumeError where they do not fit."""
    if not states:
        raise ResumeError("no states to merge")
    first = states[0]
    lanes: dict[int, LaneState[Run]] = {}
    shards: dict[str, set[tuple[int, int]]] = {"skipped": set(), "lost": set()}
    faults: Counter[str] = Counter()
    for state in states:
        check_facts(state["facts"], first["facts"])
        if state["cursor"] != first["cursor"]:
            raise ResumeError(f"states of different steps: slot {first['cursor']} and slot {state['cursor']}")
        lanes |= decode_lanes(state["lanes"])
        faults.update(state["faults"])
        for name, found in shards.items():
            found |= {(d, s) for d, s in state[name]}
    named = {name: sorted([d, s] for d, s in found) for name, found in shards.items()}
    counts = {"faults": dict(sorted(faults.items())), "items": sum(state["items"] for state in states)}
    return {**first, "lanes": encode_lanes(lanes), **named, **counts}
