"""Models are loaded once a process, however many partitions it works on.

A Spark Python worker lives on between tasks (`spark.python.worker.reuse`), so a cache at module level is a
cache a worker. Keys are frozen configs: two configs that differ in any field are two models.

Loads can be counted: in this process by `count`, over all workers of a run by naming a file in
`WEFT_MODEL_LOADS`, to which each load appends one line, `name pid`.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Hashable
from pathlib import Path
from typing import Any, TypeVar

COUNT_FILE = "WEFT_MODEL_LOADS"
"""The environment variable that names the file of loads."""

ModelT = TypeVar("ModelT")

_models: dict[tuple[str, Hashable], Any] = {}
_counts: dict[str, int] = {}
_lock = threading.RLock()  # loading one model may ask for another: a head for its CLIP model


def once(name: str, key: Hashable, load: Callable[[], ModelT]) -> ModelT:
    """The model under this name and key, made by `load` the first time that this process asks for it."""
    with _lock:
        if (name, key) not in _models:
            _models[name, key] = load()
            _counts[name] = _counts.get(name, 0) + 1
            _note(name)
        model: ModelT = _models[name, key]
        return model


def count(name: str) -> int:
    """How many models of this name the process has loaded so far."""
    return _counts.get(name, 0)


def num_threads(workers: int, asked: int) -> int:
    """Threads of one of `workers` processes that share this machine: `asked`, or its part of the cores if that is 0.

    `workers` 0 stands for as many as there are cores.
    """
    if asked or workers == 0:
        return asked or 1
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, cores // workers)


def _note(name: str) -> None:
    path = os.environ.get(COUNT_FILE)
    if path:
        with Path(path).open("a", encoding="utf-8") as file:  # short appends do not mix
            file.write(f"{name} {os.getpid()}\n")
