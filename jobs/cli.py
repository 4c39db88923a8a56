"""The `weft` command: one line a subcommand; a subcommand's module is loaded when it is called, not before."""

from __future__ import annotations

import errno
import importlib
import os
import select
import sys
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version

from schemas.errors import ConfigError, InputError, ModelUnavailable, OutputError, WeftError

COMMANDS = {
    "demo": ("jobs.run_demo", "the whole flow on a small sample, in a minute or two"),
    "run": ("jobs.run", "run a recipe over web archives: documents, images, shards, report"),
    "import": ("jobs.import_corpus", "a released corpus (OBELICS, mmc4, MINT-1T, img2dataset) as input of weft run"),
    "rejudge": ("jobs.rejudge", "other thresholds over what a run has measured; old and new counts"),
    "status": ("jobs.status", "what is done in an output folder, and what is next"),
    "stages": ("jobs.stages", "print the flow: steps, tables, recipe sections"),
    "show": ("jobs.show", "a few documents of an output folder, in the terminal"),
    "fetch": ("jobs.fetch", "go on fetching a run's images, and try again those that failed for a while"),
    "report": ("jobs.report", "statistics of a finished run, as a page and as JSON"),
    "verify": ("jobs.verify", "check shards: checksums, indexes, format, images, books; list what is wrong"),
    "merge": ("jobs.merge", "several folders of shards as one, cut anew"),
    "sample": ("jobs.sample", "documents drawn at random, by tier or language, as shards of their own"),
    "pairs": ("jobs.pairs", "images with their alt texts and captions, as shards of their own"),
    "texts": ("jobs.texts", "documents without their images, as shards of their own"),
    "export": ("jobs.export", "shards as Parquet files with OBELICS's schema"),
    "card": ("jobs.card", "write the dataset card beside the shards"),
    "copy": ("jobs.copy_shards", "shards to another place, local or s3://, checked on the way"),
    "audit": ("jobs.audit", "documents drawn at random as one HTML page, for a person to judge"),
    "forget": ("jobs.forget", "take URLs, hosts or files out of an output folder for good"),
    "reindex": ("jobs.reindex", "write indexes and manifest anew from the tars"),
    "view": ("jobs.view", "look at documents in a browser, drawn at random or searched"),
    "gc": ("jobs.gc", "delete files that no commit record names, and on request tables of other recipes"),
    "loader": ("jobs.loader", "look at what the data loader makes of shards: inspect, simulate, bench, tokens"),
    "train": ("jobs.train", "train a vision-language model on shards; --list names what can be built"),
    "generate": ("jobs.generate", "what a trained model writes after texts and images"),
    "evaluate": ("jobs.evaluate", "held-out loss, blind gap, k-shot, retrieval and needle of a trained model"),
    "ablate": ("jobs.ablate", "the same model and tokens on two datasets, with error bars"),
    "train-demo": ("jobs.run_train_demo", "a model of a few million parameters from generated pages, on a CPU"),
    "extract": ("jobs.extract_page", "what extraction makes of one page: a URL, a file or an archive"),
}
"""Name: (module with `main(argv) -> int`, what it does)."""

DISK_TROUBLES = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
USER_MISTAKES = (ConfigError, InputError, OutputError, ModelUnavailable)


def main(argv: Sequence[str] | None = None) -> int:
    """Run a subcommand; 0 when all is well, 2 for what the user can mend, 1 for everything else."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        print(usage())
        return 0 if arguments else 2
    if arguments[0] == "--version":
        print(f"weft {_version()}")
        return 0
    name, *rest = arguments
    if name not in COMMANDS:
        print(f"weft: no command {name}\n\n{usage()}", file=sys.stderr)
        return 2
    try:
        code = int(importlib.import_module(COMMANDS[name][0]).main(rest))
        sys.stdout.flush()
        return code
    except BrokenPipeError:
        if not _reader_left():
            raise  # of a socket or a child's pipe
        return 141
    except USER_MISTAKES as error:
        print(f"weft {name}: {error}", file=sys.stderr)
        return 2
    except WeftError as error:
        print(f"weft {name}: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        if error.errno not in DISK_TROUBLES:
            raise
        print(f"weft {name}: {error}; make room and run the same command again", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"\nweft {name}: stopped; run the same command again to go on", file=sys.stderr)
        return 130


def usage() -> str:
    """The help of the command itself."""
    width = max(map(len, COMMANDS))
    lines = [f"  {name:{width}}  {doc}" for name, (_, doc) in COMMANDS.items()]
    return "\n".join(
        [
            "weft turns web archives into interleaved image-text training data.",
            "",
            "usage: weft COMMAND [options]      weft COMMAND --help",
            "",
            *lines,
            "",
            "first steps:  weft run --recipe weft --in crawl/*.warc.gz --out out/first "
            "--set fetch.contact=https://example.org/about",
            "              weft show out/first",
        ]
    )


def _reader_left() -> bool:
    """Whether nobody reads standard output any more, as behind `| head`; what was to be said goes nowhere from here on.

    SIGPIPE stays ignored, as Python sets it: its default would end a run whenever some server closes a connection.
    """
    output = 1  # whatever `sys.stdout` stands for here
    ends = select.poll()
    ends.register(output, 0)
    if not any(event & (select.POLLERR | select.POLLHUP) for _, event in ends.poll(0)):
        return False
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, output)
    os.close(nowhere)
    return True


def _version() -> str:
    try:
        return version("weft")
    except PackageNotFoundError:
        return "(not installed)"


if __name__ == "__main__":
    sys.exit(main())
