"""weft audit: documents drawn at random as one HTML page, to be read by a person; docs/audit.md was made from one."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from jobs.arguments import location, new_file, whole
from pipeline.shards.audit_page import audit_page
from pipeline.shards.place import shards_place
from pipeline.shards.recut import Source, drawn


def main(argv: Sequence[str] | None = None) -> int:
    """Draw and write."""
    options = argparse.ArgumentParser(prog="weft audit", description=__doc__)
    options.add_argument(
        "folder", type=location("DIR"), metavar="DIR", help="output folder of weft run, or shards, or a URL of one"
    )
    options.add_argument("--out", required=True, type=new_file("--out"), metavar="PAGE", help="HTML file to write")
    options.add_argument(
        "--documents", type=whole("--documents"), default=50, metavar="N", help="how many (default 50)"
    )
    options.add_argument("--seed", type=int, default=0, help="which ones (default 0)")
    arguments = options.parse_args(argv)
    source = Source(shards_place(arguments.folder).root)
    picked = drawn(source.locations(), documents=arguments.documents, seed=arguments.seed)
    with arguments.out.open("w", encoding="utf-8") as out:
        out.writelines(audit_page(map(source.read, picked)))
    source.close()
    print(f"{len(picked):,} documents: {arguments.out}")
    return 0
