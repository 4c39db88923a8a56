"""weft fetch: go on fetching the images of a run, and try again those that failed in a way that may have passed."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from jobs.arguments import local
from jobs.open_run import open_run
from jobs.progress import Progress
from pipeline import fetch_images, fetch_rounds
from pipeline.locks import Locks
from schemas.errors import InputError

_EXAMPLES = """
examples:
  weft fetch out/first                              what no round has reached yet
  weft fetch --retry timeout,http_5xx out/first     and those whose latest answer was one of these

No other URL is asked. The next weft run with the same recipe takes what came into the shards.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Ask, and say what to do next."""
    options = argparse.ArgumentParser(
        prog="weft fetch",
        description=__doc__,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    options.add_argument("folder", type=local("DIR"), metavar="DIR", help="output folder of weft run")
    options.add_argument(
        "--retry",
        default="",
        metavar="STATUS,...",
        help="statuses of the ledger that are asked again: timeout, dns, ...",
    )
    options.add_argument("--master", help="Spark master, as for weft run")
    arguments = options.parse_args(argv)
    progress = Progress()
    run = open_run(arguments.folder, progress.say, arguments.master)
    run.recipe.fetch.check_contact()
    if not run.is_done("03_links"):
        raise InputError(f"{run.folder} has no list of image URLs yet; weft run makes it")
    with Locks(run.folder, progress.say) as locks:
        locks.take([fetch_rounds.STEP])
        fetch_images.retry(run, [name for name in arguments.retry.replace(" ", "").split(",") if name])
    progress.say("the same weft run command takes what came into the shards")
    return 0
