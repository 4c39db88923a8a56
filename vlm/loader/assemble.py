"""From the plan of a step to host memory: read ranges, check, parse, tokenise, lay out. Runs in many threads at once.

Nothing here can change the packing: a member that is not what the index promised becomes placeholders of the planned
number of tokens and patches, and a `Fault`.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from vlm.loader.batch import Batch, target_mask
from vlm.loader.config import LoaderConfig
from vlm.loader.dataset import Dataset, ShardIndex
from vlm.loader.documents import parse, read_members
from vlm.loader.errors import ShardLost
from vlm.loader.faults import Fault, FaultKind
from vlm.loader.geometry import Job, jobs
from vlm.loader.images import MAX_PIXELS, image_size
from vlm.loader.pack import FIRST, LAST, Piece
from vlm.loader.plan import ShardPlans, StepPlan
from vlm.loader.tokenizers import Ids, Tokenizer
from vlm.loader.views import Kind, ShardPlan

TEXT, IMAGE, ALT = int(Kind.TEXT), int(Kind.IMAGE), int(Kind.ALT)  # an attribute of an enum costs a call

Where = tuple[int, int, int]
"""(dataset, shard, number): of a document its row, of a member or an entry its place among all of the shard."""
Bytes = memoryview | Fault
Parsed = dict[str, Any] | Fault


@dataclass(slots=True)
class _Found:
    """What the pieces of a step are made of, or what is wrong with it."""

    shards: dict[tuple[int, int], ShardPlan]
    members: dict[Where, Bytes] = field(default_factory=dict)
    documents: dict[Where, Parsed] = field(default_factory=dict)
    texts: dict[Where, Ids] = field(default_factory=dict)

    def of(self, piece: Piece) -> tuple[ShardPlan, Parsed]:
        """The plan of its shard, and its document."""
        return self.shards[piece.dataset, piece.shard], self.documents[piece.dataset, piece.shard, piece.row]


@dataclass(slots=True)
class HostBatch:
    """A batch whose images are not decoded yet."""

    plan: StepPlan
    arrays: dict[str, npt.NDArray[Any]]
    keys: list[str] = field(default_factory=list)
    outcomes: list[Fault | None] = field(default_factory=list)
    """Of every document and image in order; images may still fail when they are decoded."""
    blobs: list[memoryview | None] = field(default_factory=list)
    image_outcome: list[int] = field(default_factory=list)
    """For each image its place in `outcomes`."""
    image_where: list[tuple[str, str, str]] = field(default_factory=list)
    """For each image shard, key and member."""
    jobs: list[Job] = field(default_factory=list)
    segments: list[tuple[int, ...]] = field(default_factory=list)

    def fail(self, image: int, kind: FaultKind, detail: str = "") -> None:
        """Make an image a placeholder."""
        self.blobs[image] = None
        self.outcomes[self.image_outcome[image]] = Fault(kind, *self.image_where[image], detail)

    def finish(self, patches: torch.Tensor) -> Batch:
        """The batch, with the patches of its images; tensors stay where they are (host)."""
        a = self.arrays
        ok = np.array([self.outcomes[i] is None for i in self.image_outcome], bool)
        bad = (a["image_index"] >= 0) & ~np.append(ok, True)[a["image_index"]]
        a["valid"] &= ~bad
        flat = {name: torch.from_numpy(values) for name, values in a.items()}
        rows, length = a["tokens"].shape
        borders = self._borders(rows, length)
        grids = [(j.grid_height, j.grid_width) for j in self.jobs for _ in range(j.crops)]
        sizes = np.array([h * w for h, w in grids], np.int64)
        return Batch(
            **flat,
            cu_seqlens=torch.from_numpy(borders.astype(np.int32)),
            max_seqlen=int(np.diff(borders).max()) if len(borders) > 1 else 0,
            patches=patches,
            grids=torch.tensor(grids, dtype=torch.int32).reshape(-1, 2),
            cu_patches=torch.from_numpy(np.concatenate([[0], np.cumsum(sizes)]).astype(np.int32)),
            grid_image=torch.tensor([j.image for j in self.jobs for _ in range(j.crops)], dtype=torch.int32),
            image_ok=torch.from_numpy(ok),
            sources=torch.tensor(self.segments, dtype=torch.int64).reshape(-1, 8),
            keys=tuple(self.keys),
            faults=tuple(f for f in self.outcomes if f is not None),
            step=self.plan.step,
            useful_tokens=sum(s[2] for s in self.segments),
            num_targets=int(target_mask(flat["loss_mask"], flat["valid"]).sum()),
        )

    def _borders(self, rows: int, length: int) -> npt.NDArray[np.int64]:
        starts = [s[0] * length + s[1] for s in self.segments]
        ends = [s[0] * length + s[1] + s[2] for s in self.segments]
        return np.unique(np.array([0, rows * length, *starts, *ends, *range(0, rows * length, length)], np.int64))


class Assembler:
    """Makes host batches; holds no state that changes."""

    def __init__(
        self, config: LoaderConfig, datasets: Sequence[Dataset], plans: ShardPlans, tokenizer: Tokenizer
    ) -> None:
        """Threads may share it."""
        self._config, self._datasets, self._plans, self._tokenizer = config, datasets, plans, tokenizer
        self._special = tokenizer.specials

    def assemble(self, plan: StepPlan) -> HostBatch:
        """The rows of a step, images as bytes. Raises ShardLost where that is an error."""
        host = HostBatch(plan, _empty(len(plan.rows), self._config.seq_len, self._special.pad))
        found = self._read([piece for pack in plan.rows for piece in pack])
        for row, pack in enumerate(plan.rows):
            at = 0
            for piece in pack:
                self._segment(host, row, at, piece, found)
                at += piece.tokens
        return host

    def _read(self, pieces: Sequence[Piece]) -> _Found:
        found = _Found({where: self._plan(*where) for where in sorted({(p.dataset, p.shard) for p in pieces})})
        wanted: dict[tuple[int, int], set[int]] = {where: set() for where in found.shards}
        for p in pieces:
            of, want = found.shards[p.dataset, p.shard], wanted[p.dataset, p.shard]
            want.add(int(of.index.member_start[p.row]))
            want.update(_member(of, p.row, e) for e in _entries(p) if of.entry_kind[e] == IMAGE)
        for (dataset, shard), members in wanted.items():
            found.members |= self._read_shard(dataset, shard, found.shards[dataset, shard], sorted(members))
        for p in pieces:
            where, index = (p.dataset, p.shard, p.row), found.shards[p.dataset, p.shard].index
            if where not in found.documents:
                data = found.members[p.dataset, p.shard, int(index.member_start[p.row])]
                found.documents[where] = self._parse(p, index, data)
        found.texts = self._encode(pieces, found)
        return found

    def _plan(self, dataset: int, shard: int) -> ShardPlan:
        made = self._plans.plan(dataset, shard)
        if made is None:
            raise ShardLost(f"{self._datasets[dataset].shards[shard].index_name} was there when it was planned from")
        return made

    def _read_shard(self, dataset: int, shard: int, plan: ShardPlan, members: list[int]) -> dict[Where, Bytes]:
        source, index = self._datasets[dataset], plan.index
        name = source.shards[shard].name
        blocks: Sequence[memoryview | None] = [None] * len(members)
        kind = FaultKind.LOST
        if (dataset, shard) not in self._plans.lost:
            try:
                blocks, kind = read_members(source, shard, index, members), FaultKind.CHECKSUM
            except ShardLost as error:
                self._plans.lose(self._plans.lost, (dataset, shard), error)
        if None in blocks and members:  # damaged, or another dataset lies there now?
            with suppress(ShardLost):
                source.check_unchanged()
        out: dict[Where, Bytes] = {}
        for member, block in zip(members, blocks, strict=True):
            row = int(np.searchsorted(index.member_start, member, side="right")) - 1
            number = member - int(index.member_start[row])
            label = "json" if number == 0 else f"{number - 1:03d}"
            good = Fault(kind, name, index.keys[row], label) if block is None else block
            out[dataset, shard, member] = good
        return out

    def _parse(self, piece: Piece, index: ShardIndex, data: Bytes) -> Parsed:
        if isinstance(data, Fault):
            return data
        try:
            return parse(bytes(data), index, piece.row)
        except ValueError as error:
            name = self._datasets[piece.dataset].shards[piece.shard].name
            return Fault(FaultKind.JSON, name, index.keys[piece.row], "json", str(error)[:200])

    def _encode(self, pieces: Sequence[Piece], found: _Found) -> dict[Where, Ids]:
        wanted: dict[Where, str] = {}
        for piece in pieces:
            of, document = found.of(piece)
            if isinstance(document, Fault):
                continue
            for entry in _entries(piece):
                kind, node = int(of.entry_kind[entry]), int(of.entry_node[entry])
                if kind == TEXT:
                    text = document["texts"][node]
                elif kind != IMAGE:
                    text = document["metadata"][node].get("alt" if kind == ALT else "caption")
                else:
                    continue
                wanted[piece.dataset, piece.shard, entry] = text if isinstance(text, str) else ""
        try:
            return dict(zip(wanted, self._tokenizer.encode(list(wanted.values())), strict=True))
        except UnicodeEncodeError:  # a lone surrogate somewhere: one by one, so that it costs its own text only
            return {where: self._encode_one(text) for where, text in wanted.items()}

    def _encode_one(self, text: str) -> Ids:
        try:
            return self._tokenizer.encode([text])[0]
        except UnicodeEncodeError:
            return np.zeros(0, np.int32)

    def _segment(self, host: HostBatch, row: int, start: int, piece: Piece, found: _Found) -> None:
        """Lay out one piece."""
        a, number, stop = host.arrays, len(host.segments), start + piece.tokens
        plan, document = found.of(piece)
        fault = document if isinstance(document, Fault) else None
        at = start
        if piece.ends & FIRST:
            a["tokens"][row, at] = self._special.bos
            at += 1
        place = len(host.outcomes)
        host.outcomes.append(fault)
        for entry in _entries(piece):
            tokens, skip = _span(piece, plan, entry)
            if plan.entry_kind[entry] == IMAGE:
                data = found.members[piece.dataset, piece.shard, _member(plan, piece.row, entry)]
                self._image(host, row, at, piece, plan, entry, fault or data)
            elif fault is None:
                ids = found.texts[piece.dataset, piece.shard, entry]
                if len(ids) == plan.entry_tokens[entry]:
                    a["tokens"][row, at : at + tokens] = ids[skip : skip + tokens]
                    a["loss_mask"][row, at : at + tokens] = True
                    a["valid"][row, at : at + tokens] = True
                else:
                    detail = f"node {plan.entry_node[entry]}: {len(ids)} tokens, planned {plan.entry_tokens[entry]}"
                    name = self._datasets[piece.dataset].shards[piece.shard].name
                    host.outcomes[place] = Fault(FaultKind.TEXT, name, plan.index.keys[piece.row], "json", detail)
            at += tokens
        if piece.ends & LAST:
            a["tokens"][row, at] = self._special.eos
            a["loss_mask"][row, at] = a["valid"][row, at] = fault is None
            at += 1
        assert at == stop, f"laid out {at - start} tokens, planned {piece.tokens}"
        if piece.ends & FIRST:
            a["valid"][row, start] = fault is None
        a["loss_mask"][row, start] = False
        a["positions"][row, start:stop] = np.arange(piece.tokens)
        a["document_ids"][row, start:stop] = number
        images = a["last_image"][row, start:stop]
        np.maximum.accumulate(images, out=images)
        host.keys.append(plan.index.keys[piece.row])
        where = (piece.dataset, piece.epoch, piece.shard, piece.row)
        host.segments.append((row, start, piece.tokens, *where, piece.ends))

    def _image(
        self, host: HostBatch, row: int, at: int, piece: Piece, plan: ShardPlan, entry: int, data: Bytes
    ) -> None:
        a, image, s = host.arrays, len(host.blobs), self._special
        tokens, marks = int(plan.entry_tokens[entry]), int(self._config.image.marks)
        node = int(plan.index.node_start[piece.row] + plan.entry_node[entry])
        width, height = int(plan.index.width[node]), int(plan.index.height[node])
        a["tokens"][row, at : at + tokens] = s.image
        if marks:
            a["tokens"][row, at], a["tokens"][row, at + tokens - 1] = s.image_start, s.image_end
        a["image_index"][row, at + marks : at + tokens - marks] = image
        a["last_image"][row, at] = image
        member = _member(plan, piece.row, entry)
        label = f"{member - int(plan.index.member_start[piece.row]) - 1:03d}"
        shard = self._datasets[piece.dataset].shards[piece.shard].name
        host.image_where.append((shard, plan.index.keys[piece.row], label))
        host.image_outcome.append(len(host.outcomes))
        host.jobs.extend(jobs(image, width, height, self._config.image))
        if isinstance(data, Fault):
            host.blobs.append(None)
            host.outcomes.append(data)
            return
        host.blobs.append(data)
        host.outcomes.append(None)
        a["valid"][row, at : at + tokens] = True
        size = image_size(data)
        if size is None:
            host.fail(image, FaultKind.DECODE, "no header")
        elif size != (width, height) or width * height > MAX_PIXELS:
            said = f"the index says {width}x{height}; at most {MAX_PIXELS:,} pixels"
            host.fail(image, FaultKind.SIZE, f"{size[0]}x{size[1]}, {said}")


def _entries(piece: Piece) -> range:
    return range(piece.start_entry, piece.stop_entry + (piece.stop_token > 0))


def _span(piece: Piece, plan: ShardPlan, entry: int) -> tuple[int, int]:
    """(tokens of the entry in this piece, tokens of it before the piece)."""
    skip = piece.start_token if entry == piece.start_entry else 0
    stop = piece.stop_token if entry == piece.stop_entry else int(plan.entry_tokens[entry])
    return stop - skip, skip


def _member(plan: ShardPlan, row: int, entry: int) -> int:
    """The member of an image entry: images stand in the tar in page order, after the JSON."""
    index = plan.index
    first = int(index.node_start[row])
    before = int(np.count_nonzero(index.is_image[first : first + int(plan.entry_node[entry])]))
    return int(index.member_start[row]) + 1 + before


def _empty(rows: int, length: int, pad: int) -> dict[str, npt.NDArray[Any]]:
    shape = (rows, length)
    return {
        "tokens": np.full(shape, pad, np.int64),
        "loss_mask": np.zeros(shape, bool),
        "valid": np.zeros(shape, bool),
        "positions": np.zeros(shape, np.int32),
        "document_ids": np.full(shape, -1, np.int32),
        "image_index": np.full(shape, -1, np.int32),
        "last_image": np.full(shape, -1, np.int32),
    }
