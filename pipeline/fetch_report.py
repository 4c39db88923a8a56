"""What the report says of fetching: forecasts, what became of the URLs, and why, where too few gave an image."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any

from pipeline.commits import StepFolder
from pipeline.fetch.diagnosis import diagnosis
from pipeline.fetch_rounds import STEP, deferred, forecasts
from schemas.reasons import FetchStatus

if TYPE_CHECKING:
    from pipeline.run import Run

_ASKED = re.compile(r"r\d{4}-\d{6}-\d{6}")  # a slice of `fetch_images`; what was at hand says nothing of a network
HOSTS = 50
"""Pairs of host group and status that are listed by name."""


def fetch_facts(run: Run) -> dict[str, Any]:
    """The section `fetch` of report.json; its `sentences` are for a person."""
    from pyspark.sql import functions as F

    groups = run.table("links").select("url", "host_group")
    # Of what a list matched not even the host is told.
    named = ~F.col("status").eqNullSafe(str(FetchStatus.BLOCKED_BY_LIST))
    images = run.table("images").where(named & ~F.col("url").startswith("data:")).select("url", "status")
    asked = images.join(groups, "url", how="inner")
    rows = asked.groupBy("host_group", "status").count().orderBy(F.desc("count"), "host_group", "status").limit(HOSTS)
    by_host = [(row["host_group"], row["status"], int(row["count"])) for row in rows.collect()]
    folder = run.where(STEP)
    return {
        "rounds": forecasts(folder),
        "deferred": deferred(folder),
        **diagnosis(by_machine(folder), by_host, expected_ok=run.recipe.fetch.expected_ok),
    }


def why_so_few(folder: StepFolder, expected_ok: float) -> list[str]:
    """Lines for a person, without hosts, from the commit records alone; none where all is as expected."""
    found: list[str] = diagnosis(by_machine(folder), [], expected_ok=expected_ok)["sentences"]
    return found


def by_machine(folder: StepFolder) -> dict[str, dict[str, int]]:
    """Answers by status of each machine, from the commit records of what was asked."""
    found: dict[str, Counter[str]] = {}
    for slice_name, commit in folder.commits().items():
        if _ASKED.fullmatch(slice_name):
            found.setdefault(commit.extra["machine"], Counter()).update(commit.extra["statuses"])
    return {name: dict(sorted(counts.items())) for name, counts in sorted(found.items())}
