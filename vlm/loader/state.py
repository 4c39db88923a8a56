"""The state of a run: small, exact, checked by name.

A state is a dictionary of JSON values. It holds the number of slots that the consumer has seen, the facts on which the
stream depends, and the lanes: their runs (`runs.py`) column by column, deflated: most of a column repeats
(240 lanes of 32 bins stay well under 1 MB).

With several ranks each has the states of its own lanes; `merge_states` joins them, and any number of ranks can start
from the result.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Any

from vlm.loader.config import LoaderConfig
from vlm.loader.dataset import Dataset
from vlm.loader.errors import ResumeError
from vlm.loader.lanes import LaneState
from vlm.loader.runs import Run
from vlm.loader.tokenizers import Tokenizer

VERSION = 4


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
    changed = [name for name in sorted(known - permitted) if _value(saved, name) != _value(now, name)]
    if changed:
        lines = [f"  {name}: the state has {saved.get(name)!r}, this run {now.get(name)!r}" for name in changed]
        raise ResumeError("the stream would not go on as it began:\n" + "\n".join(lines))


def _value(those: Mapping[str, Any], name: str) -> Any:
    """What must be equal: of a tokenizer the fingerprint alone, wherever it lies."""
    return str(those.get(name)).rpartition(" ")[2] if name == "tokenizer" else those.get(name)


def encode_lanes(lanes: Mapping[int, LaneState[Run]]) -> str:
    """Lanes with runs as text."""
    heads, runs = [], []
    for number, s in sorted(lanes.items()):
        heads.append([number, *s[:6], [len(b) for b in s.bins], [len(b) for b in s.ready], s.done])
        runs += [run for pack in (*s.bins, *s.ready) for run in pack]
    columns = [tuple(column) for column in zip(*runs, strict=True)]
    return base64.b85encode(zlib.compress(json.dumps([heads, columns]).encode(), 9)).decode()


def decode_lanes(text: str) -> dict[int, LaneState[Run]]:
    """The reverse of `encode_lanes`. Raises ResumeError where the text is none of its."""
    try:
        heads, columns = json.loads(zlib.decompress(base64.b85decode(text)))
    except (ValueError, zlib.error) as error:
        raise ResumeError(f"the state is damaged: {error}") from error
    runs = map(Run._make, zip(*columns, strict=True))
    lanes = {}
    for number, packs, epochs, offsets, phase, served, idle, *lengths, done in heads:
        bins, ready = (tuple(tuple(islice(runs, n)) for n in one) for one in lengths)
        at = tuple(epochs), tuple(offsets), phase, tuple(served), tuple(idle)
        lanes[number] = LaneState(packs, *at, bins, ready, done)
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
