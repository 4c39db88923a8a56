"""The last stage: bytes of images to patches on the device of the batch.

On the CPU this happens in the threads of the pool. On a GPU one background thread (the pump) owns a side stream: it
puts the bytes of a batch into one pinned slab, decodes, runs the kernel, copies the rest, and records an event; the
consumer's stream waits for the event, and never the host. The last batches are kept alive beside `record_stream`,
because a tensor that another stream still reads must not be given to a new one (the pattern of SPDL's
`transfer_tensor`).
"""

from __future__ import annotations

from collections import deque
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vlm.loader.assemble import HostBatch
from vlm.loader.batch import Batch
from vlm.loader.config import LoaderConfig
from vlm.loader.decode import Decoder
from vlm.loader.faults import FaultKind
from vlm.loader.images import resize_to_patches

RING = 4
"""Batches whose device memory is kept: two in the queue of a step, one in use, one to spare."""


def _check(host: HostBatch, pixels: list[Tensor | None]) -> None:
    """Make what did not decode a placeholder."""
    for i, (blob, image) in enumerate(zip(host.blobs, pixels, strict=True)):
        if blob is not None and image is None:
            host.fail(i, FaultKind.DECODE)


class CpuFinisher:
    """Decodes and resizes on the CPU."""

    in_pool = True

    def __init__(self, config: LoaderConfig, decoder: Decoder) -> None:
        """`decoder` gives pixels in host memory."""
        self._config, self._decoder, self._dtype = config, decoder, getattr(torch, config.dtype)

    def prepare(self, host: HostBatch) -> HostBatch:
        """Nothing more to do."""
        return host

    def finish(self, host: HostBatch) -> Batch:
        """The batch, in host memory."""
        blobs = [None if b is None else torch.frombuffer(b, dtype=torch.uint8) for b in host.blobs]
        pixels = self._decoder.decode(blobs)
        _check(host, pixels)
        patches = resize_to_patches(pixels, host.jobs, self._config.image, dtype=self._dtype, exact=False)
        return host.finish(patches)

    def hand_over(self, batch: Batch) -> Batch:
        """The batch as it is."""
        return batch


class CudaFinisher:
    """Decodes and resizes on a GPU, on a stream of its own."""

    in_pool = False

    def __init__(self, config: LoaderConfig, decoder: Decoder) -> None:
        """`decoder` gives pixels on the device."""
        self._config, self._decoder, self._dtype = config, decoder, getattr(torch, config.dtype)
        self._device = torch.device(config.device)
        self._stream = torch.cuda.Stream(self._device)  # type: ignore[no-untyped-call]
        self._events: dict[int, torch.cuda.Event] = {}
        self._ring: deque[tuple[Batch, list[Tensor]]] = deque(maxlen=RING + config.prefetch)

    def prepare(self, host: HostBatch) -> HostBatch:
        """Copy the bytes of all images into one pinned slab (in the pool: memory bandwidth, no GIL, no OpenMP)."""
        total = sum(len(b) for b in host.blobs if b is not None)
        slab = torch.empty(total, dtype=torch.uint8, pin_memory=True).numpy()
        at = 0
        for i, blob in enumerate(host.blobs):
            if blob is not None:
                part = slab[at : at + len(blob)]
                part[:] = np.frombuffer(blob, np.uint8)
                host.blobs[i] = part.data
                at += len(blob)
        return host

    def finish(self, host: HostBatch) -> Batch:
        """The batch on the device; its work may still be running."""
        from vlm.loader.kernel import resize_to_patches_triton

        with torch.cuda.device(self._device), torch.cuda.stream(self._stream):
            blobs = [None if b is None else torch.frombuffer(b, dtype=torch.uint8) for b in host.blobs]
            pixels = self._decoder.decode(blobs)
            _check(host, pixels)
            where: Any = {"dtype": self._dtype, "device": self._device}
            patches = resize_to_patches_triton(pixels, host.jobs, self._config.image, **where)
            nothing = torch.empty(0)
            batch = host.finish(nothing).pin_memory().to(self._device, non_blocking=True)
            object.__setattr__(batch, "patches", patches)
            event = torch.cuda.Event()  # type: ignore[no-untyped-call]
            event.record(self._stream)
        self._events[batch.step] = event
        self._ring.append((batch, [p for p in pixels if p is not None]))
        return batch

    def hand_over(self, batch: Batch) -> Batch:
        """The batch, with the consumer's stream made to wait for it; the host does not wait."""
        stream = torch.cuda.current_stream(self._device)
        stream.wait_event(self._events.pop(batch.step))
        for tensor in batch.tensors().values():
            tensor.record_stream(stream)
        return batch
