"""`weft loader tokens DIR --tokenizer NAME`: make the token tables of a dataset, once."""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from vlm.loader.dataset import Dataset
from vlm.loader.errors import LoaderConfigError
from vlm.loader.storage import LocalStore, open_store
from vlm.loader.token_table import cache_folder, is_current, make_token_table
from vlm.loader.tokenizers import SEPARATOR, load_tokenizer
from vlm.loader.tools.options import guarded, say


def main(argv: Sequence[str] | None = None) -> int:
    """Exit code: 0, or 2 where dataset or tokenizer cannot be had."""
    parser = argparse.ArgumentParser(prog="weft loader tokens", description=__doc__)
    parser.add_argument("dir", help="folder or URL with manifest.json")
    parser.add_argument("--tokenizer", required=True)
    parser.add_argument("--separator", default=SEPARATOR, help="what the loader puts after each text")
    parser.add_argument("--cache-dir", default=None, help="where tables go if DIR cannot be written")
    parser.add_argument("--in-cache", action="store_true", help="put them there in any case")
    parser.add_argument("--workers", type=int, default=1, help="processes")
    return guarded(_run, parser.parse_args(argv))


def _run(args: argparse.Namespace) -> int:
    dataset = Dataset(open_store(args.dir))
    tokenizer = load_tokenizer(args.tokenizer, args.separator)
    if not tokenizer.needs_table:
        raise LoaderConfigError(f"the tokenizer {tokenizer.name} needs no table")
    folder = _folder(args, dataset)
    todo = [i for i in range(len(dataset.shards)) if not is_current(dataset, i, tokenizer, folder)]
    began, cpu = time.perf_counter(), os.times()
    jobs = [(args.dir, args.tokenizer, args.separator, i, str(folder)) for i in todo]
    if args.workers > 1:
        with ProcessPoolExecutor(args.workers, mp_context=get_context("spawn")) as pool:
            documents = sum(pool.map(_make, jobs))
    else:
        documents = sum(make_token_table(dataset, i, tokenizer, folder)[1] for i in todo)
    spent = sum(os.times()[:4]) - sum(cpu[:4])
    say(
        f"{len(todo)} of {len(dataset.shards)} tables made in {folder}: {documents} documents in "
        f"{time.perf_counter() - began:.1f} s, {documents / spent if spent else 0:,.0f} documents per CPU-second"
    )
    return 0


def _make(job: tuple[str, str, str, int, str]) -> int:
    url, name, separator, shard, folder = job
    return make_token_table(Dataset(open_store(url)), shard, load_tokenizer(name, separator), Path(folder))[1]


def _folder(args: argparse.Namespace, dataset: Dataset) -> Path:
    store = dataset.store
    if not args.in_cache and isinstance(store, LocalStore) and os.access(store.url, os.W_OK):
        return Path(store.url)
    if args.cache_dir is None:
        why = "--in-cache" if args.in_cache else f"{args.dir} cannot be written"
        raise LoaderConfigError(f"{why}: say where the tables go with --cache-dir")
    return cache_folder(args.cache_dir, dataset)
