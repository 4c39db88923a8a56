"""Fill, cuts and cost of planning on OBELICS-like documents: `python benchmarks/loader/fill.py [DOCUMENTS]`.

Rows: our packer at several numbers of bins; and what peers' rules give on the same documents (pad each document, and
greedy next-fit that drops what is longer than a pack), computed here from their published rules.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

import numpy as np

from benchmarks.loader.data import index_only
from vlm.loader.config import LoaderConfig
from vlm.loader.plan import Planner, ShardPlans, open_datasets
from vlm.loader.tokenizers import ByteTokenizer


def plan_all(folder: Path, seq_len: int, bins: int, lanes: int) -> dict[str, float]:
    """One pass over the documents: fill before the lanes end, share of documents cut, CPU a document."""
    config = LoaderConfig(
        datasets=(str(folder),), batch_size=lanes, lanes=lanes, seq_len=seq_len, open_bins=bins, one_pass=True
    )
    datasets = open_datasets(config)
    plans = ShardPlans(datasets, ByteTokenizer(), config, keep=1000)
    read = time.process_time()
    for shard in range(len(datasets[0].shards)):
        plans.plan(0, shard)
    read = time.process_time() - read
    planner = Planner(config, datasets, plans)
    pieces, sizes, patches = Counter[int](), Counter[int](), Counter[int]()
    used: list[int] = []
    cpu = 0.0
    while not planner.exhausted:
        began = time.process_time()
        rows = planner.step().rows
        cpu += time.process_time() - began
        for pack in rows:  # numbers are kept, not packs: no loader holds those of an epoch
            used += [sum(p.tokens for p in pack)] if pack else []
            for p in pack:
                key = p.shard << 32 | p.row
                pieces[key] += 1
                sizes[key] += p.tokens
                patches[key] += p.patches
    fits = [k for k in sizes if sizes[k] <= seq_len and patches[k] <= config.patches]
    steady = used[: max(1, len(used) - lanes * bins)]  # the packs that are closed because a lane ends do not count
    n = datasets[0].num_documents
    return {
        "fill": float(np.mean(steady)) / seq_len,
        "with ends": float(np.mean(used)) / seq_len,
        "cut though it fits": sum(pieces[k] > 1 for k in fits) / len(fits),
        "lost": 1 - len(sizes) / n,
        "us/doc": cpu / n * 1e6,
        "us/doc index": read / n * 1e6,
    }


def peers(folder: Path, seq_len: int) -> dict[str, float]:
    """Fill of padding each document, and of next-fit without long ones; and what they lose."""
    config = LoaderConfig(datasets=(str(folder),), batch_size=1, seq_len=seq_len)
    plans = ShardPlans(datasets := open_datasets(config), ByteTokenizer(), config, keep=1000)
    tokens = np.concatenate([plans.plan(0, s).sequence_tokens + 2 for s in range(len(datasets[0].shards))])
    cut = np.minimum(tokens, seq_len)
    kept, packs, room = 0, 0, 0
    for t in tokens[tokens <= seq_len].tolist():
        if t > room:
            packs, room = packs + 1, seq_len
        room -= t
        kept += t
    return {
        "pad": float(cut.mean()) / seq_len,
        "pad loses": 1 - float(cut.sum() / tokens.sum()),
        "next-fit": kept / packs / seq_len,
        "next-fit loses": 1 - kept / float(tokens.sum()),
    }


def main() -> None:
    """Print the table."""
    documents = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    with tempfile.TemporaryDirectory() as folder:
        index_only(Path(folder), documents, 8)
        print(f"{documents} documents, byte tokenizer, 66 tokens an image, 1 lane\n")
        print("| tokens | bins | fill | cut though fitting | lost | us/doc | us/doc, index |")
        print("|---|---|---|---|---|---|---|")
        for seq_len in (2048, 4096, 8192):
            for bins in (8, 32, 64):
                r = plan_all(Path(folder), seq_len, bins, 1)
                print(
                    f"| {seq_len} | {bins} | {r['fill']:.4f} | {r['cut though it fits']:.4f} | {r['lost']:.4f} "
                    f"| {r['us/doc']:.1f} | {r['us/doc index']:.1f} |"
                )
            print(
                f"| {seq_len} | peers' rules | "
                + ", ".join(f"{k} {v:.3f}" for k, v in peers(Path(folder), seq_len).items())
                + " |"
            )


if __name__ == "__main__":
    main()
