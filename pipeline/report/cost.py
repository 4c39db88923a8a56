"""What each step cost, from the commit records, and what a whole crawl would cost, with the arithmetic."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pipeline.run import Run

WHOLE_FILES = 100_000
"""WARC files of one crawl of Common Crawl, about (CC-MAIN-2024-22: 100,000)."""
WHOLE_FILE_BYTES = 1_000_000_000
"""Bytes of one of its WARC files, compressed, about; an assumption of the extrapolation, and shown as such."""
FEW_PAGES = 100_000
"""Below so many pages, an extrapolation is an order of magnitude at best, and says so."""


def costs(run: Run) -> list[dict[str, Any]]:
    """Cost and size of each step, from the commit records."""
    found = []
    for step in run.steps:
        finished = run.finished(step.name)
        commits = [commit for commit in run.commits(step.name) if not commit.slice.startswith("done-")]
        files = [file for commit in commits for file in commit.files]
        rows = {t.name: sum(f.rows for f in files if f.table == t.name) for t in step.tables}
        sizes = {t.name: sum(f.num_bytes for f in files if f.table == t.name) for t in step.tables}
        tables = [
            {
                "name": t.name,
                "rows": rows[t.name],
                "bytes": sizes[t.name],
                "bytes_per_row": round(sizes[t.name] / max(1, rows[t.name])),
                "budget": t.budget_bytes,
            }
            for t in step.tables
        ]
        found.append(
            {
                "step": step.name,
                "seconds": finished.cost.seconds if finished else 0.0,
                "cpu_seconds": round(sum(commit.cost.cpu_seconds for commit in commits), 3),
                "peak_bytes": max((commit.cost.peak_bytes for commit in commits), default=0),
                "slices": len(commits),
                "tables": tables,
            }
        )
    return found


def extrapolate(steps: list[dict[str, Any]], totals: dict[str, Any], read: dict[str, int]) -> dict[str, Any]:
    """What `WHOLE_FILES` files would take, in proportion to the bytes that were read here.

    Args:
        steps: what `costs` gives.
        totals: `totals` of the report.
        read: files, bytes, pages and image bytes of this run.

    Each number is `here / bytes read here * bytes of the whole`; the scale is None where nothing was read.
    """
    scale = WHOLE_FILES * WHOLE_FILE_BYTES / read["bytes"] if read["bytes"] else None
    cpu = sum(step["cpu_seconds"] for step in steps)
    here = {
        "files": read["files"],
        "bytes": read["bytes"],
        "pages": read["pages"],
        "cpu_seconds": round(cpu, 3),
        "seconds": totals["seconds"],
        "image_bytes": read["image_bytes"],
        "table_bytes": sum(table["bytes"] for step in steps for table in step["tables"]),
        "shard_bytes": totals["bytes"],
        "documents": totals["documents"],
        "images": totals["images"],
        "tokens": totals["tokens"],
    }
    whole = None if scale is None else {name: round(value * scale) for name, value in here.items()}
    if whole is not None:
        whole |= {"files": WHOLE_FILES, "bytes": WHOLE_FILES * WHOLE_FILE_BYTES}
        del whole["seconds"]
    return {
        "here": here,
        "whole": whole,
        "scale": scale,
        "assumed": {"files": WHOLE_FILES, "bytes_a_file": WHOLE_FILE_BYTES},
        "by_step": {step["step"]: round(step["cpu_seconds"] * scale) for step in steps} if scale else {},
        "pages_a_cpu_second": round(read["pages"] / cpu, 2) if cpu else None,
        "documents_a_cpu_second": round(totals["documents"] / cpu, 2) if cpu else None,
        "is_small": read["pages"] < FEW_PAGES,
    }


def what_was_read(run: Run) -> dict[str, int]:
    """Files, bytes and pages that step 01 read, and bytes of image answers."""
    from pyspark.sql import functions as F

    inputs = run.table("inputs").agg(
        F.countDistinct("warc_filename").alias("files"),
        F.sum("num_bytes").alias("bytes"),
        F.sum("num_pages").alias("pages"),
    )
    answers = run.table("ledger").agg(F.sum("num_bytes").alias("bytes")).first()
    row = inputs.first()
    found = {name: int((row and row[name]) or 0) for name in ("files", "bytes", "pages")}
    return found | {"image_bytes": int((answers and answers["bytes"]) or 0)}
