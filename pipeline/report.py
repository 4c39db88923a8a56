"""The report: `report/report.json` (books, joins, totals, cost) and `report/index.html`, which shows the same.

Everything is counted from committed rows by DataFrame aggregations. Books that do not balance are an error, and the
files are written all the same, so that one can see where.
"""

from __future__ import annotations

import json
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filters.text.tokens import NAME as TOKENIZER
from pipeline.books import books, check
from pipeline.commits import new_attempt

if TYPE_CHECKING:
    from pipeline.run import Run

TOP = 50
"""Languages and hosts that are listed by name."""


def report(run: Run) -> dict[str, Any]:
    """Write the report of a finished run and give back what `report.json` holds.

    Raises:
        BooksDoNotBalance: after the files were written.
    """
    entries, joins = books(run)
    facts = {
        "recipe": {
            "name": run.recipe.name,
            "fingerprint": run.recipe.fingerprint,
            "sections": run.recipe.raw,
        },
        "steps": [entry.as_json() for entry in entries],
        "joins": [join.as_json() for join in joins],
        "totals": totals(run),
        "costs": costs(run),
        "nsfw_model": run.recipe.nsfw.model,
        "clip_model": run.recipe.clip.model,
    }
    folder = run.folder / "report"
    folder.mkdir(exist_ok=True)
    _put(folder / "report.json", json.dumps(facts, indent=1, ensure_ascii=False))
    page = render(facts)
    if page is None:
        run.say("report: the page needs the extra `report` (pip install 'weft[report]'); the JSON is written")
    else:
        _put(folder / "index.html", page)
    check(entries, joins)
    return facts


def totals(run: Run) -> dict[str, Any]:
    """What the shards hold, and what nothing could be said of."""
    from pyspark.sql import functions as F

    manifest = json.loads((run.folder / "shards" / "manifest.json").read_text())
    decisions = run.table("decisions").where(F.col("drop_reason").isNull()).select("id")
    documents = (
        run.table("documents").where(F.col("drop_reason").isNull()).select("id", "language", "site", "not_scored")
    )
    kept = documents.dropDuplicates(["id"]).join(decisions, "id", how="left_semi")
    matches = run.table("matches").where(F.col("drop_reason").isNull()).join(decisions, "id", how="left_semi")
    images = matches.join(run.table("images").select("url", "phash", "nsfw_score"), "url", how="inner")
    unique = images.agg(
        F.countDistinct("url").alias("by_url"),
        F.countDistinct("sha256").alias("by_bytes"),
        F.countDistinct("phash").alias("by_phash"),
        F.count_if(F.col("clip_score").isNull()).alias("clip"),
        F.count_if(F.col("nsfw_score").isNull()).alias("nsfw"),
    ).first()
    missing = kept.select(F.explode("not_scored").alias("name")).groupBy("name").count()
    masked = run.table("documents").select(F.explode("masked").alias("m")).groupBy("m.kind").agg(F.sum("m.count"))
    hosts = kept.select("site").distinct().count()
    return {
        **{name: manifest["totals"][name] for name in ("documents", "images", "words", "tokens", "tokenizer")},
        "unique_images": {name: int(unique[name]) if unique else 0 for name in ("by_url", "by_bytes", "by_phash")},
        "languages": _top(kept.groupBy("language").count()),
        "hosts": {"count": hosts, "top": _top(kept.groupBy("site").count())},
        "masked": {row[0]: int(row[1]) for row in sorted(masked.collect())},
        "bytes": sum(shard["bytes"] for shard in manifest["shards"]),
        "shards": manifest["num_shards"],
        "seconds": round(sum(cost["seconds"] for cost in costs(run)), 3),
        "not_scored": {
            "clip": int(unique["clip"]) if unique else 0,
            "nsfw": int(unique["nsfw"]) if unique else 0,
            **{row["name"]: int(row["count"]) for row in missing.collect()},
        },
    }


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


def render(facts: dict[str, Any]) -> str | None:
    """The page, or None where the template engine is not installed."""
    try:
        from jinja2 import Environment, StrictUndefined
    except ImportError:
        return None
    source = (resources.files("pipeline") / "templates" / "report.html").read_text("utf-8")
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters["number"] = lambda value: f"{value:,}"
    environment.filters["bytes"] = _bytes
    return environment.from_string(source).render(facts=facts, tokenizer=TOKENIZER)


def _bytes(value: float) -> str:
    """A size as a person reads it: 1.2 MB."""
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} PB"


def _top(counted: Any) -> dict[str, int]:
    from pyspark.sql import functions as F

    rows = counted.orderBy(F.desc("count"), F.asc_nulls_last(counted.columns[0])).limit(TOP).collect()
    return {str(row[0]): int(row[1]) for row in rows}


def _put(path: Path, text: str) -> None:
    draft = path.with_name(f".{path.name}-{new_attempt()}")
    draft.write_text(text, "utf-8")
    draft.replace(path)
