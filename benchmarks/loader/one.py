"""One measurement of one loader, in its own environment; prints a line of JSON. Called by compare.py.

    one.py LOADER MODE DATA FOLDER SECONDS

LOADER: weft, webdataset, megatron-energon, mosaicml-streaming, litdata. MODE: prepare, null (one process, CPU time),
step (two workers, a step of 20 ms a row), bytes (one process, members only, CPU time). DATA is the folder of shards,
FOLDER where a peer keeps its own format.
Every loader gets the same decode function (Pillow to 384 px) and the same tokens (bytes; 66 for an image). In null and
step peers are used as usual: a document a row, padded or cut to 2,048 tokens; images behind the cut are not decoded.
For the packed row compare.py gives peers shards whose documents are our packs, so that their rows are as full as ours.
"""

from __future__ import annotations

import io
import itertools
import json
import os
import pickle
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

LENGTH, IMAGE, SIDE, ROWS = 2048, 66, 384, 8
Row = tuple[np.ndarray, list[np.ndarray], int]


def decode(data: bytes | memoryview) -> np.ndarray:
    """The one decode function: uint8 (384, 384, 3)."""
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image.convert("RGB").resize((SIDE, SIDE), Image.Resampling.BICUBIC))


def row(raw: bytes, images: list[bytes]) -> Row:
    """(tokens padded to LENGTH, decoded images, useful tokens) of a document."""
    document, tokens, out, k = json.loads(bytes(raw)), np.full(LENGTH, 258, np.int64), [], 0
    at = 0
    for text in document["texts"]:
        if at >= LENGTH:
            break
        if text is None:
            ids = np.full(IMAGE, 259, np.int64)
            out.append(decode(images[k]))
            k += 1
        else:
            ids = np.frombuffer(text.encode() + b"\n\n", np.uint8).astype(np.int64)
        ids = ids[: LENGTH - at]
        tokens[at : at + len(ids)] = ids
        at += len(ids)
    return tokens, out, at


def collate(rows: list[Row]) -> tuple[np.ndarray, np.ndarray, int]:
    """A batch: tokens, pixels, useful tokens."""
    pixels = [p for r in rows for p in r[1]]
    return (
        np.stack([r[0] for r in rows]),
        np.stack(pixels) if pixels else np.zeros((0, SIDE, SIDE, 3), np.uint8),
        sum(r[2] for r in rows),
    )


def count_bytes(sample: Any) -> tuple[int, int]:
    """(bytes, documents) of a sample of bytes."""
    return sum(len(v) for v in sample), 1


def by_extension(sample: Any) -> tuple[bytes, list[bytes]]:
    """(JSON, images in order) of a sample that is a dictionary by extension."""
    return sample["json"], [sample[k] for k in sorted(k for k in sample if k.endswith(".jpg"))]


def of_webdataset(data: str, _: str) -> Any:
    """Plain webdataset over the tars."""
    import webdataset as wds

    urls = sorted(str(p) for p in Path(data).glob("*.tar"))
    return wds.WebDataset(urls, shardshuffle=False, empty_check=False).repeat(), by_extension


def of_energon(_: str, folder: str, workers: int = 0) -> Any:
    """Megatron-Energon's crude samples, as its `prepare` made them readable; with workers, rows in batches: its loader
    starts workers of its own, so decoding and batching go into its task encoder.
    """
    import megatron.energon as energon

    @energon.stateless
    def raw(sample: dict[str, Any]) -> Any:
        return sample

    class Encoder(energon.DefaultTaskEncoder):  # type: ignore[misc]
        decoder = None
        cookers = (energon.Cooker(raw),)

        def __init__(self) -> None:
            super().__init__(raw_batch_type=None, encoded_sample_type=None, batch_type=None)

        def encode_sample(self, sample: Any) -> Any:
            return row(*by_extension(sample)) if workers else sample

        def batch(self, samples: list[Any]) -> Any:
            return collate(samples)

    dataset = energon.get_train_dataset(
        folder,
        worker_config=energon.WorkerConfig(rank=0, world_size=1, num_workers=workers),
        batch_size=ROWS if workers else None,
        shuffle_buffer_size=None,
        max_samples_per_sequence=None,
        task_encoder=Encoder(),
    )
    return energon.get_loader(dataset), by_extension


def of_streaming(_: str, folder: str) -> Any:
    """MDS shards, made before."""
    from streaming import StreamingDataset
    from streaming.base.util import clean_stale_shared_memory

    clean_stale_shared_memory()  # what a run before left behind makes the next one fail

    class Forever(StreamingDataset):
        def __iter__(self) -> Iterator[Any]:
            while True:
                yield from super().__iter__()

    return Forever(local=folder, shuffle=True, batch_size=ROWS, allow_unsafe_types=True), lambda s: (
        s["json"],
        s["images"],
    )


def of_litdata(_: str, folder: str) -> Any:
    """LitData chunks, made before."""
    import litdata

    class Forever(litdata.StreamingDataset):
        def __iter__(self) -> Iterator[Any]:
            while True:
                it = super().__iter__()
                yield from _until(it)

    return Forever(folder, shuffle=True), lambda s: (s["json"], pickle.loads(s["images"]))


def _until(it: Any) -> Iterator[Any]:
    while True:
        try:
            yield next(it)
        except StopIteration:
            return


def samples(data: str) -> Iterator[dict[str, Any]]:
    """The documents of the tars, for conversion."""
    dataset, pick = of_webdataset_once(data)
    for sample in dataset:
        raw, images = pick(sample)
        yield {"json": raw, "images": images}


def of_webdataset_once(data: str) -> Any:
    """As plain tar members, without any package."""
    import tarfile

    def read() -> Iterator[list[bytes]]:
        for path in sorted(Path(data).glob("*.tar")):
            with tarfile.open(path) as tar:
                held: list[bytes] = []
                for member in tar:
                    if member.name.endswith(".json") and held:
                        yield held
                        held = []
                    file = tar.extractfile(member)
                    assert file is not None
                    held.append(file.read())
                if held:
                    yield held

    return read(), lambda s: (s[0], s[1:])


class Nth:
    """What litdata maps over numbers: the document of that number."""

    def __init__(self, data: str) -> None:
        self._data = data
        self._all: list[dict[str, Any]] = []

    def __call__(self, number: int) -> dict[str, Any]:
        """The document."""
        self._all = self._all or list(samples(self._data))
        sample = self._all[number]
        return {"json": sample["json"], "images": pickle.dumps(sample["images"])}


def prepare(name: str, data: str, folder: str) -> None:
    """Convert, where the loader needs it."""
    if name == "megatron-energon":
        Path(folder).mkdir(parents=True)
        for tar in sorted(Path(data).glob("*.tar")):
            os.link(tar, Path(folder) / tar.name)
        tool = str(Path(sys.executable).parent / "energon")
        options = [
            "--non-interactive",
            "--split-parts",
            "train:.*",
            "--sample-type",
            "CrudeWebdataset",
            "--no-progress",
        ]
        subprocess.run([tool, "prepare", folder, *options], check=True, stdout=subprocess.DEVNULL)
    elif name == "mosaicml-streaming":
        from streaming import MDSWriter

        with MDSWriter(out=folder, columns={"json": "bytes", "images": "pkl"}, size_limit=64 << 20) as out:
            for sample in samples(data):
                out.write(sample)
    elif name == "litdata":
        import litdata

        numbers = list(range(sum(1 for _ in samples(data))))
        litdata.optimize(Nth(data), numbers, output_dir=folder, chunk_bytes="64MB", num_workers=1)


PEERS: dict[str, Callable[[str, str], Any]] = {
    "webdataset": of_webdataset,
    "megatron-energon": of_energon,
    "mosaicml-streaming": of_streaming,
    "litdata": of_litdata,
}


def weft(mode: str, data: str) -> Iterator[tuple[int, int, int]]:
    """(useful tokens, rows, images) of each batch of ours; the decode function in place of ours."""
    sys.path.insert(0, str(Path(__file__).parents[2]))
    import torch

    from vlm.loader import ImageConfig, Loader, LoaderConfig
    from vlm.loader.finish import CpuFinisher

    class Same(CpuFinisher):
        def finish(self, host: Any) -> Any:
            pixels = [decode(b) for b in host.blobs if b is not None]
            stacked = np.stack(pixels) if pixels else np.zeros((0, SIDE, SIDE, 3), np.uint8)
            return host.finish(torch.from_numpy(stacked))

    config = LoaderConfig(
        datasets=(data,),
        batch_size=ROWS,
        seq_len=LENGTH,
        lanes=ROWS,
        image=ImageConfig(size=SIDE, patch=16),
        threads=0 if mode == "null" else 2,
    )
    loader = Loader(config)
    loader._finisher = Same(config, loader.decoder)
    for batch in loader:
        yield batch.useful_tokens, ROWS, len(batch.image_ok)


def weft_bytes(data: str) -> Iterator[tuple[int, int, int]]:
    """(bytes, documents, 0) of our plain ranges, checksums verified."""
    sys.path.insert(0, str(Path(__file__).parents[2]))
    from vlm.loader import read_documents

    while True:
        for document in read_documents(data):
            yield sum(map(len, document.images.values())), 1, len(document.images)


def peer(name: str, mode: str, data: str, folder: str) -> Iterator[tuple[int, int, int]]:
    """(useful tokens, rows, images) of each batch of a peer, or (bytes, documents, images) of each sample."""
    import torch
    from torch.utils.data import DataLoader

    class Rows(torch.utils.data.IterableDataset):  # type: ignore[type-arg]
        def __init__(self, dataset: Any, pick: Callable[[Any], Any]) -> None:
            self.dataset, self.pick = dataset, pick

        def __iter__(self) -> Iterator[Any]:
            for sample in self.dataset:
                yield row(*self.pick(sample)) if mode != "bytes" else self.pick(sample)

    if name == "megatron-energon" and mode == "step":
        for _, pixels, useful in of_energon(data, folder, workers=2)[0]:
            yield useful, ROWS, len(pixels)
    dataset, pick = PEERS[name](data, folder)
    rows = Rows(dataset, pick)
    if mode == "bytes":
        for raw, images in rows:
            yield len(raw) + sum(map(len, images)), 1, len(images)
    workers = 0 if mode == "null" else 2
    for _, pixels, useful in DataLoader(rows, batch_size=ROWS, collate_fn=collate, num_workers=workers):
        yield useful, ROWS, len(pixels)


def main() -> None:
    """Measure and print."""
    name, mode, data, folder, seconds = sys.argv[1:]
    if mode == "prepare":
        began = time.perf_counter()
        prepare(name, data, folder)
        print(json.dumps({"seconds": time.perf_counter() - began}))
        return
    began = time.perf_counter()
    if name == "weft":
        source = weft_bytes(data) if mode == "bytes" else weft(mode, data)
    else:
        source = peer(name, mode, data, folder)
    for _ in itertools.islice(source, 2 if mode != "bytes" else 50):  # until it is warm
        pass
    first = time.perf_counter() - began
    useful = rows = images = 0
    start, cpu = time.perf_counter(), time.process_time()
    while time.perf_counter() - start < float(seconds):
        u, r, i = next(source)
        useful, rows, images = useful + u, rows + r, images + i
        if mode == "step":
            time.sleep(0.020 * r)
    wall, spent = time.perf_counter() - start, time.process_time() - cpu
    facts = {"useful": useful, "rows": rows, "images": images, "wall_s": wall, "cpu_s": spent, "first_s": first}
    print(json.dumps(facts), flush=True)
    import multiprocessing

    for worker in multiprocessing.active_children():
        worker.kill()  # else they live on and hold the pipe of who called
    os._exit(0)  # workers that prefetch for ever are no part of the measurement


if __name__ == "__main__":
    main()
