"""Bad members: each is masked, counted, logged with its place; too many stop the job.

The limits follow Megatron-Energon's (100 failures in a row) and add a share. Faults are accounted in the order of the
stream, so that the same run stops at the same place.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from vlm.loader.errors import TooManyFaults

log = logging.getLogger(__name__)

LEAST_ITEMS = 1000
"""The share is judged from this many items on: 1 bad image among the first 20 says nothing about the data."""


class FaultKind(StrEnum):
    """Why a placeholder stands in a batch."""

    CHECKSUM = "checksum"  # length or CRC32 differ from the index: a truncated or damaged tar, or another index
    JSON = "json"  # no JSON, or it breaks the schema, or its nodes are not the index's
    TEXT = "text"  # the text has another number of tokens than was planned
    DECODE = "decode"  # no decoder can read the image
    SIZE = "size"  # the image has other pixels than the index says
    LOST = "lost"  # the shard cannot be read, and `on_lost_shard` is `skip`


@dataclass(frozen=True, slots=True)
class Fault:
    """One bad member, and where it lies."""

    kind: FaultKind
    shard: str
    key: str
    member: str
    detail: str = ""

    def __str__(self) -> str:
        return f"{self.kind}: {self.shard} {self.key}.{self.member} {self.detail}".rstrip()


class FaultCounter:
    """Counts of a run, and the limits."""

    def __init__(self, *, max_share: float, max_in_row: int) -> None:
        """`max_share` of all items, judged from 1,000 items on; `max_in_row` bad ones without a good one between."""
        self._max_share, self._max_in_row = max_share, max_in_row
        self.items = 0
        self.by_kind: Counter[FaultKind] = Counter()
        self._in_row = 0

    def account(self, outcomes: Sequence[Fault | None]) -> None:
        """Count the items of a batch (documents and images), in order; None is a good one. Those of a lost shard are
        counted and logged, and no limit is held against them: `on_lost_shard` has decided.

        Raises TooManyFaults, naming the last fault, where a limit is passed.
        """
        for fault in outcomes:
            if fault is not None and fault.kind is FaultKind.LOST:
                self.by_kind[fault.kind] += 1
                log.info("masked %s", fault)
                continue
            self.items += 1
            if fault is None:
                self._in_row = 0
                continue
            self._in_row += 1
            self.by_kind[fault.kind] += 1
            log.warning("masked %s", fault)
            if self._in_row > self._max_in_row:
                raise TooManyFaults(f"{self._in_row} bad items in a row; the last: {fault}")
            total = self.by_kind.total() - self.by_kind[FaultKind.LOST]
            if self.items >= LEAST_ITEMS and total > self._max_share * self.items:
                kinds = {str(k): n for k, n in sorted(self.by_kind.items())}
                raise TooManyFaults(
                    f"{total} of {self.items} items are bad, over max_fault_share={self._max_share}: {kinds}; "
                    f"the last: {fault}"
                )
