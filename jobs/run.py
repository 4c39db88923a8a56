"""weft run: a recipe over web archives, from records to shards; the same as `spark-submit jobs/run.py ...`."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from jobs.arguments import local, location, writable
from jobs.progress import Progress
from pipeline import fetch_images, fetch_rounds
from pipeline.archive.inputs import check_remote, expand
from pipeline.books import books, check, note_checked, was_checked
from pipeline.documents import input_bytes, input_slices
from pipeline.execute import check_order, execute, to_be_made
from pipeline.flow import FLOW, select
from pipeline.locks import Locks
from pipeline.recipe import check_models, load
from pipeline.report import report
from pipeline.run import Run, Step
from pipeline.session import build_session, check_start, settings
from pipeline.shards.place import Place
from pipeline.shards.publish import publish
from schemas.errors import ConfigError

_EXAMPLES = """
examples:
  weft run --recipe weft --in crawl/*.warc.gz --out out/first --set fetch.contact=https://example.org/about
  weft run --recipe obelics --in s3://bucket/crawl/ --out /shared/out --master spark://host:7077
  weft run --recipe weft --in warc.paths.gz --out /shared/out --stages 01_documents..03_links
  weft run --recipe weft --in crawl --out out/first --set clip.model=none --set images.min_side=200

Stop it whenever you like: the same command goes on where it was. A changed recipe redoes only what it changes.
"""


def parser() -> argparse.ArgumentParser:
    """The options."""
    options = argparse.ArgumentParser(
        prog="weft run",
        description=__doc__,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    options.add_argument(
        "--recipe", required=True, help="a TOML file, or the name of a shipped one (tiny, obelics, weft)"
    )
    options.add_argument(
        "--in",
        dest="inputs",
        required=True,
        nargs="+",
        type=location("--in"),
        metavar="PATH",
        help="archives: files, globs, folders, s3:// or https:// addresses, *.paths lists, Parquet of record pointers",
    )
    options.add_argument(
        "--out",
        required=True,
        type=location("--out"),
        metavar="DIR",
        help="output folder; holds everything of the run. With --work also an s3://, gs://, ... address: shards and "
        "report are copied there when the run is finished",
    )
    options.add_argument(
        "--work",
        type=local("--work"),
        metavar="DIR",
        help="folder of the tables and the image store, where --out is an address; all nodes must see it",
    )
    options.add_argument(
        "--master",
        help="Spark master: local[4], spark://host:7077, yarn, k8s://..., sc://host (default: local[*])",
    )
    options.add_argument(
        "--stages",
        metavar="A..B",
        help="only these steps, e.g. 01_documents..03_links (weft stages lists them)",
    )
    options.add_argument(
        "--set",
        dest="overrides",
        action="append",
        default=[],
        metavar="SECTION.KEY=VALUE",
        help="change one key of the recipe",
    )
    options.add_argument(
        "--no-report",
        action="store_true",
        help="check the books and leave the report to `weft report DIR`: making it takes a good part of a small run",
    )
    return options


def main(argv: Sequence[str] | None = None) -> int:
    """Check everything that can be checked first, then run."""
    options = parser().parse_args(argv)
    started = time.monotonic()
    recipe = load(options.recipe, options.overrides)
    steps = select(options.stages)
    if any(step.name == "04_images/ledger" for step in steps):
        recipe.fetch.check_contact()
    check_start(options.master)
    inputs = expand(options.inputs, recipe.read_warc)
    check_remote(inputs, recipe.read_warc)
    check_models(recipe)  # last: it may have to load packages, and to fetch
    folder = work_folder(options.out, options.work)
    writable(folder)
    progress, slices = Progress(), input_slices(inputs)

    def start() -> object:
        size = input_bytes(slices)
        session = build_session(recipe.spark, options.master, size)
        given = settings(recipe.spark, options.master, size)
        progress.say("spark: " + ", ".join(f"{name.removeprefix('spark.')}={given[name]}" for name in given))
        return session

    run = Run(
        folder=folder.resolve(),
        recipe=recipe,
        steps=FLOW,
        inputs=slices,
        start_session=start,  # type: ignore[arg-type]
        say=progress.say,
    )
    progress.say(f"weft: recipe {recipe.stamp}, {len(inputs)} input file(s), output {run.folder}")
    check_order(run, steps)
    with Locks(run.folder, progress.say) as locks:
        made = make(run, steps, options, progress, locks)
    nothing = "" if made else "; nothing was left to do"
    progress.say(f"finished in {time.monotonic() - started:.1f} s{nothing}")
    return 0


def make(
    run: Run, steps: Sequence[Step], options: argparse.Namespace, progress: Progress, locks: Locks
) -> Sequence[str]:
    """Make what is not done of the steps, then check the books, report and publish; which steps were made."""
    if any(step.name == fetch_rounds.STEP for step in steps) and fetch_images.is_open(run):
        locks.take([fetch_rounds.STEP])
        fetch_images.resume(run)
    locks.take(to_be_made(run, steps))
    run.save(options.inputs)
    made = execute(run, steps, progress.tick, lambda step: None if step == "shards" else locks.release(step))
    if not all(run.is_done(step.name) for step in FLOW):
        return made
    if not was_checked(run, with_report=not options.no_report):
        locks.take(["shards"])  # nobody may put others in their place while they are read
        if options.no_report:
            check(*books(run))
            for path in report_files(run.folder):  # of other shards
                path.unlink()
            note_checked(run, has_report=False)
        else:
            report(run)
    if not options.no_report:
        progress.say(f"report: {run.folder / 'report' / 'index.html'}")
    if options.work:
        locks.take(["shards"])
        publish_run(run.folder, options.out, progress.say)
    return made


def work_folder(out: str, work: Path | None) -> Path:
    """Where the run works: `out`, or `work` where `out` is an address.

    Raises:
        ConfigError: an address without a work folder, or a work folder without an address.
    """
    is_address = "://" in out
    if is_address and work is None:
        raise ConfigError(f"--out {out} is an address: name a local or shared folder for the tables with --work")
    if work is not None and not is_address:
        raise ConfigError("--work is for an --out that is an address")
    return work or Path(out)


def publish_run(folder: Path, out: str, say: Callable[[str], None]) -> None:
    """Copy shards and report to the address."""
    sent = publish(Place(folder / "shards"), Place(f"{out.rstrip('/')}/shards"), say=say)
    say(f"{sent:,} files of shards sent to {out}")
    report = Place(f"{out.rstrip('/')}/report")
    for path in report_files(folder):
        report.make()
        report.put(path.name, path.read_bytes())


def report_files(folder: Path) -> list[Path]:
    """The page and the JSON of a run's report, where they were written."""
    paths = [folder / "report" / name for name in ("index.html", "report.json")]
    return [path for path in paths if path.is_file()]


if __name__ == "__main__":
    from jobs.cli import main as command

    sys.exit(command(["run", *sys.argv[1:]]))
