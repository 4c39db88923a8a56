"""weft sample: documents drawn at random, as shards of their own; the same for the same seed, however they are cut."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from jobs.arguments import location, real, whole
from jobs.recut import add_output, said
from pipeline.shards.place import shards_place
from pipeline.shards.recut import Location, Source, drawn, recut


def main(argv: Sequence[str] | None = None) -> int:
    """Write the shards."""
    options = argparse.ArgumentParser(prog="weft sample", description=__doc__)
    options.add_argument(
        "folder", type=location("DIR"), metavar="DIR", help="output folder of weft run, or shards, or a URL of one"
    )
    number = options.add_mutually_exclusive_group()
    number.add_argument("--documents", type=whole("--documents"), metavar="N", help="how many")
    number.add_argument(
        "--share", type=real("--share", 0, 1), default=1.0, metavar="X", help="of the documents, 0 to 1 (default: all)"
    )
    options.add_argument("--seed", type=int, default=0, help="which ones (default 0)")
    options.add_argument("--tier", choices=("strict", "loose"), help="only documents of this tier")
    options.add_argument("--language", action="append", metavar="CODE", help="only documents in this language; repeat")
    add_output(options)
    arguments = options.parse_args(argv)
    source = Source(shards_place(arguments.folder).root)

    def wanted(at: Location) -> bool:
        page = source.read_json(at)["general_metadata"]
        is_tier = not arguments.tier or page["tier"] == arguments.tier
        return is_tier and (not arguments.language or page["language"] in arguments.language)

    picked = drawn(
        source.locations(),
        documents=arguments.documents,
        share=arguments.share,
        seed=arguments.seed,
        wanted=wanted if arguments.tier or arguments.language else None,
    )
    manifest = recut(arguments.out, picked, [source], target_bytes=arguments.target_bytes)
    print(said(manifest, arguments.out))
    return 0
