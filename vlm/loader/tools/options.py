"""Options that the commands share: which dataset, which budgets."""

from __future__ import annotations

import argparse
import json
import logging
import sys
from collections.abc import Callable, Sequence
from dataclasses import fields
from typing import Any

from vlm.loader.config import ImageConfig, LoaderConfig
from vlm.loader.errors import LoaderConfigError, LoaderError


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options that make a `LoaderConfig`."""
    d = LoaderConfig(datasets=("-",), batch_size=1)
    add = parser.add_argument
    add("dir", nargs="+", help="folder or URL with manifest.json; several are mixed")
    add("--tokenizer", default=d.tokenizer, help="bytes, or a name or path that Hugging Face's libraries know")
    add("--seq-len", type=int, default=d.seq_len, help="tokens of a pack")
    add("--batch-size", type=int, default=8, help="packs of a step, over all ranks")
    add("--view", default=d.view, choices=("natural", "retrieval", "pairs", "text_only"))
    add("--image-mode", default=d.image.mode, choices=("fixed", "tiles", "native"))
    add("--image-size", type=int, default=d.image.size, help="px, side of a crop")
    add("--patch", type=int, default=d.image.patch, help="px")
    add("--image-tokens", type=int, default=d.image.tokens, help="tokens of a crop; 0: one for each patch")
    add("--lanes", type=int, default=d.lanes)
    add("--seed", type=int, default=d.seed)
    add("--threads", type=int, default=d.threads)
    add("--device", default=d.device)
    add("--cache-dir", default=None)
    text = "any other field of LoaderConfig, its value as JSON: open_bins=64, weights=[0.7,0.3], image.merge=2"
    add("--set", action="append", default=[], metavar="FIELD=VALUE", help=text)


def config_of(args: argparse.Namespace, **more: Any) -> LoaderConfig:
    """The configuration that the options ask for. Raises LoaderConfigError."""
    names = ("tokenizer", "seq_len", "batch_size", "view", "lanes", "seed", "threads", "device", "cache_dir")
    loader = {n: getattr(args, n) for n in names} | more
    image: dict[str, Any] = {"patch": args.patch, "tokens": args.image_tokens or None}
    image |= {"mode": args.image_mode, "size": args.image_size}
    for setting in args.set:
        field, _, text = setting.partition("=")
        of, name = (image, field[6:]) if field.startswith("image.") else (loader, field)
        known = {f.name for f in fields(ImageConfig if of is image else LoaderConfig)}
        if name not in known - {"datasets", "image", "phases"}:
            raise LoaderConfigError(f"--set {setting}: no field of that name can be set")
        try:
            of[name] = json.loads(text)
        except ValueError:
            of[name] = text
    return LoaderConfig(datasets=tuple(args.dir), image=ImageConfig(**image), **loader)


def say(line: str = "") -> None:
    """Print a line of the report."""
    sys.stdout.write(line + "\n")


def guarded(command: Callable[[argparse.Namespace], int], args: argparse.Namespace) -> int:
    """The exit code of a command: 2, and the message alone, for what the user can put right."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(message)s")
    try:
        return command(args)
    except LoaderError as error:
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
        return 2


def quantiles(values: Sequence[float]) -> str:
    """min / median / max."""
    ordered = sorted(values)
    return f"{ordered[0]:,.0f} / {ordered[len(ordered) // 2]:,.0f} / {ordered[-1]:,.0f}" if ordered else "-"
