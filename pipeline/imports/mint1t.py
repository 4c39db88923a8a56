"""MINT-1T's tars (PDF and ArXiv parts): `KEY.json` beside `KEY.tiff`, whose frames are the images of the document.

`images` names an image or is null, `texts` the other way round; the frames stand in the order of the names (the data
card warns that images of one page may have changed places; arXiv:2406.11271). The hashes in `image_metadata` were taken
before the images became TIFF and match nothing, so they are not looked at. A frame becomes a PNG, losslessly.
"""

from __future__ import annotations

import gzip
import io
import json
import tarfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from PIL import Image, UnidentifiedImageError

from pipeline.imports.corpus import Imported, Rejected, own_address

MAX_PIXELS = 100_000_000
"""Of one frame; `fetch.max_pixels` judges again."""
MAX_MEMBER = 1 << 30
_END = 1_024
"""Bytes of zeros that end a tar."""
_AS_PNG = frozenset(("1", "L", "LA", "P", "RGB", "RGBA", "I;16"))


def documents(source: Path) -> Iterator[Imported | Rejected]:
    """The documents of a tar."""
    held: dict[str, bytes] = {}
    key = ""
    try:
        with _opened(source) as file, tarfile.open(fileobj=file, mode="r|") as tar:
            for member in tar:
                name, _, kind = member.name.rpartition("/")[2].partition(".")
                if name != key and held:
                    yield _document(f"{source.name} {key}", held)
                    held = {}
                key = name
                if member.isfile() and kind in ("json", "tiff", "tif") and member.size <= MAX_MEMBER:
                    held[kind[:4]] = tar.extractfile(member).read()  # type: ignore[union-attr]
            if not file.ends():
                raise tarfile.ReadError("it has no end")
    except (tarfile.TarError, OSError, EOFError) as error:
        yield Rejected(f"{source.name} {key}", f"the tar cannot be read to its end: {error}")
        return
    if held:
        yield _document(f"{source.name} {key}", held)


class _Tail:
    """A file read once, front to back, whose last bytes are remembered."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self._last = file, b""

    def read(self, size: int) -> bytes:
        data = self._file.read(size)
        self._last = (self._last + data)[-_END:]
        return data

    def ends(self) -> bool:
        """Whether the rest of the file ends as a tar does."""
        while self.read(1 << 20):
            pass
        return self._last == bytes(_END)


@contextmanager
def _opened(source: Path) -> Iterator[Any]:
    with gzip.open(source, "rb") if source.suffix == ".gz" else source.open("rb") as file:
        yield _Tail(file)  # type: ignore[arg-type]


def _document(where: str, held: dict[str, bytes]) -> Imported | Rejected:
    if "json" not in held:
        return Rejected(where, "images without their document")
    try:
        told = json.loads(held["json"])
        url, texts, images = told["url"], told["texts"], told["images"]
        if not isinstance(url, str) or len(texts) != len(images):
            raise ValueError(f"{len(texts)} texts beside {len(images)} images")
    except (ValueError, KeyError, TypeError) as error:
        return Rejected(where, f"no document of MINT-1T: {type(error).__name__}: {error}")
    frames = _frames(held.get("tiff") or held.get("tif") or b"", sum(image is not None for image in images))
    made = Imported(url=url, nodes=[])
    for text, image in zip(texts, images, strict=True):
        if image is not None:
            data = next(frames, None)
            if data is None:
                made.missing.append(str(image))
            else:
                address = own_address(data)
                made.images[address] = data
                made.nodes.append({"image_url": address})
        if isinstance(text, str) and text.strip():
            made.nodes.extend({"text": part.strip()} for part in text.split("\n\n") if part.strip())
    return made


def _frames(data: bytes, count: int) -> Iterator[bytes | None]:
    """The frames as PNG; None for one that cannot be read, nothing behind the last."""
    if not data:
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow warns of a cut file before it raises
        try:
            tiff: Any = Image.open(io.BytesIO(data), formats=("TIFF",))
        except (UnidentifiedImageError, OSError, ValueError):
            return
        with tiff:
            for number in range(count):
                try:
                    tiff.seek(number)
                except (EOFError, OSError, ValueError):
                    return
                yield _png(tiff)


def _png(frame: Image.Image) -> bytes | None:
    if frame.width * frame.height > MAX_PIXELS:
        return None
    out = io.BytesIO()
    try:
        picture = frame if frame.mode in _AS_PNG else frame.convert("RGB")
        picture.save(out, "PNG", compress_level=1)
    except (OSError, ValueError, SyntaxError):
        return None
    return out.getvalue()
