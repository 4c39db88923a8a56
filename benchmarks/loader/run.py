"""The table of the loader, every row beside its target: `python benchmarks/loader/run.py [--quick]`.

Writes `results.md` beside this file, with the table of the peers (`compare.py`) below. On a machine with a GPU its rows
are measured (`gpu.py`, which writes `gpu.json`); elsewhere they are those of the GPU and date that `gpu.json` names.
`--quick` sees that everything works: too little to quote, and nothing is written.
"""

from __future__ import annotations

import argparse
import datetime
import json
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from benchmarks.loader import compare, fill, guarantees
from benchmarks.loader.data import busy, index_only, writer

GPU = Path(__file__).with_name("gpu.json")
IMAGE_TOKENS = 64


class Row(NamedTuple):
    """A line of the table; `met` is None where there is no target."""

    what: str
    target: str
    measured: str
    met: bool | None

    def __str__(self) -> str:
        return f"| {self.what} | {self.target} | {self.measured} | {VERDICT[self.met]} |"


VERDICT = {True: "met", False: "**missed**", None: ""}


def planning(folder: Path) -> Iterator[Row]:
    """Fill, cuts and cost on OBELICS-like documents."""
    passes = {n: [fill.plan_all(folder, n, 32, 1) for _ in range(3)] for n in (2048, 4096, 8192)}
    found = {n: sorted(of, key=lambda r: r["us/doc"])[1] for n, of in passes.items()}  # the median by cost
    for (seq_len, r), least in zip(found.items(), (0.97, 0.99, 0.995), strict=True):
        what = f"fill at {seq_len:,} tokens, share of documents lost"
        yield Row(what, f"{least}, none", f"{r['fill']:.4f}, {r['lost']:.4f}", r["fill"] >= least and not r["lost"])
    cut = found[4096]["cut though it fits"]
    yield Row("documents cut though they would fit in a pack, at 4,096", "at most 10 %", f"{cut:.2%}", cut <= 0.1)
    cost, index = ([r[k] for r in found.values()] for k in ("us/doc", "us/doc index"))
    shown = " / ".join(f"{c:.1f}" for c in cost) + f"; reading the index {max(index):.1f}"
    what = "planning at 2,048 / 4,096 / 8,192, microseconds of CPU a document, medians of 3"
    yield Row(what, "under 20", shown, max(cost) < 20)


def states(folder: Path) -> Iterator[Row]:
    """The state of 240 lanes whose bins are all open, at 8,192 tokens."""
    from vlm.loader import ImageConfig, LoaderConfig
    from vlm.loader.plan import Planner, ShardPlans, open_datasets
    from vlm.loader.runs import shorten
    from vlm.loader.state import encode_lanes
    from vlm.loader.tokenizers import ByteTokenizer

    sizes = {}
    for view in ("natural", "pairs", "text_only"):
        image = ImageConfig(size=224, patch=16, tokens=IMAGE_TOKENS)
        config = LoaderConfig(
            datasets=(str(folder),), batch_size=240, lanes=240, seq_len=8192, view=view, image=image
        )  # fmt: skip
        plans = ShardPlans(datasets := open_datasets(config), ByteTokenizer(), config, keep=1000)
        planner = Planner(config, datasets, plans)
        lanes = [planner.step() for _ in range(40)][-1].lanes
        sizes[view] = len(json.dumps(encode_lanes(shorten(lanes, plans)))) / 1e6
    shown = ", ".join(f"{view} {size:.3f} MB" for view, size in sizes.items())
    yield Row("state of 240 lanes of 32 bins at 8,192 tokens", "under 1 MB", shown, max(sizes.values()) < 1)


def promises(kills: int) -> Iterator[Row]:
    """What `guarantees.py` checks."""
    import torch

    torch.set_num_threads(1)
    module = writer()
    with tempfile.TemporaryDirectory() as work:
        folder = module.write_shards(Path(work) / "a", module.sample_documents(400), 7)
        hashes = {ranks: guarantees.stream(folder, 20, [(0, ranks)]) for ranks in (1, 2, 3, 4, 6, 8)}
        yield _equal("stream hash for 1, 2, 3, 4, 6, 8 ranks", set(hashes.values()))
        moved = guarantees.stream(folder, 20, [(0, 4), (7, 8), (13, 2)])
        yield _equal("after 4 to 8 to 2 ranks", {moved, hashes[1]})
        whole, again, times = guarantees.killed(folder, kills, 3 * kills + 6)
        yield _equal(f"after kill -9 at {times} random moments", {whole, again})
        used = guarantees.memory(folder, 10)
        late = used[2:]
        shown = f"{used[0]} MB after the first, {min(late)} to {max(late)} after the third to the tenth"
        yield Row("memory over 10 epochs", "flat", shown, max(late) <= 1.02 * late[0])
        many = module.write_shards(Path(work) / "b", module.sample_documents(12_000, words=300), 1000)
        first = max(guarantees.first_batch(many) for _ in range(3))
        yield Row("time to first batch, 1,000 shards, local disk", "under 3 s", f"{first:.2f} s", first < 3)


def _equal(what: str, hashes: set[str]) -> Row:
    return Row(what, "equal", "equal" if len(hashes) == 1 else f"{len(hashes)} hashes", len(hashes) == 1)


def token_tables(documents: int) -> Iterator[Row]:
    """Making a table with a byte-level BPE of up to 8,000 tokens, trained here on the words of the documents."""
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers

    from benchmarks.loader.data import whole
    from vlm.loader.dataset import Dataset
    from vlm.loader.storage import open_store
    from vlm.loader.token_table import make_token_table
    from vlm.loader.tokenizers import load_tokenizer

    with tempfile.TemporaryDirectory() as work:
        core = Tokenizer(models.BPE())
        core.pre_tokenizer = pre_tokenizers.ByteLevel()
        core.train_from_iterator([" ".join(writer().WORDS)], trainers.BpeTrainer(vocab_size=8000, show_progress=False))
        core.save(f"{work}/tokenizer.json")
        dataset = Dataset(open_store(str(whole(Path(work) / "shards", documents, 1, pictures=4))))
        began = time.process_time()
        make_token_table(dataset, 0, load_tokenizer(f"{work}/tokenizer.json"), Path(work))
        rate = documents / (time.process_time() - began)
    yield Row("making the token table, documents per CPU-second", "printed", f"{rate:,.0f}", None)


def beside_peers(runs: compare.Runs) -> Iterator[Row]:
    """Ratios to the peers of the same run."""

    def ratios(mode: str, ours: str, above: str, below: str) -> dict[str, float]:
        own = compare.median(runs, "weft", ours, above, below)
        theirs = {peer: compare.median(runs, peer, mode, above, below) for peer in compare.PEERS}
        return {peer: own / value for peer, value in theirs.items() if own and value}

    def shown(found: dict[str, float]) -> str:
        return ", ".join(f"{ratio:.2f} of {peer}'s" for peer, ratio in found.items()) or "not measured"

    null = ratios("null", "null", "cpu_s", "useful")
    what = "null step, CPU-seconds per 1,000 useful tokens"
    yield Row(what, "at most 1.05 of the best peer's", shown(null), max(null.values()) <= 1.05 if null else None)
    used, packed = ratios("step", "step", "useful", "wall_s"), ratios("packed", "step", "useful", "wall_s")
    what = "step of 20 ms a row, useful tokens a second, peers padding"
    yield Row(what, "2 times each", shown(used), min(used.values()) >= 2 if used else None)
    yield Row(
        "the same, peers given our packs", "1 of each", shown(packed), min(packed.values()) >= 1 if packed else None
    )
    read = ratios("bytes", "bytes", "useful", "cpu_s")
    ok = read["webdataset"] >= 1 if "webdataset" in read else None
    yield Row("bytes only, MB per CPU-second (ours with CRC32 checked)", "1 of webdataset's", shown(read), ok)


def gpu() -> Iterator[Row]:
    """Rows of a GPU: measured, or those of the last machine that had one."""
    import torch

    if torch.cuda.is_available():
        subprocess.run([sys.executable, str(Path(__file__).with_name("gpu.py"))], check=True)
    if not GPU.exists():
        yield Row("on a GPU", "8,000 images a second; waiting under 1 %; kernel 3 times", "not measured", None)
        return
    facts: dict[str, Any] = json.loads(GPU.read_text("utf-8"))
    where = f"{facts['device']}, {facts['date']}"
    cut = {name: max(rates.values()) for name, rates in facts["decoded_resized_cut"].items()}
    rates = ", ".join(f"{name} {rate:,.0f}" for name, rate in cut.items())
    yield Row(
        f"decode + resize + patches, images of 500 px a second, best batch ({where})",
        "8,000",
        rates,
        max(cut.values()) >= 8000,
    )
    waited = facts["waiting"]
    what = f"share of a step of {facts['step_ms']:.0f} ms ({facts['parameters'] / 1e6:.0f}M parameters) spent waiting"
    yield Row(what, "under 1 %", f"{waited:.2%}", waited < 0.01)
    off, faster = facts["kernel_off"], facts["torchvision_ms"] / facts["kernel_ms"]
    yield Row("Triton kernel against the oracle, before normalising", "within 2/255", f"{off:.2f}/255", off <= 2)
    shown = f"{faster:.1f} times (one by one; stacked by size {facts['stacked_ms'] / facts['kernel_ms']:.1f})"
    yield Row("Triton kernel against torchvision's resize + normalise", "3 times", shown, faster >= 3)


def main() -> None:
    """Measure all, print the table, keep it."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--quick", action="store_true")
    quick = options.parse_args().quick
    how = f"{busy()}, {platform.machine()}, Python {platform.python_version()}"  # before anything is measured
    rows: list[Row] = []

    def take(more: Iterator[Row]) -> None:
        for row in more:
            print(row, flush=True)
            rows.append(row)

    with tempfile.TemporaryDirectory() as work:
        take(planning(index_only(Path(work), 2_000 if quick else 20_000, 8)))
    with tempfile.TemporaryDirectory() as work:
        take(states(writer().write_indexes(Path(work), 2_000 if quick else 20_000, 4)))
    take(promises(3 if quick else 20))
    take(token_tables(100 if quick else 400))
    settings = {"documents": 60, "repeats": 1, "seconds": 2.0} if quick else compare.SETTINGS
    runs = compare.measure_all(**settings)
    take(beside_peers(runs))
    take(gpu())
    head = f"""# The loader, measured

{datetime.date.today().isoformat()}, `python benchmarks/loader/run.py`, {how}; documents are drawn after
OBELICS (`data.py`). Ratios are ours to theirs, in one run.

| what | target | measured | |
|---|---|---|---|
"""
    text = "\n".join(
        [head + "\n".join(map(str, rows)), "", "## The loader beside its peers", "", *compare.table(runs), ""]
    )
    print(text)
    if not quick:
        Path(__file__).with_name("results.md").write_text(text, "utf-8")


if __name__ == "__main__":
    main()
