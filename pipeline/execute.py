"""Does the steps of a run in order, each one only where it is not done, and tells how it goes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from threading import Event, Thread
from typing import TYPE_CHECKING

from pipeline.commits import Cost
from schemas.errors import InputError, OutputError, StepFailed

if TYPE_CHECKING:
    from pipeline.run import Run, Step

Tick = Callable[[str, int, "int | None"], None]
"""Told now and then: the step, its finished slices, of how many (None where nobody knows)."""

SECONDS_BETWEEN_TICKS = 0.5


def execute(
    run: Run, steps: Sequence[Step], tick: Tick | None = None, release: Callable[[str], None] = lambda _step: None
) -> list[str]:
    """Make the steps that are not done; the names of those that were made.

    Args:
        run: where, and by which recipe.
        steps: those that are wanted, in order.
        tick: told how far a step is.
        release: told of each step that is done, whose lock others may then have.

    Raises:
        InputError: a step needs one that was never done, e.g. `--stages 03_links..` in an empty folder.
        StepFailed, OutputError: see `Run.check`; also what Spark says when a job fails, in one line.
    """
    check_order(run, steps)
    made = []
    for number, step in enumerate(steps):
        place = f"[{number + 1}/{len(steps)}] {step.name}"
        if run.is_done(step.name):
            run.say(f"{place}: done before")
            release(step.name)
            continue
        started = time.monotonic()
        run.say(f"{place}: {step.doc}")
        with _ticking(run, step, tick):
            _make(run, step)
        seconds = time.monotonic() - started
        run.finish(step.name, Cost(seconds=round(seconds, 3)))
        made.append(step.name)
        release(step.name)
        run.say(f"{place}: {_rows(run, step)} in {seconds:.1f} s")
    return made


def to_be_made(run: Run, steps: Sequence[Step]) -> list[str]:
    """The steps from the first that is not done; those behind it depend on it, or do no harm."""
    first = next((number for number, step in enumerate(steps) if not run.is_done(step.name)), len(steps))
    return [step.name for step in steps[first:]]


def check_order(run: Run, steps: Sequence[Step]) -> None:
    """Raise where a step needs one that is neither done nor among the steps before it.

    Raises:
        InputError: names both.
    """
    coming: set[str] = set()
    for step in steps:
        for earlier in step.after:
            if earlier not in coming and not run.is_done(step.name) and not run.is_done(earlier):
                raise InputError(f"{step.name} needs {earlier}, which is not done in {run.folder}; run it first")
        coming.add(step.name)


def _make(run: Run, step: Step) -> None:
    """`step.make`, with Spark's own errors as ours; the session stands before: expressions of columns ask for it."""
    from py4j.protocol import Py4JError
    from pyspark.errors import PySparkException

    try:
        _ = run.spark
        step.make(run)
    except (PySparkException, Py4JError) as error:
        text = str(error)
        lines = [line for line in text.splitlines() if line.strip()]
        cause = next(
            (line for line in lines if line.startswith(("Caused by", "\tCaused by"))),
            lines[0] if lines else "",
        )
        if "No space left on device" in text:
            raise OutputError(
                f"{step.name}: no space left on device under {run.folder}; make room and run the same command again"
            ) from error
        raise StepFailed(f"{step.name}: Spark failed: {cause.strip()[:500]}") from error
    except OSError as error:
        raise OutputError(f"{step.name}: cannot write under {run.folder}: {error}") from error


def _rows(run: Run, step: Step) -> str:
    """What the step holds now, for the line that ends it."""
    commits = run.commits(step.name)
    if not step.tables:
        shards = [commit.extra["shard"] for commit in commits if "shard" in commit.extra]
        return f"{sum(s['documents'] for s in shards):,} documents, {sum(s['images'] for s in shards):,} images"
    files = [file for commit in commits for file in commit.files]
    counts = [sum(file.rows for file in files if file.table == table.name) for table in step.tables]
    return ", ".join(f"{count:,} rows of {table.name}" for table, count in zip(step.tables, counts, strict=True))


@contextmanager
def _ticking(run: Run, step: Step, tick: Tick | None) -> Iterator[None]:
    """Call `tick` from a thread while the step is made: Spark blocks the driver, commits are what there is to count."""
    if tick is None:
        yield
        return
    over = Event()

    def watch() -> None:
        while not over.wait(SECONDS_BETWEEN_TICKS):
            slices = run.slices(step.name)
            plan = run.where(step.name).planned()
            total = len(slices) if slices is not None else len(plan["slices"]) if plan else None
            tick(step.name, run.where(step.name).count(), total)

    thread = Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
