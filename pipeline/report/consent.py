"""Consent and safety: what was opted out by which signal, what lists and the NSFW model removed, what was masked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline.report.tally import counts
from schemas.reasons import FetchStatus, FileReason

if TYPE_CHECKING:
    from pipeline.run import Run

FETCH = (FetchStatus.ROBOTS, FetchStatus.OPTED_OUT, FetchStatus.BLOCKED_BY_LIST)
SAFETY = (FileReason.NSFW, FileReason.NSFW_NOT_SCORED)


def consent(run: Run, steps: list[dict[str, Any]]) -> dict[str, Any]:
    """Counts by signal, by list and by model.

    Args:
        run: a finished run.
        steps: the books as JSON.
    """
    from pyspark.sql import functions as F

    documents = run.table("documents")
    signals = documents.select(F.explode("consent").alias("signal"), F.col("drop_reason") == "opted_out")
    by_signal = signals.groupBy("signal").agg(
        F.count("*").alias("pages"), F.count_if(F.col(signals.columns[1])).alias("dropped")
    )
    pages = documents.agg(
        F.count_if(F.col("drop_reason") == "opted_out").alias("opted_out"),
        F.count_if(F.col("images_opted_out")).alias("images_opted_out"),
        F.count_if(F.size("masked") > 0).alias("masked"),
        F.count("*").alias("read"),
    ).first()
    said = run.table("ledger").where(F.col("status") == str(FetchStatus.OPTED_OUT))
    images = _entry(steps, "04_images", "url")
    files = _entry(steps, "04_images", "file")
    return {
        "signals": [row.asDict() for row in by_signal.orderBy(F.desc("pages"), "signal").collect()],
        "pages": {
            name: int(pages[name]) if pages else 0 for name in ("read", "opted_out", "images_opted_out", "masked")
        },
        "references_opted_out": _entry(steps, "03_links", "reference").get("opted_out", 0),
        "urls_opted_out": _entry(steps, "03_links", "url").get("opted_out", 0),
        "urls": {str(status): images.get(f"fetch:{status}", 0) for status in FETCH},
        "said": counts(said, "detail", 20),
        "files": {str(reason): files.get(f"file:{reason}", 0) for reason in SAFETY},
        "model": run.recipe.nsfw.model,
        "max_score": run.recipe.nsfw.max_score,
        "action": str(run.recipe.nsfw.action),
    }


def _entry(steps: list[dict[str, Any]], step: str, unit: str) -> dict[str, int]:
    found = (entry["dropped"] for entry in steps if entry["step"] == step and entry["unit"] == unit)
    return next(found, {})
