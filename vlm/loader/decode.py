"""Which decoder turns JPEG bytes into pixels: tried in order, chosen once, logged.

The batch calls of the GPU libraries give all or nothing, so a batch that fails is halved until the guilty image is
found (about log2 n calls more), and that image alone is lost.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any, Protocol

import torch
from torch import Tensor
from torch.utils.dlpack import from_dlpack

from vlm.loader.errors import LoaderConfigError
from vlm.loader.images import decode_cpu

log = logging.getLogger(__name__)
BatchCall = Callable[[list[Tensor]], Sequence[Tensor | None]]

PROBE = bytes.fromhex(
    "ffd8ffe000104a46494600010100000100010000ffdb004300" + "01" * 64 + "ffc0000b080008000801011100"
    "ffc4001f0000010501010101010100000000000000000102030405060708090a0bffc400b5100002010303020403050504040000017d"
    "01020300041105122131410613516107227114328191a1082342b1c11552d1f02433627282090a161718191a25262728292a34353637"
    "38393a434445464748494a535455565758595a636465666768696a737475767778797a838485868788898a92939495969798999aa2a3"
    "a4a5a6a7a8a9aab2b3b4b5b6b7b8b9bac2c3c4c5c6c7c8c9cad2d3d4d5d6d7d8d9dae1e2e3e4e5e6e7e8e9eaf1f2f3f4f5f6f7f8f9fa"
    "ffda0008010100003f00fbd3ffd9"
)
"""A grey 8 x 8 baseline JPEG: whoever decodes it is there."""


class Decoder(Protocol):
    """Bytes in, pixels out."""

    name: str

    def decode(self, blobs: Sequence[Tensor | None]) -> list[Tensor | None]:
        """uint8 (3, H, W) RGB for each uint8 (n,) of encoded bytes; None where there are none or they are broken."""


class CpuDecoder:
    """One image at a time, in the thread that calls: torchvision's libjpeg, else Pillow."""

    name = "cpu"

    def __init__(self, device: torch.device | None = None) -> None:
        """`device` is where the pixels go."""
        self._device = device

    def decode(self, blobs: Sequence[Tensor | None]) -> list[Tensor | None]:
        """Pixels of each image."""
        out = [None if b is None else decode_cpu(b.numpy().data) for b in blobs]
        if self._device is None:
            return out
        return [None if p is None else p.contiguous().to(self._device, non_blocking=True) for p in out]


class BatchDecoder:
    """A library that decodes a list of JPEGs on the GPU; what it refuses goes to the CPU decoder."""

    def __init__(self, name: str, call: BatchCall, device: torch.device) -> None:
        """`call` gives the pixels of all images, or raises RuntimeError, or gives None for single ones."""
        self.name, self._call, self._rest = name, call, CpuDecoder(device)

    def decode(self, blobs: Sequence[Tensor | None]) -> list[Tensor | None]:
        """Pixels of each image, on the GPU."""
        out: list[Tensor | None] = [None] * len(blobs)
        jpegs = [i for i, b in enumerate(blobs) if b is not None and bytes(b[:2].numpy()) == b"\xff\xd8"]
        for i, image in zip(jpegs, self._bisect([blobs[i] for i in jpegs]), strict=True):  # type: ignore[misc]
            out[i] = image
        left = [i for i, b in enumerate(blobs) if b is not None and out[i] is None]
        for i, image in zip(left, self._rest.decode([blobs[i] for i in left]), strict=True):
            out[i] = image
        return out

    def _bisect(self, blobs: list[Tensor]) -> list[Tensor | None]:
        if not blobs:
            return []
        try:
            return [_rgb(image) for image in self._call(blobs)]
        except RuntimeError as error:
            if len(blobs) == 1:
                log.debug("%s refused an image: %s", self.name, error)
                return [None]
            half = len(blobs) // 2
            return self._bisect(blobs[:half]) + self._bisect(blobs[half:])


def _rgb(image: Tensor | None) -> Tensor | None:
    return image.expand(3, -1, -1) if image is not None and image.shape[0] == 1 else image


def _torchcodec(device: torch.device) -> BatchCall:
    decode: Any = import_module("torchcodec.decoders").decode_jpeg  # 0.16 or newer
    return lambda blobs: decode(blobs, device=device)


def _torchvision(device: torch.device) -> BatchCall:
    from torchvision.io import ImageReadMode, decode_jpeg

    return lambda blobs: decode_jpeg(blobs, mode=ImageReadMode.RGB, device=device)


def _nvimagecodec(device: torch.device) -> BatchCall:
    decoder: Any = import_module("nvidia.nvimgcodec").Decoder(device_id=device.index or 0)

    def call(blobs: list[Tensor]) -> list[Tensor | None]:
        stream = torch.cuda.current_stream(device).cuda_stream
        images = decoder.decode([b.numpy() for b in blobs], cuda_stream=stream)
        return [None if i is None else from_dlpack(i).permute(2, 0, 1) for i in images]

    return call


_LADDER: dict[str, Callable[[torch.device], BatchCall]] = {
    "torchcodec": _torchcodec,
    "torchvision": _torchvision,
    "nvimagecodec": _nvimagecodec,
}


def choose_decoder(wanted: str, device: torch.device) -> Decoder:
    """The first decoder of the ladder that decodes a known image on `device`; the CPU's where `device` is the CPU.

    Raises LoaderConfigError where a decoder was asked for by name and does not work here.
    """
    if device.type == "cpu" or wanted == "cpu":
        if wanted not in ("auto", "cpu"):
            raise LoaderConfigError(f"decoder={wanted!r} needs a CUDA device, not {device}")
        return CpuDecoder(None if device.type == "cpu" else device)
    why: dict[str, str] = {}
    for name in _LADDER if wanted == "auto" else (wanted,):
        try:
            decoder = BatchDecoder(name, _LADDER[name](device), device)
            probe: Any = decoder._call([torch.frombuffer(bytearray(PROBE), dtype=torch.uint8)])[0]
            if probe is not None and tuple(probe.shape[1:]) == (8, 8):
                log.info("JPEGs are decoded by %s on %s%s", name, device, f"; not by {why}" if why else "")
                return decoder
            why[name] = "gave nothing"
        except (ImportError, RuntimeError, AttributeError, TypeError, ValueError, OSError) as error:
            why[name] = f"{type(error).__name__}: {str(error)[:100]}"
    if wanted != "auto":
        raise LoaderConfigError(f"decoder={wanted!r} does not work here: {why[wanted]}")
    log.warning("JPEGs are decoded on the CPU: no GPU decoder works here: %s", why)
    return CpuDecoder(device)
