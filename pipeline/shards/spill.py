"""Documents that come in any order, put into the order of their keys on disk: a bucket for each first byte of the key.

Memory is one bucket; keys are hashes, so buckets are equally full. A key that comes twice is given once, its first.
"""

from __future__ import annotations

import pickle
import shutil
import struct
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from pipeline.shards.recut import Sample

_LENGTH = struct.Struct("<Q")


class Spill:
    """Use as a context manager: its files are gone afterwards."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / ".spill"
        self._files: dict[int, BinaryIO] = {}
        self.num_bytes = 0

    def __enter__(self) -> Spill:
        self._folder.mkdir()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for file in self._files.values():
            file.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def add(self, sample: Sample) -> None:
        """Keep a document."""
        number = int(sample.key[:2], 16)
        if number not in self._files:
            self._files[number] = (self._folder / f"{number:02x}").open("wb")
        data = pickle.dumps(sample, protocol=5)
        self._files[number].write(_LENGTH.pack(len(data)) + data)
        self.num_bytes += sample.num_bytes

    def __iter__(self) -> Iterator[Sample]:
        for number in sorted(self._files):
            self._files[number].close()
            held: dict[str, Sample] = {}
            with (self._folder / f"{number:02x}").open("rb") as file:
                while head := file.read(_LENGTH.size):
                    sample: Sample = pickle.loads(file.read(_LENGTH.unpack(head)[0]))
                    held.setdefault(sample.key, sample)
            for key in sorted(held):
                yield held[key]
