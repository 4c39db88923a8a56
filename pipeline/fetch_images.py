"""Step 04, ledger: each image URL that 03 kept and nobody has answered yet is asked; bytes go into the image store.

First what needs no network (`fetch_known`), then rounds with a budget of time. A round is planned so that the limits
of host groups hold however many tasks ask (`fetch.plan`). The ledger belongs to the output folder and not to a recipe:
no URL with a committed answer is asked again, unless `weft fetch --retry` says so.
"""

from __future__ import annotations

import math
import time
from collections.abc import Collection
from typing import TYPE_CHECKING

import pyarrow as pa

from pipeline import fetch_known
from pipeline.fetch.config import Config
from pipeline.fetch.forecast import forecast, sentence
from pipeline.fetch.plan import Plan
from pipeline.fetch.schedule import group_of
from pipeline.fetch_report import why_so_few
from pipeline.fetch_rounds import STEP, deferred, keep_forecast, reopen
from pipeline.fetch_slice import Round, fetch_slice
from pipeline.slices import Guard, run_keyed
from schemas.errors import ConfigError
from schemas.reasons import FetchStatus

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyspark.sql import DataFrame

    from pipeline.run import Run

SLOWEST = 1_000
"""Largest host groups that are looked at to say how long a round will take."""
_PLANNED = "url string, start string, redirects int, host_group string, task int, piece int"


def make(run: Run) -> None:
    """Answer what is not answered: from what is there already, then by asking, in rounds."""
    fetch_known.make(run, lambda: _unanswered(run))
    _ask(run)
    for line in why_so_few(run.where(STEP), run.recipe.fetch.expected_ok):
        run.say(line)


def retry(run: Run, statuses: Collection[str]) -> None:
    """Ask again the URLs whose latest answer is one of `statuses`, and those that were never reached.

    The steps after this one are done again by the next `weft run`.

    Raises:
        ConfigError: no such status, or one after which there is nothing to ask.
    """
    known = {str(status) for status in FetchStatus} - {FetchStatus.OK, FetchStatus.FORGOTTEN}
    if wrong := sorted(set(statuses) - known):
        raise ConfigError(f"--retry {', '.join(wrong)}: no such status; there are {', '.join(sorted(known))}")
    _ask(run, frozenset(statuses))
    _reopen(run)


def is_open(run: Run) -> bool:
    """Whether the step was done and its last round left URLs deferred."""
    return run.is_done(STEP) and deferred(run.where(STEP)) > 0


def resume(run: Run) -> None:
    """Let a run whose last round left URLs deferred go on with them: its step counts as not done."""
    if is_open(run):
        run.say("some image URLs were deferred: they are asked now, and what depends on them is done again")
        _reopen(run)


def _reopen(run: Run) -> None:
    reopen(run.where(STEP))
    run.look_again()


def _ask(run: Run, again: frozenset[str] = frozenset()) -> None:
    config, folder = run.recipe.fetch, run.where(STEP)
    first, began = folder.next_round(), time.time()
    for _ in range(config.rounds):
        missing = _unanswered(run, again, first).where("url not like 'data:%'")
        count = missing.count()
        if count == 0:
            return
        tasks = config.tasks or min(run.parallelism(), math.ceil(count / config.slice_urls))
        plan, number = Plan(config, tasks), folder.next_round()
        planned = _planned(missing, plan)
        _foretell(run, planned, count, number)
        this = Round(
            number=number,
            plan=plan,
            prefix=folder.data_prefix(run.folder),
            root=str(run.folder),
            ends_at=time.time() + config.round_minutes * 60,
            failed_since=began if again else 0.0,
        )
        sliced = _sliced(planned, plan, number)
        run.check(STEP, run_keyed(sliced, folder, fetch_slice(this), Guard(record_seconds=_patience(config))))
    if left := deferred(folder):
        run.say(f"{left:,} image URLs were not reached in {config.rounds} rounds: the next run asks them")


def _unanswered(run: Run, again: frozenset[str] = frozenset(), first: int = 0) -> DataFrame:
    """URLs without a final answer, and where a redirect had led a deferred one: (url, start, redirects).

    Args:
        run: whose links and ledger.
        again: statuses that do not count as an answer, before round `first`.
        first: see `again`.
    """
    from pyspark.sql import functions as F

    ledger = run.table("ledger").select("url", "status", "round", "final_url", "redirects")
    open_again = F.col("status").isin(sorted(again)) & (F.col("round") < first)
    answered = ledger.where((F.col("status") != "deferred") & ~open_again).select("url").distinct()
    links = run.table("links").where(F.col("drop_reason").isNull()).select("url")
    redirected = ledger.where("status = 'deferred' and redirects > 0").groupBy("url")
    led = redirected.agg(F.max(F.struct("round", "final_url", "redirects")).alias("at"))
    missing = links.join(answered, "url", how="left_anti").join(led, "url", how="left")
    return missing.select("url", F.col("at.final_url").alias("start"), F.col("at.redirects").alias("redirects"))


def _planned(missing: DataFrame, plan: Plan) -> DataFrame:
    """The URLs with their host group, the task that asks it, and how many of the group it asks at a time."""

    def work(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            urls = [start or url for url, start in zip(*(batch.column(n).to_pylist() for n in (0, 1)), strict=True)]
            groups = [group_of(url, plan.config) for url in urls]
            tasks = [plan.task_of(group, url) for group, url in zip(groups, urls, strict=True)]
            more = {"host_group": groups, "task": pa.array(tasks, pa.int32())}
            more["piece"] = pa.array([plan.piece(group) for group in groups], pa.int32())
            arrays = dict(zip(batch.schema.names, batch.columns, strict=True)) | more
            yield pa.RecordBatch.from_pydict(arrays)

    return missing.mapInArrow(work, _PLANNED)


def _sliced(planned: DataFrame, plan: Plan, number: int) -> DataFrame:
    """Rows of slices, each task's in one partition and in order: the first piece of each group before any second."""
    from pyspark.sql import functions as F
    from pyspark.sql.window import Window

    mixed = F.xxhash64("url")
    of_group = Window.partitionBy("task", "host_group").orderBy(mixed, "url")
    turn = F.floor((F.row_number().over(of_group) - 1) / F.col("piece"))
    of_task = Window.partitionBy("task").orderBy("turn", mixed, "url")
    place = F.floor((F.row_number().over(of_task) - 1) / F.lit(plan.config.slice_urls)).cast("int")
    ranked = planned.withColumn("turn", turn).withColumn("place", place)
    named = ranked.withColumn("slice", F.format_string(f"r{number:04d}-%06d-%06d", F.col("task"), F.col("place")))
    spread = named.repartitionById(plan.tasks, F.col("task")).sortWithinPartitions("slice", mixed, "url")
    return spread.select("slice", "url", "task", "start", "redirects")


def _foretell(run: Run, planned: DataFrame, count: int, number: int) -> None:
    """Say and keep how long the slowest host groups will take at their limits."""
    from pyspark.sql import functions as F

    groups = planned.groupBy("host_group").count().orderBy(F.desc("count")).limit(SLOWEST).collect()
    slowest = forecast({row["host_group"]: row["count"] for row in groups}, run.recipe.fetch)
    run.say(f"round {number}: {count:,} image URLs to ask; {sentence(slowest)}")
    facts = {"round": number, "urls": count, "slowest": [each._asdict() for each in slowest]}
    keep_forecast(run.where(STEP), number, facts)


def _patience(config: Config) -> float:
    """Seconds without any answer after which a task hangs: longer than the slowest host may take."""
    slowest = max([1 / limit.rate for limit in (config.host, *config.limits.values()) if limit.rate], default=0.0)
    one = config.deadline_s * (config.retries + 1) + config.max_retry_after_s * config.retries
    return 120.0 + 3 * one + 10 * slowest
