"""`weft loader inspect DIR`: a batch as a person reads it, pack by pack."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from itertools import islice

from vlm.loader.batch import Batch
from vlm.loader.errors import LoaderConfigError
from vlm.loader.loader import Loader
from vlm.loader.tools.options import add_options, config_of, guarded, say

WIDTH = 96
"""Characters of a text that are shown."""


def main(argv: Sequence[str] | None = None) -> int:
    """Exit code: 0, or 2 where the loader cannot start."""
    parser = argparse.ArgumentParser(prog="weft loader inspect", description=__doc__)
    add_options(parser)
    parser.add_argument("--packs", type=int, default=4, help="rows that are shown")
    parser.add_argument("--skip", type=int, default=0, help="batches that are passed over")
    return guarded(_run, parser.parse_args(argv))


def _run(args: argparse.Namespace) -> int:
    loader = Loader(config_of(args, dtype="float32"))
    batch = next(islice(loader, max(args.skip, 0), None), None)
    loader.close()
    if batch is None:
        raise LoaderConfigError(f"a single pass has no batch number {args.skip}")
    _show(batch, loader, args.packs)
    return 0


def _show(batch: Batch, loader: Loader, packs: int) -> None:
    rows, length = batch.tokens.shape
    bad = int((~batch.image_ok).sum())
    say(
        f"step {batch.step}: {rows} packs of {length} tokens, {len(batch.keys)} pieces, fill "
        f"{batch.useful_tokens / batch.tokens.numel():.3f}, {len(batch.image_ok)} images ({bad} masked), "
        f"{batch.patches.shape[0]} patches in {len(batch.grids)} crops, {int(batch.loss_mask.sum())} tokens to predict"
    )
    segments = batch.sources.tolist()
    for row in range(min(rows, packs)):
        mine = [(s, key) for s, key in zip(segments, batch.keys, strict=True) if s[0] == row]
        used = sum(s[2] for s, _ in mine)
        say(f"\npack {row}: {len(mine)} pieces, {used} tokens, {length - used} padding")
        for (_, start, count, dataset, epoch, shard, _, ends), key in mine:
            whole = {3: "whole", 1: "begins", 2: "ends", 0: "middle"}[ends]
            name = loader.datasets[dataset].shards[shard].name
            say(f"  {key} ({name}, epoch {epoch}): {count} tokens, {whole}")
            _show_piece(batch, loader, row, start, start + count)
    for fault in batch.faults:
        say(f"masked {fault}")


def _show_piece(batch: Batch, loader: Loader, row: int, start: int, stop: int) -> None:
    index = batch.image_index[row, start:stop].tolist()
    tokens = batch.tokens[row, start:stop].tolist()
    special = loader.tokenizer.specials
    marks = {special.bos, special.eos, special.image_start, special.image_end}
    held: list[int] = []
    last = -1
    for token, image in zip([*tokens, special.eos], [*index, -1], strict=True):
        if token in marks or image >= 0:
            if held:
                text = " ".join(loader.tokenizer.decode(held).split())
                say(f"    text  {len(held):5d} tokens  {text[:WIDTH]}{'...' if len(text) > WIDTH else ''}")
                held = []
            if image >= 0 and image != last:
                crops = [g for g, i in zip(batch.grids.tolist(), batch.grid_image.tolist(), strict=True) if i == image]
                count = index.count(image)
                state = "" if bool(batch.image_ok[image]) else "  MASKED"
                shape = " + ".join(f"{h}x{w}" for h, w in crops)
                say(f"    image {count:5d} tokens  {shape} patches{state}")
                last = image
        else:
            held.append(token)
