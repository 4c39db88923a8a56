"""weft pairs: the images of documents with their alt texts and captions, as shards of documents of two nodes."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from jobs.arguments import location, real, whole
from jobs.recut import add_output, said
from pipeline.shards.place import shards_place
from pipeline.shards.recut import Source, recut
from pipeline.shards.views import often_said, pairs


def main(argv: Sequence[str] | None = None) -> int:
    """Write the shards."""
    options = argparse.ArgumentParser(prog="weft pairs", description=__doc__)
    options.add_argument(
        "folder", type=location("DIR"), metavar="DIR", help="output folder of weft run, or shards, or a URL of one"
    )
    options.add_argument(
        "--min-words",
        type=whole("--min-words", 0),
        default=1,
        metavar="N",
        help="words that a text must have (default 1)",
    )
    options.add_argument(
        "--min-score",
        type=real("--min-score", -1, 1),
        default=-1.0,
        metavar="X",
        help="CLIP score of the image with its matched text, if any",
    )
    options.add_argument(
        "--max-repeats",
        type=whole("--max-repeats", 0),
        default=10,
        metavar="N",
        help="images that one text may stand with; what a template says of every picture makes no pair (default 10, "
        "0 = any number)",
    )
    add_output(options)
    arguments = options.parse_args(argv)
    source = Source(shards_place(arguments.folder).root)
    often: frozenset[bytes] = frozenset()
    if arguments.max_repeats:
        often = often_said(map(source.read_json, source.locations()), arguments.max_repeats)
    change = pairs(arguments.min_words, arguments.min_score, often)
    manifest = recut(arguments.out, source.locations(), [source], target_bytes=arguments.target_bytes, change=change)
    print(said(manifest, arguments.out))
    return 0
